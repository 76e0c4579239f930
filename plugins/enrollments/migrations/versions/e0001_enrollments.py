"""The tables of enrollments, and the triggers that write their history."""

import sqlalchemy as sa
from alembic import op

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IDENTIFIER = sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql")
WAITING = sa.text("user_id IS NULL")
ACTIVE_OF_USER = sa.text("status = 'active' AND user_id IS NOT NULL")
ACTIVE_OF_KEY = sa.text("status = 'active' AND external_key IS NOT NULL")

revision = "e0001_enrollments"
down_revision = None
branch_labels = None
depends_on = None

#: Table → columns that its history keeps. A later revision that rebuilds one of these tables on SQLite (batch
#: operations) must make its triggers again: SQLite drops them with the table.
KEPT = {
    "enrollments_course_enrollment": ("user_id", "course_key", "mode", "is_active"),
    "enrollments_program_enrollment": (
        "user_id",
        "external_user_key",
        "program_uuid",
        "curriculum_uuid",
        "status",
    ),
    "enrollments_program_course_enrollment": (
        "program_enrollment_id",
        "course_enrollment_id",
        "course_key",
        "status",
        "user_id",
    ),
}
STAMP = ("id", "version", "modified_at", "changed_by", "changed_through")
HISTORY_STAMP = ("record_id", "version", "at", "changed_by", "changed_through")
#: Children first.
TABLES = (
    "enrollments_course_access_role_assignment",
    "enrollments_program_course_enrollment",
    "enrollments_curriculum_course",
    "enrollments_program_enrollment",
    "enrollments_program_author",
    "enrollments_identity_provider",
    "enrollments_curriculum",
    "enrollments_course_mode",
    "enrollments_course_enrollment",
    "enrollments_course_access_role",
    "enrollments_program_enrollment_history",
    "enrollments_program_course_enrollment_history",
    "enrollments_program",
    "enrollments_organization",
    "enrollments_course_run",
    "enrollments_course_enrollment_history",
)
EVENTS = {"INSERT": "create", "UPDATE": "update"}


def upgrade() -> None:
    op.create_table(
        "enrollments_course_enrollment_history",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("course_key", IDENTIFIER, nullable=False),
        sa.Column("mode", sa.String(length=40), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("record_id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("change", sa.String(length=6), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(length=200), nullable=False),
        sa.Column("changed_through", sa.String(length=80), nullable=False),
        sa.CheckConstraint(
            "change IN ('create', 'delete', 'update')", name="ck_enrollments_course_enrollment_history_change"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments_course_enrollment_history"),
    )
    op.create_index(
        "ix_enrollments_course_enrollment_history_record",
        "enrollments_course_enrollment_history",
        ["record_id", "id"],
    )
    op.create_table(
        "enrollments_course_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("course_key", IDENTIFIER, nullable=False),
        sa.Column("title", sa.String(length=255), server_default="", nullable=False),
        sa.Column("url", sa.String(length=500), server_default="", nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_self_paced", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("course_key <> ''", name="ck_enrollments_course_run_course_key"),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments_course_run"),
        sa.UniqueConstraint("course_key", name="uq_enrollments_course_run_course_key"),
    )
    op.create_table(
        "enrollments_organization",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("short_name", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=255), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments_organization"),
        sa.UniqueConstraint("short_name", name="uq_enrollments_organization_short_name"),
    )
    op.create_table(
        "enrollments_program",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=255), server_default="", nullable=False),
        sa.Column("slug", sa.String(length=120), server_default="", nullable=False),
        sa.Column("type", sa.String(length=40), server_default="masters", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments_program"),
    )
    op.create_index("ix_enrollments_program_slug", "enrollments_program", ["slug"])
    op.create_table(
        "enrollments_program_course_enrollment_history",
        sa.Column("program_enrollment_id", KEY, nullable=False),
        sa.Column("course_enrollment_id", KEY, nullable=True),
        sa.Column("course_key", IDENTIFIER, nullable=False),
        sa.Column("status", sa.String(length=9), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("record_id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("change", sa.String(length=6), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(length=200), nullable=False),
        sa.Column("changed_through", sa.String(length=80), nullable=False),
        sa.CheckConstraint(
            "change IN ('create', 'delete', 'update')",
            name="ck_enrollments_program_course_enrollment_history_change",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments_program_course_enrollment_history"),
    )
    op.create_index(
        "ix_enrollments_program_course_enrollment_history_record",
        "enrollments_program_course_enrollment_history",
        ["record_id", "id"],
    )
    op.create_table(
        "enrollments_program_enrollment_history",
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("external_user_key", IDENTIFIER, nullable=True),
        sa.Column("program_uuid", sa.Uuid(), nullable=False),
        sa.Column("curriculum_uuid", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=9), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("record_id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("change", sa.String(length=6), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(length=200), nullable=False),
        sa.Column("changed_through", sa.String(length=80), nullable=False),
        sa.CheckConstraint(
            "change IN ('create', 'delete', 'update')",
            name="ck_enrollments_program_enrollment_history_change",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments_program_enrollment_history"),
    )
    op.create_index(
        "ix_enrollments_program_enrollment_history_record",
        "enrollments_program_enrollment_history",
        ["record_id", "id"],
    )
    op.create_table(
        "enrollments_course_access_role",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("course_key", IDENTIFIER, nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["portal_user.id"],
            name="fk_enrollments_course_access_role_user_id_portal_user",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments_course_access_role"),
        sa.UniqueConstraint(
            "user_id", "course_key", "role", name="uq_enrollments_course_access_role_user_id_course_key_role"
        ),
    )
    op.create_index(
        "ix_enrollments_course_access_role_course_key", "enrollments_course_access_role", ["course_key"]
    )
    op.create_table(
        "enrollments_course_enrollment",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("course_key", IDENTIFIER, nullable=False),
        sa.Column("mode", sa.String(length=40), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(length=200), server_default="", nullable=False),
        sa.Column("changed_through", sa.String(length=80), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["portal_user.id"],
            name="fk_enrollments_course_enrollment_user_id_portal_user",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments_course_enrollment"),
        sa.UniqueConstraint(
            "user_id", "course_key", name="uq_enrollments_course_enrollment_user_id_course_key"
        ),
    )
    op.create_index(
        "ix_enrollments_course_enrollment_course_key", "enrollments_course_enrollment", ["course_key", "id"]
    )
    op.create_table(
        "enrollments_course_mode",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("course_run_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["course_run_id"],
            ["enrollments_course_run.id"],
            name="fk_enrollments_course_mode_course_run_id_enrollments_course_run",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments_course_mode"),
        sa.UniqueConstraint("course_run_id", "mode", name="uq_enrollments_course_mode_course_run_id_mode"),
    )
    op.create_table(
        "enrollments_curriculum",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=255), server_default="", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("certificate_code", sa.String(length=40), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id"],
            ["enrollments_program.id"],
            name="fk_enrollments_curriculum_program_id_enrollments_program",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments_curriculum"),
        sa.UniqueConstraint("certificate_code", name="uq_enrollments_curriculum_certificate_code"),
    )
    op.create_index("ix_enrollments_curriculum_program_id", "enrollments_curriculum", ["program_id"])
    op.create_table(
        "enrollments_identity_provider",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=255), server_default="", nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("is_enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["enrollments_organization.id"],
            name="fk_enrollments_identity_provider_organization",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments_identity_provider"),
        sa.UniqueConstraint("slug", name="uq_enrollments_identity_provider_slug"),
    )
    op.create_index(
        "ix_enrollments_identity_provider_organization_id",
        "enrollments_identity_provider",
        ["organization_id"],
    )
    op.create_table(
        "enrollments_program_author",
        sa.Column("program_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("organization_key", sa.String(length=100), nullable=False),
        sa.CheckConstraint("position >= 0", name="ck_enrollments_program_author_position"),
        sa.ForeignKeyConstraint(
            ["program_id"],
            ["enrollments_program.id"],
            name="fk_enrollments_program_author_program_id_enrollments_program",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("program_id", "position", name="pk_enrollments_program_author"),
    )
    op.create_index(
        "ix_enrollments_program_author_organization_key", "enrollments_program_author", ["organization_key"]
    )
    op.create_table(
        "enrollments_program_enrollment",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("external_user_key", IDENTIFIER, nullable=True),
        sa.Column("external_key", IDENTIFIER, nullable=True),
        sa.Column("program_uuid", sa.Uuid(), nullable=False),
        sa.Column("curriculum_uuid", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=9), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(length=200), server_default="", nullable=False),
        sa.Column("changed_through", sa.String(length=80), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "external_user_key <> ''", name="ck_enrollments_program_enrollment_external_user_key"
        ),
        sa.CheckConstraint(
            "status IN ('canceled', 'ended', 'enrolled', 'pending', 'suspended')",
            name="ck_enrollments_program_enrollment_status",
        ),
        sa.CheckConstraint(
            "(external_user_key IS NULL) = (external_key IS NULL)",
            name="ck_enrollments_program_enrollment_external_key",
        ),
        sa.CheckConstraint(
            "user_id IS NOT NULL OR external_user_key IS NOT NULL",
            name="ck_enrollments_program_enrollment_learner",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["portal_user.id"],
            name="fk_enrollments_program_enrollment_user_id_portal_user",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments_program_enrollment"),
        sa.UniqueConstraint(
            "program_uuid", "external_key", "curriculum_uuid", name="uq_enrollments_program_enrollment_key"
        ),
        sa.UniqueConstraint(
            "user_id", "program_uuid", "curriculum_uuid", name="uq_enrollments_program_enrollment_user"
        ),
    )
    op.create_index(
        "ix_enrollments_program_enrollment_external_key", "enrollments_program_enrollment", ["external_key"]
    )
    op.create_index(
        "ix_enrollments_program_enrollment_program", "enrollments_program_enrollment", ["program_uuid", "id"]
    )
    op.create_index(
        "ix_enrollments_program_enrollment_waiting",
        "enrollments_program_enrollment",
        ["modified_at"],
        unique=False,
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
    op.create_table(
        "enrollments_curriculum_course",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("curriculum_id", sa.Uuid(), nullable=False),
        sa.Column("course_key", IDENTIFIER, nullable=False),
        sa.ForeignKeyConstraint(
            ["curriculum_id"],
            ["enrollments_curriculum.id"],
            name="fk_enrollments_curriculum_course_curriculum",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments_curriculum_course"),
        sa.UniqueConstraint(
            "curriculum_id", "course_key", name="uq_enrollments_curriculum_course_curriculum_id_course_key"
        ),
    )
    op.create_index(
        "ix_enrollments_curriculum_course_course_key", "enrollments_curriculum_course", ["course_key"]
    )
    op.create_table(
        "enrollments_program_course_enrollment",
        sa.Column("id", KEY, nullable=False),
        sa.Column("program_enrollment_id", KEY, nullable=False),
        sa.Column("course_enrollment_id", KEY, nullable=True),
        sa.Column("course_key", IDENTIFIER, nullable=False),
        sa.Column("status", sa.String(length=9), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("external_key", IDENTIFIER, nullable=True),
        sa.Column("organization_key", sa.String(length=100), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(length=200), server_default="", nullable=False),
        sa.Column("changed_through", sa.String(length=80), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "status IN ('active', 'inactive')", name="ck_enrollments_program_course_enrollment_status"
        ),
        sa.CheckConstraint(
            "course_enrollment_id IS NULL OR user_id IS NOT NULL",
            name="ck_enrollments_program_course_enrollment_realized",
        ),
        sa.ForeignKeyConstraint(
            ["course_enrollment_id"],
            ["enrollments_course_enrollment.id"],
            name="fk_enrollments_program_course_enrollment_course_enrollment",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["program_enrollment_id"],
            ["enrollments_program_enrollment.id"],
            name="fk_enrollments_program_course_enrollment_program_enrollment",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments_program_course_enrollment"),
        sa.UniqueConstraint(
            "program_enrollment_id", "course_key", name="uq_enrollments_program_course_enrollment_course"
        ),
    )
    op.create_index(
        "ix_enrollments_program_course_enrollment_course_enrollment",
        "enrollments_program_course_enrollment",
        ["course_enrollment_id"],
    )
    op.create_index(
        "ix_enrollments_program_course_enrollment_course_key",
        "enrollments_program_course_enrollment",
        ["course_key", "id"],
    )
    op.create_index(
        "uq_enrollments_program_course_enrollment_active_key",
        "enrollments_program_course_enrollment",
        ["external_key", "course_key", "organization_key"],
        unique=True,
        sqlite_where=ACTIVE_OF_KEY,
        postgresql_where=ACTIVE_OF_KEY,
    )
    op.create_index(
        "uq_enrollments_program_course_enrollment_active_user",
        "enrollments_program_course_enrollment",
        ["user_id", "course_key"],
        unique=True,
        sqlite_where=ACTIVE_OF_USER,
        postgresql_where=ACTIVE_OF_USER,
    )
    op.create_table(
        "enrollments_course_access_role_assignment",
        sa.Column("id", KEY, nullable=False),
        sa.Column("program_course_enrollment_id", KEY, nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.CheckConstraint("role IN ('staff')", name="ck_enrollments_course_access_role_assignment_role"),
        sa.ForeignKeyConstraint(
            ["program_course_enrollment_id"],
            ["enrollments_program_course_enrollment.id"],
            name="fk_enrollments_course_access_role_assignment_enrollment",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_enrollments_course_access_role_assignment"),
        sa.UniqueConstraint(
            "program_course_enrollment_id", "role", name="uq_enrollments_course_access_role_assignment_role"
        ),
    )

    for table, columns in KEPT.items():
        for trigger_event, change in EVENTS.items():
            make_trigger(table, columns, trigger_event, change)


def make_trigger(table: str, columns: tuple[str, ...], trigger_event: str, change: str) -> None:
    """Let every insert or update of a table write versions: once per statement, or per row on SQLite."""
    into = f"INSERT INTO {table}_history (change, {', '.join((*HISTORY_STAMP, *columns))})"
    if op.get_bind().dialect.name == "sqlite":
        values = ", ".join(f"NEW.{name}" for name in (*STAMP, *columns))
        op.execute(
            f"CREATE TRIGGER {table}_{change} AFTER {trigger_event} ON {table} FOR EACH ROW "
            f"BEGIN {into} VALUES ('{change}', {values}); END"
        )
        return
    values = ", ".join((*STAMP, *columns))
    body = f"BEGIN {into} SELECT '{change}', {values} FROM changed; RETURN NULL; END"  # noqa: S608 - own names
    op.execute(f"CREATE FUNCTION {table}_{change}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
    op.execute(
        f"CREATE TRIGGER {table}_{change} AFTER {trigger_event} ON {table} REFERENCING NEW TABLE AS changed "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_{change}()"
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        for table in KEPT:
            for change in EVENTS.values():
                op.execute(f"DROP FUNCTION {table}_{change}()")
