"""The toy's one table."""

import sqlalchemy as sa
from alembic import op

revision = "toy0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "toy_thing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_toy_thing"),
        sa.UniqueConstraint("name", name="uq_toy_thing_name"),
    )


def downgrade() -> None:
    op.drop_table("toy_thing")
