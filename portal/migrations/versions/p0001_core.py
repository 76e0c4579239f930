"""The core's tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "p0001_core"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "portal_audit_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_user_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("target", sa.String(length=80), nullable=False),
        sa.Column("record_id", sa.String(length=120), nullable=False),
        sa.Column("changes", JSON, nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_portal_audit_entry"),
    )
    op.create_index("ix_portal_audit_entry_at", "portal_audit_entry", ["at"])
    op.create_index(
        "ix_portal_audit_entry_target_record_id", "portal_audit_entry", ["target", "record_id", "at"]
    )

    op.create_table(
        "portal_job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=120), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("params", JSON, nullable=False),
        sa.Column("header", JSON, nullable=True),
        sa.Column("actor_user_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("grants", JSON, nullable=False),
        sa.Column("is_administrator", sa.Boolean(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=120), nullable=True),
        sa.Column("source_read", sa.Boolean(), nullable=False),
        sa.Column("apply_when_planned", sa.Boolean(), nullable=False),
        sa.Column("binding", sa.Boolean(), nullable=False),
        sa.Column("closes_portal", sa.Boolean(), nullable=False),
        sa.Column("rows_count", sa.Integer(), nullable=False),
        sa.Column("pending_count", sa.Integer(), nullable=False),
        sa.Column("done_count", sa.Integer(), nullable=False),
        sa.Column("unchanged_count", sa.Integer(), nullable=False),
        sa.Column("refused_count", sa.Integer(), nullable=False),
        sa.Column("failed_count", sa.Integer(), nullable=False),
        sa.Column("cancelled_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("woken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_owner", sa.String(length=80), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", JSON, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("progress_done", sa.Integer(), nullable=False),
        sa.Column("progress_total", sa.Integer(), nullable=True),
        sa.Column("cpu_seconds", sa.Double(), nullable=False),
        sa.CheckConstraint(
            "state IN ('planning', 'planned', 'awaiting_approval', 'running', 'finished', 'cancelled', 'failed')",
            name="ck_portal_job_state",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_portal_job"),
        sa.UniqueConstraint("idempotency_key", name="uq_portal_job_idempotency_key"),
    )
    op.create_index("ix_portal_job_created_at", "portal_job", ["created_at"])
    op.create_index("ix_portal_job_state", "portal_job", ["state", "created_at"])

    op.create_table(
        "portal_outbox_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("to_address", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts_count", sa.Integer(), nullable=False),
        sa.Column("last_problem", sa.String(length=500), nullable=False),
        sa.Column("lease_owner", sa.String(length=80), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_portal_outbox_message"),
    )
    op.create_index(
        "ix_portal_outbox_message_sent_at_created_at", "portal_outbox_message", ["sent_at", "created_at"]
    )

    op.create_table(
        "portal_role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("permissions", JSON, nullable=False),
        sa.Column("is_administrator", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_portal_role"),
        sa.UniqueConstraint("name", name="uq_portal_role_name"),
    )
    op.create_table(
        "portal_setting",
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("value", JSON, nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_portal_setting"),
    )
    op.create_table(
        "portal_stored_file",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_portal_stored_file"),
    )
    op.create_index("ix_portal_stored_file_created_at", "portal_stored_file", ["created_at"])

    op.create_table(
        "portal_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sign_in_name", sa.String(length=80), nullable=False),
        sa.Column("sign_in_key", sa.String(length=160), nullable=False),
        sa.Column("display_name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("is_service", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_portal_user"),
        sa.UniqueConstraint("fs_uniquifier", name="uq_portal_user_fs_uniquifier"),
        sa.UniqueConstraint("sign_in_key", name="uq_portal_user_sign_in_key"),
    )
    op.create_index("ix_portal_user_email", "portal_user", ["email"])

    op.create_table(
        "portal_activation",
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("issue", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.String(length=20), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["portal_user.id"],
            name="fk_portal_activation_user_id_portal_user",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", name="pk_portal_activation"),
    )
    op.create_table(
        "portal_external_identity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(length=60), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["portal_user.id"],
            name="fk_portal_external_identity_user_id_portal_user",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_portal_external_identity"),
        sa.UniqueConstraint(
            "provider", "external_id", name="uq_portal_external_identity_provider_external_id"
        ),
    )
    op.create_index("ix_portal_external_identity_user_id", "portal_external_identity", ["user_id"])

    op.create_table(
        "portal_job_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("filename", sa.String(length=300), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["portal_job.id"], name="fk_portal_job_file_job_id_portal_job", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["sha256"], ["portal_stored_file.sha256"], name="fk_portal_job_file_sha256_portal_stored_file"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_portal_job_file"),
        sa.UniqueConstraint("job_id", "role", "name", name="uq_portal_job_file_job_id_role_name"),
    )
    op.create_table(
        "portal_job_row",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=True),
        sa.Column("label", sa.String(length=300), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("data", JSON, nullable=True),
        sa.Column("cells", JSON, nullable=True),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("before", JSON, nullable=True),
        sa.Column("after", JSON, nullable=True),
        sa.Column("warning", sa.Text(), nullable=False),
        sa.Column("seen_version", sa.String(length=120), nullable=True),
        sa.Column("reserved", JSON, nullable=True),
        sa.Column("lease_owner", sa.String(length=80), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=120), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("record_id", sa.String(length=120), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'done', 'unchanged', 'refused', 'failed', 'cancelled')",
            name="ck_portal_job_row_state",
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["portal_job.id"], name="fk_portal_job_row_job_id_portal_job", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_portal_job_row"),
        sa.UniqueConstraint("job_id", "position", name="uq_portal_job_row_job_id_position"),
    )
    op.create_index("ix_portal_job_row_key", "portal_job_row", ["job_id", "key"])
    op.create_index(
        "ix_portal_job_row_lease",
        "portal_job_row",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("lease_until IS NOT NULL"),
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    )
    op.create_index("ix_portal_job_row_record_id", "portal_job_row", ["record_id"])
    op.create_index("ix_portal_job_row_state", "portal_job_row", ["job_id", "state", "position"])
    op.create_index("ix_portal_job_row_subject", "portal_job_row", ["subject"])
    op.create_index(
        "uq_portal_job_row_active_subject",
        "portal_job_row",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("active"),
        postgresql_where=sa.text("active"),
    )

    op.create_table(
        "portal_maintenance_window",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_by_user_id", sa.Integer(), nullable=True),
        sa.Column("started_by_name", sa.String(length=200), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["started_by_user_id"],
            ["portal_user.id"],
            name="fk_portal_maintenance_window_started_by_user_id_portal_user",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_portal_maintenance_window"),
    )
    op.create_index("ix_portal_maintenance_window_started_at", "portal_maintenance_window", ["started_at"])
    op.create_index(
        "uq_portal_maintenance_window_open",
        "portal_maintenance_window",
        ["is_open"],
        unique=True,
        sqlite_where=sa.text("is_open = 1"),
        postgresql_where=sa.text("is_open"),
    )

    op.create_table(
        "portal_user_role",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"],
            ["portal_role.id"],
            name="fk_portal_user_role_role_id_portal_role",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["portal_user.id"],
            name="fk_portal_user_role_user_id_portal_user",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "role_id", name="pk_portal_user_role"),
    )
    op.create_index("ix_portal_user_role_role_id", "portal_user_role", ["role_id"])

    op.create_table(
        "portal_user_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.String(length=60), nullable=False),
        sa.Column("browser", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["portal_user.id"],
            name="fk_portal_user_session_user_id_portal_user",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_portal_user_session"),
    )
    op.create_index("ix_portal_user_session_expires_at", "portal_user_session", ["expires_at"])
    op.create_index("ix_portal_user_session_user_id", "portal_user_session", ["user_id"])


def downgrade() -> None:
    op.drop_index("ix_portal_user_session_user_id", "portal_user_session")
    op.drop_index("ix_portal_user_session_expires_at", "portal_user_session")

    op.drop_table("portal_user_session")
    op.drop_index("ix_portal_user_role_role_id", "portal_user_role")

    op.drop_table("portal_user_role")
    op.drop_index(
        "uq_portal_maintenance_window_open",
        "portal_maintenance_window",
        sqlite_where=sa.text("is_open = 1"),
        postgresql_where=sa.text("is_open"),
    )
    op.drop_index("ix_portal_maintenance_window_started_at", "portal_maintenance_window")

    op.drop_table("portal_maintenance_window")
    op.drop_index(
        "uq_portal_job_row_active_subject",
        "portal_job_row",
        sqlite_where=sa.text("active"),
        postgresql_where=sa.text("active"),
    )
    op.drop_index("ix_portal_job_row_subject", "portal_job_row")
    op.drop_index("ix_portal_job_row_state", "portal_job_row")
    op.drop_index("ix_portal_job_row_record_id", "portal_job_row")
    op.drop_index(
        "ix_portal_job_row_lease",
        "portal_job_row",
        sqlite_where=sa.text("lease_until IS NOT NULL"),
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    )
    op.drop_index("ix_portal_job_row_key", "portal_job_row")

    op.drop_table("portal_job_row")
    op.drop_table("portal_job_file")
    op.drop_index("ix_portal_external_identity_user_id", "portal_external_identity")

    op.drop_table("portal_external_identity")
    op.drop_table("portal_activation")
    op.drop_index("ix_portal_user_email", "portal_user")

    op.drop_table("portal_user")
    op.drop_index("ix_portal_stored_file_created_at", "portal_stored_file")

    op.drop_table("portal_stored_file")
    op.drop_table("portal_setting")
    op.drop_table("portal_role")
    op.drop_index("ix_portal_outbox_message_sent_at_created_at", "portal_outbox_message")

    op.drop_table("portal_outbox_message")
    op.drop_index("ix_portal_job_state", "portal_job")
    op.drop_index("ix_portal_job_created_at", "portal_job")

    op.drop_table("portal_job")
    op.drop_index("ix_portal_audit_entry_target_record_id", "portal_audit_entry")
    op.drop_index("ix_portal_audit_entry_at", "portal_audit_entry")

    op.drop_table("portal_audit_entry")
