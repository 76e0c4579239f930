"""The library's two tables."""

import sqlalchemy as sa
from alembic import op

from portal.sdk import create_search_indexes

revision = "library0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "library_shelf",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(50), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_library_shelf"),
        sa.UniqueConstraint("name", name="uq_library_shelf_name"),
    )
    op.create_table(
        "library_book",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("title", sa.String(50), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("pages_count", sa.Integer(), nullable=True),
        sa.Column("shelf_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shelf_id"], ["library_shelf.id"], name="fk_library_book_shelf_id_library_shelf"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_library_book"),
        sa.UniqueConstraint("title", name="uq_library_book_title"),
    )
    for column in ("state", "pages_count", "shelf_id"):
        op.create_index(f"ix_library_book_{column}", "library_book", [column, "id"])
    create_search_indexes(op.get_bind(), "library_book", "title", words=3)
    create_search_indexes(op.get_bind(), "library_shelf", "name")


def downgrade() -> None:
    op.drop_table("library_book")
    op.drop_table("library_shelf")
