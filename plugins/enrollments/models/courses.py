"""Course runs with their modes, and who is in them."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from plugins.enrollments.models.columns import Changed, Identifier, Key
from portal.sdk import Base, User, Versioned, new_id, search_index, word_indexes


class CourseRun(Base, Versioned):
    """A course as it is given once. Enrollments name it by its key, which outlives the row."""

    __tablename__ = "enrollments_course_run"
    __table_args__ = (CheckConstraint("course_key <> ''", name="course_key"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    course_key: Mapped[str] = mapped_column(Identifier, unique=True)
    title: Mapped[str] = mapped_column(String(255), default="", server_default="")
    url: Mapped[str] = mapped_column(String(500), default="", server_default="")
    start_at: Mapped[datetime | None]
    end_at: Mapped[datetime | None]
    is_self_paced: Mapped[bool] = mapped_column(default=False, server_default=text("false"))

    modes: Mapped[list["CourseMode"]] = relationship(
        back_populates="course_run", cascade="all, delete-orphan", order_by="CourseMode.mode"
    )

    def __str__(self) -> str:
        return self.title or self.course_key


class CourseMode(Base):
    """A track that a course run offers; a run without any counts as offering ``audit``."""

    __tablename__ = "enrollments_course_mode"
    __table_args__ = (UniqueConstraint("course_run_id", "mode"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    course_run_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("enrollments_course_run.id", ondelete="CASCADE")
    )
    mode: Mapped[str] = mapped_column(String(40))

    course_run: Mapped[CourseRun] = relationship(back_populates="modes")

    def __str__(self) -> str:
        return self.mode


class CourseEnrollment(Changed, Base, Versioned):
    """A user is in a course run, in one mode; programs share it."""

    __tablename__ = "enrollments_course_enrollment"
    #: The history keeps every change, bulk ones included.
    __audited__ = False
    __table_args__ = (
        UniqueConstraint("user_id", "course_key"),
        Index("ix_enrollments_course_enrollment_course_key", "course_key", "id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("portal_user.id", ondelete="CASCADE"))
    course_key: Mapped[str] = mapped_column(Identifier)
    mode: Mapped[str] = mapped_column(String(40))
    is_active: Mapped[bool] = mapped_column(default=True)

    user: Mapped[User] = relationship()

    def __str__(self) -> str:
        return f"{self.course_key} ({self.mode})"


class CourseAccessRole(Base):
    """A user has a role in a course run."""

    __tablename__ = "enrollments_course_access_role"
    __table_args__ = (
        UniqueConstraint("user_id", "course_key", "role"),
        Index("ix_enrollments_course_access_role_course_key", "course_key"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("portal_user.id", ondelete="CASCADE"))
    course_key: Mapped[str] = mapped_column(Identifier)
    role: Mapped[str] = mapped_column(String(64))

    user: Mapped[User] = relationship()

    def __str__(self) -> str:
        return f"{self.role} of {self.course_key}"


search_index(CourseRun.course_key)
word_indexes(CourseRun.title)
