"""Sheets: remembered column mappings."""

revision = "p0002_sheets"
down_revision = "p0001_core"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
