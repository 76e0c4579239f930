"""Sheets: how a job's sheet is read, and remembered column mappings."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "p0002_sheets"
down_revision = "p0001_core"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("portal_job", sa.Column("reading", JSON, nullable=True))
    op.create_table(
        "portal_column_mapping",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(120), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("column_name", sa.String(200), nullable=False),
        sa.Column("field", sa.String(120), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["portal_user.id"],
            name="fk_portal_column_mapping_user_id_portal_user",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_portal_column_mapping"),
        sa.UniqueConstraint(
            "kind", "user_id", "column_name", name="uq_portal_column_mapping_kind_user_id_column_name"
        ),
    )
    op.create_index("ix_portal_column_mapping_user_id", "portal_column_mapping", ["user_id"])


def downgrade() -> None:
    op.drop_table("portal_column_mapping")
    op.drop_column("portal_job", "reading")
