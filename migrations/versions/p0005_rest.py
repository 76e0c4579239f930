"""REST: API tokens, idempotency keys."""

revision = "p0005_rest"
down_revision = "p0004_schedules"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
