"""Exports of lists, kept for a day; indexes of the core's lists."""

revision = "p0007_exports"
down_revision = "p0006_people"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
