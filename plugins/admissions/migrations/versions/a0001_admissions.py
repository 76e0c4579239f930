"""The tables of admissions. They refer to the core's users and stored files."""

import sqlalchemy as sa
from alembic import op

revision = "a0001_admissions"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "admissions_container",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("prefix", sa.String(length=20), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("container_number", sa.Integer(), nullable=True),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("application_category", sa.String(length=20), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("startdate", sa.DateTime(timezone=True), nullable=True),
        sa.Column("enddate", sa.DateTime(timezone=True), nullable=True),
        sa.Column("strict_deadline", sa.Boolean(), nullable=False),
        sa.Column("application_fee", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("application_slip_notice", sa.Text(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("with_picture", sa.Boolean(), nullable=False),
        sa.Column("send_email", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("mode IN ('create', 'update')", name="ck_admissions_container_mode"),
        sa.CheckConstraint("application_fee >= 0", name="ck_admissions_container_application_fee"),
        sa.PrimaryKeyConstraint("id", name="pk_admissions_container"),
        sa.UniqueConstraint("code", name="uq_admissions_container_code"),
    )
    op.create_index("ix_admissions_container_enddate", "admissions_container", ["enddate"])

    op.create_table(
        "admissions_faculty",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_admissions_faculty"),
        sa.UniqueConstraint("code", name="uq_admissions_faculty_code"),
    )
    op.create_index("ix_admissions_faculty_title", "admissions_faculty", ["title", "id"])

    op.create_table(
        "admissions_number_counter",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("issued_count", sa.BigInteger(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_admissions_number_counter"),
    )
    op.create_table(
        "admissions_applicant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("container_id", sa.Uuid(), nullable=False),
        sa.Column("application_number", sa.String(length=6), nullable=False),
        sa.Column("applicant_id", sa.String(length=60), nullable=False),
        sa.Column("reg_number", sa.String(length=60), nullable=True),
        sa.Column("sex", sa.String(length=1), nullable=False),
        sa.Column("date_of_birth", sa.Date(), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("course1", sa.String(length=40), nullable=True),
        sa.Column("course2", sa.String(length=40), nullable=True),
        sa.Column("course_admitted", sa.String(length=40), nullable=True),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("special_application", sa.String(length=20), nullable=True),
        sa.Column("student_id", sa.String(length=20), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("application_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("firstname", sa.String(length=100), nullable=False),
        sa.Column("middlename", sa.String(length=100), nullable=False),
        sa.Column("lastname", sa.String(length=100), nullable=False),
        sa.Column("fullname", sa.String(length=302), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("sex IN ('m', 'f')", name="ck_admissions_applicant_sex"),
        sa.CheckConstraint(
            "state IN ('initialized', 'started', 'paid', 'submitted', 'admitted', 'not admitted', 'created', 'processed')",
            name="ck_admissions_applicant_state",
        ),
        sa.ForeignKeyConstraint(
            ["container_id"],
            ["admissions_container.id"],
            name="fk_admissions_applicant_container_id_admissions_container",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_admissions_applicant"),
        sa.UniqueConstraint("applicant_id", name="uq_admissions_applicant_applicant_id"),
        sa.UniqueConstraint(
            "container_id",
            "application_number",
            name="uq_admissions_applicant_container_id_application_number",
        ),
        sa.UniqueConstraint("reg_number", name="uq_admissions_applicant_reg_number"),
    )
    op.create_index(
        "ix_admissions_applicant_container_id_state", "admissions_applicant", ["container_id", "state", "id"]
    )
    op.create_index("ix_admissions_applicant_course_admitted", "admissions_applicant", ["course_admitted"])
    op.create_index("ix_admissions_applicant_email", "admissions_applicant", ["email"])
    op.create_index("ix_admissions_applicant_fullname", "admissions_applicant", ["fullname", "id"])
    op.create_index("ix_admissions_applicant_lastname", "admissions_applicant", ["lastname", "id"])
    op.create_index("ix_admissions_applicant_state", "admissions_applicant", ["state", "id"])
    op.create_index("ix_admissions_applicant_student_id", "admissions_applicant", ["student_id"])

    op.create_table(
        "admissions_department",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("faculty_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["faculty_id"],
            ["admissions_faculty.id"],
            name="fk_admissions_department_faculty_id_admissions_faculty",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_admissions_department"),
        sa.UniqueConstraint("code", name="uq_admissions_department_code"),
    )
    op.create_index("ix_admissions_department_faculty_id", "admissions_department", ["faculty_id"])
    op.create_index("ix_admissions_department_title", "admissions_department", ["title", "id"])

    op.create_table(
        "admissions_applicant_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("applicant_uid", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["applicant_uid"], ["admissions_applicant.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["sha256"],
            ["portal_stored_file.sha256"],
            name="fk_admissions_applicant_file_sha256_portal_stored_file",
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_admissions_applicant_file"),
        sa.UniqueConstraint("applicant_uid", "name", name="uq_admissions_applicant_file_applicant_uid_name"),
    )
    op.create_index("ix_admissions_applicant_file_sha256", "admissions_applicant_file", ["sha256"])

    op.create_table(
        "admissions_applicant_history",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("applicant_uid", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("transition", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["applicant_uid"], ["admissions_applicant.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_admissions_applicant_history"),
    )
    op.create_index(
        "ix_admissions_applicant_history_applicant_uid",
        "admissions_applicant_history",
        ["applicant_uid", "at", "id"],
    )

    op.create_table(
        "admissions_certificate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("study_mode", sa.String(length=20), nullable=False),
        sa.Column("start_level", sa.Integer(), nullable=False),
        sa.Column("application_category", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("start_level >= 0", name="ck_admissions_certificate_start_level"),
        sa.ForeignKeyConstraint(["department_id"], ["admissions_department.id"], ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_admissions_certificate"),
        sa.UniqueConstraint("code", name="uq_admissions_certificate_code"),
    )
    op.create_index(
        "ix_admissions_certificate_application_category",
        "admissions_certificate",
        ["application_category", "code"],
    )
    op.create_index("ix_admissions_certificate_department_id", "admissions_certificate", ["department_id"])
    op.create_index("ix_admissions_certificate_title", "admissions_certificate", ["title", "id"])

    op.create_table(
        "admissions_student",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("applicant_uid", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sex", sa.String(length=1), nullable=False),
        sa.Column("reg_number", sa.String(length=60), nullable=True),
        sa.Column("matric_number", sa.String(length=60), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("parents_email", sa.String(length=254), server_default="", nullable=False),
        sa.Column("adm_code", sa.String(length=60), server_default="", nullable=False),
        sa.Column("suspended", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("suspended_comment", sa.Text(), server_default="", nullable=False),
        sa.Column("flash_notice", sa.Text(), server_default="", nullable=False),
        sa.Column("date_of_birth", sa.Date(), nullable=False),
        sa.Column("nationality", sa.String(length=100), server_default="", nullable=False),
        sa.Column("clr_code", sa.String(length=60), server_default="", nullable=False),
        sa.Column("officer_comment", sa.Text(), server_default="", nullable=False),
        sa.Column("employer", sa.String(length=200), server_default="", nullable=False),
        sa.Column("perm_address", sa.Text(), server_default="", nullable=False),
        sa.Column("personal_updated", sa.DateTime(timezone=True), nullable=True),
        sa.Column("firstname", sa.String(length=100), nullable=False),
        sa.Column("middlename", sa.String(length=100), nullable=False),
        sa.Column("lastname", sa.String(length=100), nullable=False),
        sa.Column("fullname", sa.String(length=302), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("sex IN ('m', 'f')", name="ck_admissions_student_sex"),
        sa.ForeignKeyConstraint(
            ["applicant_uid"],
            ["admissions_applicant.id"],
            name="fk_admissions_student_applicant_uid_admissions_applicant",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["portal_user.id"],
            name="fk_admissions_student_user_id_portal_user",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_admissions_student"),
        sa.UniqueConstraint("applicant_uid", name="uq_admissions_student_applicant_uid"),
        sa.UniqueConstraint("matric_number", name="uq_admissions_student_matric_number"),
        sa.UniqueConstraint("reg_number", name="uq_admissions_student_reg_number"),
        sa.UniqueConstraint("student_id", name="uq_admissions_student_student_id"),
        sa.UniqueConstraint("user_id", name="uq_admissions_student_user_id"),
    )
    op.create_index("ix_admissions_student_created_at", "admissions_student", ["created_at", "id"])
    op.create_index("ix_admissions_student_email", "admissions_student", ["email"])
    op.create_index("ix_admissions_student_fullname", "admissions_student", ["fullname", "date_of_birth"])
    op.create_index("ix_admissions_student_lastname", "admissions_student", ["lastname", "id"])
    op.create_index("ix_admissions_student_state", "admissions_student", ["state", "id"])

    op.create_table(
        "admissions_student_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("student_uid", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sha256"],
            ["portal_stored_file.sha256"],
            name="fk_admissions_student_file_sha256_portal_stored_file",
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["student_uid"],
            ["admissions_student.id"],
            name="fk_admissions_student_file_student_uid_admissions_student",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_admissions_student_file"),
        sa.UniqueConstraint("student_uid", "name", name="uq_admissions_student_file_student_uid_name"),
    )
    op.create_index("ix_admissions_student_file_sha256", "admissions_student_file", ["sha256"])

    op.create_table(
        "admissions_student_history",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("student_uid", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("transition", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["student_uid"],
            ["admissions_student.id"],
            name="fk_admissions_student_history_student_uid_admissions_student",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_admissions_student_history"),
    )
    op.create_index(
        "ix_admissions_student_history_student_uid", "admissions_student_history", ["student_uid", "at", "id"]
    )

    op.create_table(
        "admissions_study_course",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("student_uid", sa.Uuid(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("entry_mode", sa.String(length=20), nullable=False),
        sa.Column("entry_session", sa.Integer(), nullable=False),
        sa.Column("current_session", sa.Integer(), nullable=False),
        sa.Column("current_level", sa.Integer(), nullable=False),
        sa.Column("current_verdict", sa.String(length=20), server_default="0", nullable=False),
        sa.Column("previous_verdict", sa.String(length=20), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["certificate_id"], ["admissions_certificate.id"], ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["student_uid"],
            ["admissions_student.id"],
            name="fk_admissions_study_course_student_uid_admissions_student",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_admissions_study_course"),
    )
    op.create_index(
        "ix_admissions_study_course_certificate_id", "admissions_study_course", ["certificate_id"]
    )
    op.create_index("ix_admissions_study_course_entry_session", "admissions_study_course", ["entry_session"])
    op.create_index("ix_admissions_study_course_student_uid", "admissions_study_course", ["student_uid"])
    op.create_index(
        "uq_admissions_study_course_current",
        "admissions_study_course",
        ["student_uid"],
        unique=True,
        sqlite_where=sa.text("is_current"),
        postgresql_where=sa.text("is_current"),
    )


def downgrade() -> None:
    op.drop_table("admissions_study_course")
    op.drop_table("admissions_student_history")
    op.drop_table("admissions_student_file")
    op.drop_table("admissions_student")
    op.drop_table("admissions_certificate")
    op.drop_table("admissions_applicant_history")
    op.drop_table("admissions_applicant_file")
    op.drop_table("admissions_department")
    op.drop_table("admissions_applicant")
    op.drop_table("admissions_number_counter")
    op.drop_table("admissions_faculty")
    op.drop_table("admissions_container")
