"""People: identities and retirement."""

revision = "p0006_people"
down_revision = "p0005_rest"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
