"""The tables of submissions."""

import sqlalchemy as sa
from alembic import op

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IDENTIFIER = sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql")
ITEM_TYPE = sa.String(length=100).with_variant(sa.String(length=100, collation="C"), "postgresql")

revision = "s0001_submissions"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "submissions_student_item",
        sa.Column("id", KEY, nullable=False),
        sa.Column("student_id", IDENTIFIER, nullable=False),
        sa.Column("course_id", IDENTIFIER, nullable=False),
        sa.Column("item_id", IDENTIFIER, nullable=False),
        sa.Column("item_type", ITEM_TYPE, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_submissions_student_item"),
    )
    op.create_index(
        "ix_submissions_student_item_student", "submissions_student_item", ["student_id", "course_id"]
    )
    op.create_index(
        "uq_submissions_student_item_triple",
        "submissions_student_item",
        ["course_id", "item_id", "student_id"],
        unique=True,
    )

    op.create_table(
        "submissions_team_submission",
        sa.Column("id", KEY, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("attempt_number", sa.Integer(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("course_id", IDENTIFIER, nullable=False),
        sa.Column("item_id", IDENTIFIER, nullable=False),
        sa.Column("team_id", IDENTIFIER, nullable=False),
        sa.Column("submitted_by", sa.Integer(), nullable=True),
        sa.Column("raw_answer", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=1), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('A', 'D')", name="ck_submissions_team_submission_status"),
        sa.ForeignKeyConstraint(
            ["submitted_by"],
            ["portal_user.id"],
            name="fk_submissions_team_submission_submitted_by",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_submissions_team_submission"),
        sa.UniqueConstraint("uuid", name="uq_submissions_team_submission_uuid"),
    )
    op.create_index(
        "ix_submissions_team_submission_submitted",
        "submissions_team_submission",
        ["course_id", "item_id", "submitted_at", "id"],
    )
    op.create_index(
        "uq_submissions_team_submission_active",
        "submissions_team_submission",
        ["course_id", "item_id", "team_id"],
        unique=True,
        sqlite_where=sa.text("status = 'A'"),
        postgresql_where=sa.text("status = 'A'"),
    )

    op.create_table(
        "submissions_submission",
        sa.Column("id", KEY, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("student_item_id", KEY, nullable=False),
        sa.Column("course_id", IDENTIFIER, nullable=False),
        sa.Column("item_type", ITEM_TYPE, nullable=False),
        sa.Column("attempt_number", sa.Integer(), nullable=False),
        sa.Column("numbered", sa.Boolean(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raw_answer", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=1), nullable=False),
        sa.Column("team_submission_id", KEY, nullable=True),
        sa.CheckConstraint("status IN ('A', 'D')", name="ck_submissions_submission_status"),
        sa.CheckConstraint("attempt_number >= 0", name="ck_submissions_submission_attempt_number"),
        sa.ForeignKeyConstraint(
            ["student_item_id"],
            ["submissions_student_item.id"],
            name="fk_submissions_submission_student_item_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["team_submission_id"],
            ["submissions_team_submission.id"],
            name="fk_submissions_submission_team_submission_id",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_submissions_submission"),
        sa.UniqueConstraint("uuid", name="uq_submissions_submission_uuid"),
    )
    op.create_index(
        "ix_submissions_submission_course",
        "submissions_submission",
        ["course_id", "item_type", "submitted_at", "id"],
        sqlite_where=sa.text("status = 'A'"),
        postgresql_where=sa.text("status = 'A'"),
    )
    op.create_index(
        "ix_submissions_submission_newest",
        "submissions_submission",
        ["student_item_id", "submitted_at", "id"],
    )
    op.create_index("ix_submissions_submission_submitted", "submissions_submission", ["submitted_at", "id"])
    op.create_index("ix_submissions_submission_team", "submissions_submission", ["team_submission_id"])
    op.create_index(
        "uq_submissions_submission_automatic",
        "submissions_submission",
        ["student_item_id", "attempt_number"],
        unique=True,
        sqlite_where=sa.text("status = 'A' AND numbered"),
        postgresql_where=sa.text("status = 'A' AND numbered"),
    )

    op.create_table(
        "submissions_grader_entry",
        sa.Column("id", KEY, nullable=False),
        sa.Column("submission_id", KEY, nullable=False),
        sa.Column("queue_name", sa.String(length=128), nullable=False),
        sa.Column("queue_key", sa.String(length=128), nullable=True),
        sa.Column("grader_file_name", sa.String(length=128), nullable=False),
        sa.Column("points_possible", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("pullkey", sa.String(length=128), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("grader_reply", sa.Text(), nullable=True),
        sa.Column("status_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("num_failures", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'pulled', 'retired', 'failed', 'retry')",
            name="ck_submissions_grader_entry_status",
        ),
        sa.CheckConstraint("num_failures >= 0", name="ck_submissions_grader_entry_num_failures"),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submissions_submission.id"],
            name="fk_submissions_grader_entry_submission_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_submissions_grader_entry"),
        sa.UniqueConstraint("submission_id", name="uq_submissions_grader_entry_submission_id"),
    )
    op.create_index(
        "ix_submissions_grader_entry_created_at", "submissions_grader_entry", ["created_at", "id"]
    )
    op.create_index(
        "ix_submissions_grader_entry_queue",
        "submissions_grader_entry",
        ["queue_name", "status", "status_time"],
    )

    op.create_table(
        "submissions_score",
        sa.Column("id", KEY, nullable=False),
        sa.Column("student_item_id", KEY, nullable=False),
        sa.Column("submission_id", KEY, nullable=True),
        sa.Column("points_earned", sa.Integer(), nullable=False),
        sa.Column("points_possible", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reset", sa.Boolean(), nullable=False),
        sa.CheckConstraint("points_earned >= 0", name="ck_submissions_score_points_earned"),
        sa.CheckConstraint("points_possible >= 0", name="ck_submissions_score_points_possible"),
        sa.ForeignKeyConstraint(
            ["student_item_id"],
            ["submissions_student_item.id"],
            name="fk_submissions_score_student_item_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submissions_submission.id"],
            name="fk_submissions_score_submission_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_submissions_score"),
    )
    op.create_index("ix_submissions_score_created_at", "submissions_score", ["created_at", "id"])
    op.create_index("ix_submissions_score_student_item", "submissions_score", ["student_item_id", "id"])
    op.create_index("ix_submissions_score_submission", "submissions_score", ["submission_id", "id"])

    op.create_table(
        "submissions_grader_file",
        sa.Column("id", KEY, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("entry_id", KEY, nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("original_filename", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["submissions_grader_entry.id"],
            name="fk_submissions_grader_file_entry_id",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["sha256"], ["portal_stored_file.sha256"], name="fk_submissions_grader_file_sha256"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_submissions_grader_file"),
        sa.UniqueConstraint("uuid", name="uq_submissions_grader_file_uuid"),
    )
    op.create_index("ix_submissions_grader_file_entry", "submissions_grader_file", ["entry_id", "uuid"])

    op.create_table(
        "submissions_score_annotation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("score_id", KEY, nullable=False),
        sa.Column("annotation_type", sa.String(length=255), nullable=False),
        sa.Column("creator", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["score_id"],
            ["submissions_score.id"],
            name="fk_submissions_score_annotation_score_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_submissions_score_annotation"),
    )
    op.create_index(
        "ix_submissions_score_annotation_creator", "submissions_score_annotation", ["creator", "id"]
    )
    op.create_index(
        "ix_submissions_score_annotation_score", "submissions_score_annotation", ["score_id", "id"]
    )
    op.create_index(
        "ix_submissions_score_annotation_type", "submissions_score_annotation", ["annotation_type", "id"]
    )

    op.create_table(
        "submissions_score_summary",
        sa.Column("student_item_id", KEY, autoincrement=False, nullable=False),
        sa.Column("latest_id", KEY, nullable=False),
        sa.Column("highest_id", KEY, nullable=False),
        sa.Column("highest_earned", sa.BigInteger(), nullable=False),
        sa.Column("highest_possible", sa.BigInteger(), nullable=False),
        sa.Column("top_order", sa.Integer(), nullable=True),
        sa.Column("latest_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("course_id", IDENTIFIER, nullable=False),
        sa.Column("item_id", IDENTIFIER, nullable=False),
        sa.Column("item_type", ITEM_TYPE, nullable=False),
        sa.ForeignKeyConstraint(
            ["highest_id"],
            ["submissions_score.id"],
            name="fk_submissions_score_summary_highest_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["latest_id"],
            ["submissions_score.id"],
            name="fk_submissions_score_summary_latest_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["student_item_id"],
            ["submissions_student_item.id"],
            name="fk_submissions_score_summary_student_item_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("student_item_id", name="pk_submissions_score_summary"),
    )
    op.create_index("ix_submissions_score_summary_highest_id", "submissions_score_summary", ["highest_id"])
    op.create_index("ix_submissions_score_summary_latest_id", "submissions_score_summary", ["latest_id"])
    op.create_index(
        "ix_submissions_score_summary_top",
        "submissions_score_summary",
        ["course_id", "item_id", "item_type", "top_order", "latest_at", "latest_id"],
        sqlite_where=sa.text("top_order IS NOT NULL"),
        postgresql_where=sa.text("top_order IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_submissions_score_summary_top",
        "submissions_score_summary",
        sqlite_where=sa.text("top_order IS NOT NULL"),
        postgresql_where=sa.text("top_order IS NOT NULL"),
    )
    op.drop_index("ix_submissions_score_summary_latest_id", "submissions_score_summary")
    op.drop_index("ix_submissions_score_summary_highest_id", "submissions_score_summary")

    op.drop_table("submissions_score_summary")
    op.drop_index("ix_submissions_score_annotation_type", "submissions_score_annotation")
    op.drop_index("ix_submissions_score_annotation_score", "submissions_score_annotation")
    op.drop_index("ix_submissions_score_annotation_creator", "submissions_score_annotation")

    op.drop_table("submissions_score_annotation")
    op.drop_index("ix_submissions_grader_file_entry", "submissions_grader_file")

    op.drop_table("submissions_grader_file")
    op.drop_index("ix_submissions_score_submission", "submissions_score")
    op.drop_index("ix_submissions_score_student_item", "submissions_score")
    op.drop_index("ix_submissions_score_created_at", "submissions_score")

    op.drop_table("submissions_score")
    op.drop_index("ix_submissions_grader_entry_queue", "submissions_grader_entry")
    op.drop_index("ix_submissions_grader_entry_created_at", "submissions_grader_entry")

    op.drop_table("submissions_grader_entry")
    op.drop_index(
        "uq_submissions_submission_automatic",
        "submissions_submission",
        sqlite_where=sa.text("status = 'A' AND numbered"),
        postgresql_where=sa.text("status = 'A' AND numbered"),
    )
    op.drop_index("ix_submissions_submission_team", "submissions_submission")
    op.drop_index("ix_submissions_submission_submitted", "submissions_submission")
    op.drop_index("ix_submissions_submission_newest", "submissions_submission")
    op.drop_index(
        "ix_submissions_submission_course",
        "submissions_submission",
        sqlite_where=sa.text("status = 'A'"),
        postgresql_where=sa.text("status = 'A'"),
    )

    op.drop_table("submissions_submission")
    op.drop_index(
        "uq_submissions_team_submission_active",
        "submissions_team_submission",
        sqlite_where=sa.text("status = 'A'"),
        postgresql_where=sa.text("status = 'A'"),
    )
    op.drop_index("ix_submissions_team_submission_submitted", "submissions_team_submission")

    op.drop_table("submissions_team_submission")
    op.drop_index("uq_submissions_student_item_triple", "submissions_student_item")
    op.drop_index("ix_submissions_student_item_student", "submissions_student_item")

    op.drop_table("submissions_student_item")
