"""Student items, and what students and teams handed in for them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from plugins.submissions.models.columns import Identifier, ItemType, Key
from portal.sdk import Base, search_index, utc_now


class SubmissionStatus(StrEnum):
    """Whether a submission counts."""

    ACTIVE = "A"
    DELETED = "D"


ACTIVE_ONLY = text("status = 'A'")


class StudentItem(Base):
    """One student's item of a course: the root of attempts and scores, and the row that writers lock."""

    __tablename__ = "submissions_student_item"
    __audited__ = False
    __table_args__ = (
        Index("uq_submissions_student_item_triple", "course_id", "item_id", "student_id", unique=True),
        Index("ix_submissions_student_item_student", "student_id", "course_id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    student_id: Mapped[str] = mapped_column(Identifier)
    course_id: Mapped[str] = mapped_column(Identifier)
    item_id: Mapped[str] = mapped_column(Identifier)
    #: No part of the key: a (course, student, item) has one type for ever.
    item_type: Mapped[str] = mapped_column(ItemType)

    def __str__(self) -> str:
        return f"{self.course_id} · {self.item_id} · {self.student_id}"


search_index(StudentItem.student_id)


class TeamSubmission(Base):
    """One answer of a team; each member has a submission that refers to it."""

    __tablename__ = "submissions_team_submission"
    __table_args__ = (
        CheckConstraint("status IN ('A', 'D')", name="status"),
        Index(
            "uq_submissions_team_submission_active",
            "course_id",
            "item_id",
            "team_id",
            unique=True,
            sqlite_where=ACTIVE_ONLY,
            postgresql_where=ACTIVE_ONLY,
        ),
        Index("ix_submissions_team_submission_submitted", "course_id", "item_id", "submitted_at", "id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True, default=uuid4)
    attempt_number: Mapped[int]
    submitted_at: Mapped[datetime] = mapped_column(default=utc_now)
    course_id: Mapped[str] = mapped_column(Identifier)
    item_id: Mapped[str] = mapped_column(Identifier)
    team_id: Mapped[str] = mapped_column(Identifier)
    submitted_by: Mapped[int | None] = mapped_column(
        ForeignKey("portal_user.id", ondelete="SET NULL", name="fk_submissions_team_submission_submitted_by")
    )
    #: Kept here too, so that a team without active members still has it.
    raw_answer: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(1), default=SubmissionStatus.ACTIVE)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    def __str__(self) -> str:
        return f"{self.course_id} · {self.item_id} · {self.team_id}"


search_index(TeamSubmission.team_id)


class Submission(Base):
    """One answer of a student; never changed, only marked deleted."""

    __tablename__ = "submissions_submission"
    __audited__ = False
    __table_args__ = (
        CheckConstraint("status IN ('A', 'D')", name="status"),
        CheckConstraint("attempt_number >= 0", name="attempt_number"),
        Index("ix_submissions_submission_newest", "student_item_id", "submitted_at", "id"),
        Index(
            "ix_submissions_submission_course",
            "course_id",
            "item_type",
            "submitted_at",
            "id",
            sqlite_where=ACTIVE_ONLY,
            postgresql_where=ACTIVE_ONLY,
        ),
        Index("ix_submissions_submission_submitted", "submitted_at", "id"),
        Index("ix_submissions_submission_team", "team_submission_id"),
        Index(
            "uq_submissions_submission_automatic",
            "student_item_id",
            "attempt_number",
            unique=True,
            sqlite_where=text("status = 'A' AND numbered"),
            postgresql_where=text("status = 'A' AND numbered"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True, default=uuid4)
    student_item_id: Mapped[int] = mapped_column(
        ForeignKey(
            "submissions_student_item.id",
            ondelete="CASCADE",
            name="fk_submissions_submission_student_item_id",
        )
    )
    #: Of the student item, again, so that a course is read in order from one index.
    course_id: Mapped[str] = mapped_column(Identifier)
    item_type: Mapped[str] = mapped_column(ItemType)
    attempt_number: Mapped[int]
    #: The number was given by us, so no other active submission of the item has it.
    numbered: Mapped[bool] = mapped_column(default=True)
    submitted_at: Mapped[datetime] = mapped_column(default=utc_now)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    #: JSON with everything beyond ASCII escaped, as it was measured against the limit.
    raw_answer: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(1), default=SubmissionStatus.ACTIVE)
    team_submission_id: Mapped[int | None] = mapped_column(
        ForeignKey(
            "submissions_team_submission.id",
            ondelete="SET NULL",
            name="fk_submissions_submission_team_submission_id",
        )
    )

    student_item: Mapped[StudentItem] = relationship()
    team_submission: Mapped[TeamSubmission | None] = relationship()

    def __str__(self) -> str:
        return f"Attempt {self.attempt_number}"
