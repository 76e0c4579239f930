"""Rows of jobs are found by subject within a job too."""

from alembic import op

revision = "p0008_job_subjects"
down_revision = "p0007_exports"
branch_labels = None
depends_on = None

INDEX, TABLE = "ix_portal_job_row_subject", "portal_job_row"


def upgrade() -> None:
    op.drop_index(INDEX, TABLE)
    op.create_index(INDEX, TABLE, ["subject", "job_id"])


def downgrade() -> None:
    op.drop_index(INDEX, TABLE)
    op.create_index(INDEX, TABLE, ["subject"])
