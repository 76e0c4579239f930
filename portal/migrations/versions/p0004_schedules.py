"""Schedules: one run per name and slot. The beat by which a read replica shows how far behind it is."""

import sqlalchemy as sa
from alembic import op

revision = "p0004_schedules"
down_revision = "p0003_undo"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "portal_schedule",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cron", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_portal_schedule"),
    )
    op.create_table(
        "portal_schedule_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("slot_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("asked_by_name", sa.String(length=200), nullable=True),
        sa.Column("problem", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["portal_job.id"],
            name="fk_portal_schedule_run_job_id_portal_job",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_portal_schedule_run"),
        sa.UniqueConstraint("job_id", name="uq_portal_schedule_run_job_id"),
        sa.UniqueConstraint("name", "slot_at", name="uq_portal_schedule_run_name_slot_at"),
    )
    op.create_index("ix_portal_schedule_run_name_created_at", "portal_schedule_run", ["name", "created_at"])
    op.create_table(
        "portal_beat",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_portal_beat"),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("portal_beat")
    op.drop_table("portal_schedule_run")
    op.drop_table("portal_schedule")
