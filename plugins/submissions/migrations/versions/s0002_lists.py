"""Indexes that lists of the panel search and filter by."""

from alembic import op

from portal.sdk import create_search_indexes, drop_search_indexes

revision = "s0002_lists"
down_revision = "s0001_submissions"
branch_labels = None
depends_on = None

SEARCHED = (("submissions_student_item", "student_id"), ("submissions_team_submission", "team_id"))
ENTRY = "submissions_grader_entry"


def upgrade() -> None:
    for table, column in SEARCHED:
        create_search_indexes(op.get_bind(), table, column)
    op.create_index("ix_submissions_grader_entry_status", ENTRY, ["status", "id"])
    op.create_index("ix_submissions_grader_entry_of_queue", ENTRY, ["queue_name", "id"])


def downgrade() -> None:
    op.drop_index("ix_submissions_grader_entry_of_queue", ENTRY)
    op.drop_index("ix_submissions_grader_entry_status", ENTRY)
    for table, column in SEARCHED:
        drop_search_indexes(op.get_bind(), table, column)
