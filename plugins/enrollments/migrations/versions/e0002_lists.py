"""Indexes that lists and pages of the panel search, sort and filter by."""

from alembic import op

from portal.sdk import create_search_indexes, drop_search_indexes

revision = "e0002_lists"
down_revision = "e0001_enrollments"
branch_labels = None
depends_on = None

#: Table, column, and how many words of it are searched.
SEARCHED = (
    ("enrollments_organization", "short_name", 1),
    ("enrollments_organization", "name", 4),
    ("enrollments_identity_provider", "slug", 1),
    ("enrollments_program", "title", 4),
    ("enrollments_program", "slug", 1),
    ("enrollments_curriculum", "name", 4),
    ("enrollments_curriculum", "certificate_code", 1),
    ("enrollments_course_run", "course_key", 1),
    ("enrollments_course_run", "title", 4),
    ("enrollments_program_enrollment", "external_user_key", 1),
)
SORTED = (
    (
        "ix_enrollments_program_enrollment_modified_at",
        "enrollments_program_enrollment",
        ["modified_at", "id"],
    ),
    (
        "ix_enrollments_program_course_enrollment_modified_at",
        "enrollments_program_course_enrollment",
        ["modified_at", "id"],
    ),
    (
        "ix_enrollments_program_enrollment_history_program",
        "enrollments_program_enrollment_history",
        ["program_uuid", "at"],
    ),
)


def upgrade() -> None:
    for table, column, words in SEARCHED:
        create_search_indexes(op.get_bind(), table, column, words=words)
    for name, table, columns in SORTED:
        op.create_index(name, table, columns)


def downgrade() -> None:
    for name, table, _ in reversed(SORTED):
        op.drop_index(name, table)
    for table, column, words in reversed(SEARCHED):
        drop_search_indexes(op.get_bind(), table, column, words=words)
