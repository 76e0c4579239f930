"""Versions of enrollments. The database's triggers write them, so no change, bulk or by hand, goes without.

A history row names its record by number only: it may outlive it.
"""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from plugins.enrollments.models.columns import Identifier, Key
from plugins.enrollments.models.vocabulary import Change, listed
from portal.sdk import Base


class HistoryRow:
    """Mixin: which version of which record this was, and who made it when, through what."""

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    record_id: Mapped[int] = mapped_column(Key)
    version: Mapped[int]
    change: Mapped[str] = mapped_column(String(6))
    at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(String(200))
    changed_through: Mapped[str] = mapped_column(String(80))

    @declared_attr.directive
    def __table_args__(cls) -> tuple[object, ...]:  # noqa: N805 - SQLAlchemy passes the class
        table = getattr(cls, "__tablename__", "")
        return (
            CheckConstraint(f"change IN ({listed(frozenset(Change))})", name="change"),
            Index(f"ix_{table}_record", "record_id", "id"),
        )


class ProgramEnrollmentHistory(HistoryRow, Base):
    """A version of a program enrollment."""

    __tablename__ = "enrollments_program_enrollment_history"
    __audited__ = False

    user_id: Mapped[int | None]
    external_user_key: Mapped[str | None] = mapped_column(Identifier)
    program_uuid: Mapped[uuid.UUID]
    curriculum_uuid: Mapped[uuid.UUID]
    status: Mapped[str] = mapped_column(String(9))


class ProgramCourseEnrollmentHistory(HistoryRow, Base):
    """A version of a program-course enrollment."""

    __tablename__ = "enrollments_program_course_enrollment_history"
    __audited__ = False

    program_enrollment_id: Mapped[int] = mapped_column(Key)
    course_enrollment_id: Mapped[int | None] = mapped_column(Key)
    course_key: Mapped[str] = mapped_column(Identifier)
    status: Mapped[str] = mapped_column(String(9))
    user_id: Mapped[int | None]


class CourseEnrollmentHistory(HistoryRow, Base):
    """A version of a course enrollment."""

    __tablename__ = "enrollments_course_enrollment_history"
    __audited__ = False

    user_id: Mapped[int]
    course_key: Mapped[str] = mapped_column(Identifier)
    mode: Mapped[str] = mapped_column(String(40))
    is_active: Mapped[bool]


Index(
    "ix_enrollments_program_enrollment_history_program",
    ProgramEnrollmentHistory.program_uuid,
    ProgramEnrollmentHistory.at,
)
