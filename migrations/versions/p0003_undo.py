"""Undo and the brake: what a job undoes, who releases it."""

revision = "p0003_undo"
down_revision = "p0002_sheets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
