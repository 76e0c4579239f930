"""Indexes that lists of any size page and search by."""

from alembic import op

from portal.sdk import create_search_indexes, drop_search_indexes

revision = "a0002_lists"
down_revision = "a0001_admissions"
branch_labels = None
depends_on = None

#: Column of each table that a list is sorted or filtered by.
ADDED = (
    ("applicant", "course1"),
    ("applicant", "date_of_birth"),
    ("applicant", "locked"),
    ("applicant_file", "added_at"),
    ("applicant_history", "at"),
    ("applicant_history", "actor_name"),
    ("student_file", "added_at"),
    ("student_history", "at"),
    ("student_history", "actor_name"),
    ("container", "startdate"),
    ("container", "title"),
    ("container", "year"),
)
#: Indexes that had no key to part rows with the same value.
WIDENED = (
    ("applicant", "course_admitted"),
    ("study_course", "entry_session"),
    ("container", "enddate"),
)
#: Table, column, words, whether it is folded already.
SEARCHED = (
    ("applicant", "fullname", 4, True),
    ("applicant", "applicant_id", 1, False),
    ("applicant", "application_number", 1, False),
    ("applicant", "reg_number", 1, False),
    ("applicant", "email", 1, False),
    ("student", "fullname", 4, True),
    ("student", "student_id", 1, False),
    ("student", "reg_number", 1, False),
    ("student", "matric_number", 1, False),
    ("student", "email", 1, False),
    ("container", "code", 1, False),
    ("container", "title", 4, False),
    ("faculty", "code", 1, False),
    ("faculty", "title", 4, False),
    ("department", "code", 1, False),
    ("department", "title", 4, False),
    ("certificate", "code", 1, False),
    ("certificate", "title", 4, False),
)


def upgrade() -> None:
    for table, column in WIDENED:
        op.drop_index(_name(table, column), _table(table))
    for table, column in (*WIDENED, *ADDED):
        op.create_index(_name(table, column), _table(table), [column, "id"])
    for table, column, words, is_folded in SEARCHED:
        create_search_indexes(op.get_bind(), _table(table), column, words=words, is_folded=is_folded)
    # The search index of the name serves what this one served.
    op.drop_index(_name("applicant", "fullname"), _table("applicant"))


def downgrade() -> None:
    op.create_index(_name("applicant", "fullname"), _table("applicant"), ["fullname", "id"])
    for table, column, words, _ in SEARCHED:
        drop_search_indexes(op.get_bind(), _table(table), column, words=words)
    for table, column in (*WIDENED, *ADDED):
        op.drop_index(_name(table, column), _table(table))
    for table, column in WIDENED:
        op.create_index(_name(table, column), _table(table), [column])


def _table(name: str) -> str:
    return f"admissions_{name}"


def _name(table: str, column: str) -> str:
    return f"ix_admissions_{table}_{column}"
