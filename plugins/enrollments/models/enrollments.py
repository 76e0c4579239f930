"""Who is enrolled in programs, and through them in course runs, with or without an account here."""

import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapped, Mapper, mapped_column, object_session, relationship

from plugins.enrollments.models.columns import Changed, Identifier, Key
from plugins.enrollments.models.courses import CourseEnrollment
from plugins.enrollments.models.stamps import current_channel
from plugins.enrollments.models.vocabulary import COURSE_ROLES, COURSE_STATUSES, PROGRAM_STATUSES, listed
from portal.sdk import Base, User, Versioned, current_actor, search_index, utc_now

WAITING = text("user_id IS NULL")
ACTIVE_OF_USER = text("status = 'active' AND user_id IS NOT NULL")
ACTIVE_OF_KEY = text("status = 'active' AND external_key IS NOT NULL")


class ProgramEnrollment(Changed, Base, Versioned):
    """A learner in a curriculum of a program: waiting (without user) or realized.

    Programs and curricula are named by UUID, not referred to: partners enroll before the catalog knows them.
    """

    __tablename__ = "enrollments_program_enrollment"
    __audited__ = False
    __table_args__ = (
        UniqueConstraint(
            "user_id", "program_uuid", "curriculum_uuid", name="uq_enrollments_program_enrollment_user"
        ),
        UniqueConstraint(
            "program_uuid", "external_key", "curriculum_uuid", name="uq_enrollments_program_enrollment_key"
        ),
        CheckConstraint(f"status IN ({listed(PROGRAM_STATUSES)})", name="status"),
        CheckConstraint("user_id IS NOT NULL OR external_user_key IS NOT NULL", name="learner"),
        CheckConstraint("external_user_key <> ''", name="external_user_key"),
        CheckConstraint("(external_user_key IS NULL) = (external_key IS NULL)", name="external_key"),
        Index("ix_enrollments_program_enrollment_external_key", "external_key"),
        Index("ix_enrollments_program_enrollment_program", "program_uuid", "id"),
        Index("ix_enrollments_program_enrollment_modified_at", "modified_at", "id"),
        Index(
            "ix_enrollments_program_enrollment_waiting",
            "modified_at",
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("portal_user.id", ondelete="CASCADE"))
    #: The partner's id of the learner, as it was given.
    external_user_key: Mapped[str | None] = mapped_column(Identifier)
    #: The same as it is compared: as given, or without letter case (setting).
    external_key: Mapped[str | None] = mapped_column(Identifier)
    program_uuid: Mapped[uuid.UUID]
    curriculum_uuid: Mapped[uuid.UUID]
    status: Mapped[str] = mapped_column(String(9))

    user: Mapped[User | None] = relationship()
    course_rows: Mapped[list["ProgramCourseEnrollment"]] = relationship(
        back_populates="program_enrollment", passive_deletes="all", order_by="ProgramCourseEnrollment.id"
    )

    @property
    def is_waiting(self) -> bool:
        return self.user_id is None

    def __str__(self) -> str:
        return f"{self.external_user_key or self.user_id} in {self.program_uuid} ({self.status})"


class ProgramCourseEnrollment(Changed, Base, Versioned):
    """A learner of a program takes a course run.

    ``user_id``, ``external_key`` and ``organization_key`` repeat what the program enrollment and its program say, so
    that the database itself can hold the rule of one active row per learner and course run over all programs.
    """

    __tablename__ = "enrollments_program_course_enrollment"
    __audited__ = False
    __table_args__ = (
        UniqueConstraint(
            "program_enrollment_id", "course_key", name="uq_enrollments_program_course_enrollment_course"
        ),
        Index(
            "uq_enrollments_program_course_enrollment_active_user",
            "user_id",
            "course_key",
            unique=True,
            sqlite_where=ACTIVE_OF_USER,
            postgresql_where=ACTIVE_OF_USER,
        ),
        Index(
            "uq_enrollments_program_course_enrollment_active_key",
            "external_key",
            "course_key",
            "organization_key",
            unique=True,
            sqlite_where=ACTIVE_OF_KEY,
            postgresql_where=ACTIVE_OF_KEY,
        ),
        CheckConstraint(f"status IN ({listed(COURSE_STATUSES)})", name="status"),
        CheckConstraint("course_enrollment_id IS NULL OR user_id IS NOT NULL", name="realized"),
        Index("ix_enrollments_program_course_enrollment_course_key", "course_key", "id"),
        Index("ix_enrollments_program_course_enrollment_modified_at", "modified_at", "id"),
        Index("ix_enrollments_program_course_enrollment_course_enrollment", "course_enrollment_id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    program_enrollment_id: Mapped[int] = mapped_column(
        ForeignKey(
            "enrollments_program_enrollment.id",
            ondelete="CASCADE",
            name="fk_enrollments_program_course_enrollment_program_enrollment",
        )
    )
    course_enrollment_id: Mapped[int | None] = mapped_column(
        ForeignKey(
            "enrollments_course_enrollment.id",
            ondelete="CASCADE",
            name="fk_enrollments_program_course_enrollment_course_enrollment",
        )
    )
    course_key: Mapped[str] = mapped_column(Identifier)
    status: Mapped[str] = mapped_column(String(9))
    user_id: Mapped[int | None]
    external_key: Mapped[str | None] = mapped_column(Identifier)
    organization_key: Mapped[str] = mapped_column(String(100), default="", server_default="")

    program_enrollment: Mapped[ProgramEnrollment] = relationship(back_populates="course_rows")
    course_enrollment: Mapped[CourseEnrollment | None] = relationship()
    role_assignments: Mapped[list["CourseAccessRoleAssignment"]] = relationship(
        back_populates="program_course_enrollment", passive_deletes="all"
    )

    @property
    def is_active(self) -> bool:
        return self.status == "active"

    def __str__(self) -> str:
        return f"{self.course_key} ({self.status})"


class CourseAccessRoleAssignment(Base):
    """A role that a learner gets as soon as there is an account."""

    __tablename__ = "enrollments_course_access_role_assignment"
    __table_args__ = (
        UniqueConstraint(
            "program_course_enrollment_id", "role", name="uq_enrollments_course_access_role_assignment_role"
        ),
        CheckConstraint(f"role IN ({listed(COURSE_ROLES)})", name="role"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    program_course_enrollment_id: Mapped[int] = mapped_column(
        ForeignKey(
            "enrollments_program_course_enrollment.id",
            ondelete="CASCADE",
            name="fk_enrollments_course_access_role_assignment_enrollment",
        )
    )
    role: Mapped[str] = mapped_column(String(64))

    program_course_enrollment: Mapped[ProgramCourseEnrollment] = relationship(
        back_populates="role_assignments"
    )

    def __str__(self) -> str:
        return self.role


search_index(ProgramEnrollment.external_user_key)


@event.listens_for(Changed, "before_insert", propagate=True)
def _stamp_new(mapper: Mapper[Changed], connection: Connection, row: Changed) -> None:
    """Note the actor of a row that comes through the session; bulk statements do it themselves."""
    row.changed_by, row.changed_through = current_actor().name, current_channel()


@event.listens_for(Changed, "before_update", propagate=True)
def _stamp_changed(mapper: Mapper[Changed], connection: Connection, row: Changed) -> None:
    session = object_session(row)
    # Rows that only look changed are flushed too, and must not get a version.
    if session is not None and session.is_modified(row):
        row.modified_at = utc_now()
        row.changed_by, row.changed_through = current_actor().name, current_channel()
