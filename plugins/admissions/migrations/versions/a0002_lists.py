"""Indexes that lists of any size page and search by."""

revision = "a0002_lists"
down_revision = "a0001_admissions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
