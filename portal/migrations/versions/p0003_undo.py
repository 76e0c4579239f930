"""Undo and the brake: what a job undoes, who releases it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "p0003_undo"
down_revision = "p0002_sheets"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Add the columns."""
    with op.batch_alter_table("portal_job") as table:
        table.add_column(sa.Column("undoes_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("impact", JSON, nullable=True))
        table.add_column(sa.Column("release_asked_by_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("released_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("released_by_name", sa.String(length=200), nullable=True))
        table.add_column(sa.Column("worked_at", sa.DateTime(timezone=True), nullable=True))
        table.create_foreign_key("fk_portal_job_undoes_id_portal_job", "portal_job", ["undoes_id"], ["id"])
        table.create_unique_constraint("uq_portal_job_undoes_id", ["undoes_id"])
    op.add_column("portal_job_row", sa.Column("record_version", sa.String(length=120), nullable=True))
    op.add_column("portal_job_row", sa.Column("undo_facts", JSON, nullable=True))


def downgrade() -> None:
    """Remove them."""
    with op.batch_alter_table("portal_job_row") as table:
        table.drop_column("undo_facts")
        table.drop_column("record_version")
    with op.batch_alter_table("portal_job") as table:
        table.drop_constraint("uq_portal_job_undoes_id", type_="unique")
        table.drop_constraint("fk_portal_job_undoes_id_portal_job", type_="foreignkey")
        for column in (
            "worked_at",
            "released_by_name",
            "released_at",
            "release_asked_by_id",
            "impact",
            "undoes_id",
        ):
            table.drop_column(column)
