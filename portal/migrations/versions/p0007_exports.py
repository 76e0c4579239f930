"""Exports of lists, kept for a day; indexes of the core's lists."""

import sqlalchemy as sa
from alembic import op

from portal.kernel.search_indexes import create_search_indexes, drop_search_indexes

revision = "p0007_exports"
down_revision = "p0006_people"
branch_labels = None
depends_on = None

#: Table, name of the index, columns: new ones.
ADDED = (
    ("portal_job", "finished_at", ["finished_at", "id"]),
    ("portal_job", "kind", ["kind", "created_at"]),
    ("portal_job", "actor_name", ["actor_name", "created_at"]),
    ("portal_job", "actor_user_id", ["actor_user_id", "created_at"]),
    ("portal_audit_entry", "record_id", ["record_id", "at"]),
    ("portal_audit_entry", "actor_name", ["actor_name", "at"]),
    ("portal_stored_file", "size_bytes", ["size_bytes", "sha256"]),
    ("portal_stored_file", "media_type", ["media_type", "sha256"]),
    ("portal_role", "title", ["title", "id"]),
    ("portal_user", "display_name", ["display_name", "id"]),
    ("portal_user", "active", ["active", "id"]),
)
#: Table, column, key: indexes that had no key to part rows with the same value.
WIDENED = (
    ("portal_job", "created_at", "id"),
    ("portal_audit_entry", "at", "id"),
    ("portal_stored_file", "created_at", "sha256"),
    ("portal_user", "email", "id"),
)
#: Table, column, words.
SEARCHED = (
    ("portal_job", "title", 4),
    ("portal_job", "actor_name", 3),
    ("portal_job", "kind", 1),
    ("portal_stored_file", "sha256", 1),
    ("portal_role", "title", 4),
    ("portal_role", "name", 1),
    ("portal_user", "display_name", 4),
    ("portal_user", "sign_in_key", 1),
    ("portal_user", "email", 1),
)


def upgrade() -> None:
    op.create_table(
        "portal_passing_file",
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["portal_job.id"], name="fk_portal_passing_file_job_id_portal_job", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("file_id", name="pk_portal_passing_file"),
    )
    op.create_index("ix_portal_passing_file_job_id", "portal_passing_file", ["job_id"])
    op.create_index("ix_portal_passing_file_expires_at", "portal_passing_file", ["expires_at"])
    for table, column, key in WIDENED:
        op.drop_index(f"ix_{table}_{column}", table)
        op.create_index(f"ix_{table}_{column}", table, [column, key])
    for table, name, columns in ADDED:
        op.create_index(f"ix_{table}_{name}", table, columns)
    for table, column, words in SEARCHED:
        create_search_indexes(op.get_bind(), table, column, words=words)


def downgrade() -> None:
    for table, column, words in SEARCHED:
        drop_search_indexes(op.get_bind(), table, column, words=words)
    for table, name, _ in ADDED:
        op.drop_index(f"ix_{table}_{name}", table)
    for table, column, _ in WIDENED:
        op.drop_index(f"ix_{table}_{column}", table)
        op.create_index(f"ix_{table}_{column}", table, [column])
    op.drop_table("portal_passing_file")
