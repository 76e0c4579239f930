"""The queue of external graders, with the files that go along."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from plugins.submissions.models.answers import Submission
from plugins.submissions.models.columns import Key
from portal.sdk import Base, utc_now


class GraderState(StrEnum):
    """Where a queue entry is."""

    PENDING = "pending"
    PULLED = "pulled"
    RETIRED = "retired"
    FAILED = "failed"
    RETRY = "retry"


class GraderEntry(Base):
    """A submission that a program elsewhere grades: waiting, handed out until its lease ends, or done."""

    __tablename__ = "submissions_grader_entry"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'pulled', 'retired', 'failed', 'retry')", name="status"),
        CheckConstraint("num_failures >= 0", name="num_failures"),
        Index("ix_submissions_grader_entry_queue", "queue_name", "status", "status_time"),
        Index("ix_submissions_grader_entry_created_at", "created_at", "id"),
        # Lists of the panel, newest first.
        Index("ix_submissions_grader_entry_status", "status", "id"),
        Index("ix_submissions_grader_entry_of_queue", "queue_name", "id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    submission_id: Mapped[int] = mapped_column(
        ForeignKey(
            "submissions_submission.id", ondelete="CASCADE", name="fk_submissions_grader_entry_submission_id"
        ),
        unique=True,
    )
    queue_name: Mapped[str] = mapped_column(String(128))
    queue_key: Mapped[str | None] = mapped_column(String(128))
    grader_file_name: Mapped[str] = mapped_column(String(128), default="")
    points_possible: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(String(20), default=GraderState.PENDING)
    pullkey: Mapped[str | None] = mapped_column(String(128))
    #: A pulled entry may be handed out anew after this.
    lease_until: Mapped[datetime | None]
    grader_reply: Mapped[str | None] = mapped_column(Text)
    status_time: Mapped[datetime] = mapped_column(default=utc_now)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    num_failures: Mapped[int] = mapped_column(default=0)

    submission: Mapped[Submission] = relationship()
    files: Mapped[list["GraderFile"]] = relationship(back_populates="entry", order_by="GraderFile.id")

    def __str__(self) -> str:
        return f"{self.queue_name} · {self.status}"


class GraderFile(Base):
    """A file that goes to the grader with the answer; its bytes lie in the portal's store."""

    __tablename__ = "submissions_grader_file"
    __table_args__ = (Index("ix_submissions_grader_file_entry", "entry_id", "uuid"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    uuid: Mapped[UUID] = mapped_column(unique=True, default=uuid4)
    entry_id: Mapped[int | None] = mapped_column(
        ForeignKey(
            "submissions_grader_entry.id", ondelete="SET NULL", name="fk_submissions_grader_file_entry_id"
        )
    )
    sha256: Mapped[str] = mapped_column(
        ForeignKey("portal_stored_file.sha256", name="fk_submissions_grader_file_sha256")
    )
    original_filename: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    entry: Mapped[GraderEntry | None] = relationship(back_populates="files")
