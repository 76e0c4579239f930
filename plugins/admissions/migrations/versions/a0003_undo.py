"""Undo of creation and import."""

revision = "a0003_undo"
down_revision = "a0002_lists"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
