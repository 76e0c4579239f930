"""Schedules: one run per name and slot."""

revision = "p0004_schedules"
down_revision = "p0003_undo"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
