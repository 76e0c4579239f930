"""Tables of the job engine. The database is the truth about every job; the queue only wakes workers."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.jobs.states import ACTIVE, JobState, RowState
from portal.kernel.clock import utc_now
from portal.kernel.db import Base, Json
from portal.kernel.ids import new_id
from portal.kernel.search_indexes import search_index, word_indexes


class Job(Base):
    """A bulk operation. Its seven counters always sum: rows = pending + the five outcomes."""

    __tablename__ = "portal_job"
    __audited__ = False
    __table_args__ = (
        CheckConstraint("state IN ({})".format(", ".join(f"'{state}'" for state in JobState)), name="state"),
        Index("ix_portal_job_created_at", "created_at", "id"),
        Index("ix_portal_job_finished_at", "finished_at", "id"),
        Index("ix_portal_job_kind", "kind", "created_at"),
        Index("ix_portal_job_actor_name", "actor_name", "created_at"),
        Index("ix_portal_job_actor_user_id", "actor_user_id", "created_at"),
        Index("ix_portal_job_state", "state", "created_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(120))
    title: Mapped[str] = mapped_column(String(300))
    state: Mapped[JobState] = mapped_column(String(20), default=JobState.PLANNING)
    params: Mapped[dict[str, Any]] = mapped_column(Json)
    header: Mapped[list[Any] | None] = mapped_column(Json)
    #: How the uploaded sheet is read (:class:`portal.jobs.sheets.reading.Reading`).
    reading: Mapped[dict[str, Any] | None] = mapped_column(Json)
    actor_user_id: Mapped[int | None]
    actor_name: Mapped[str] = mapped_column(String(200))
    grants: Mapped[list[Any]] = mapped_column(Json)
    is_administrator: Mapped[bool] = mapped_column(default=False)
    idempotency_key: Mapped[str | None] = mapped_column(String(120), unique=True)
    #: The source was read to its end; planning again then means the rows without an action.
    source_read: Mapped[bool] = mapped_column(default=False)
    #: Apply as soon as the plan is made, without a person looking at it.
    apply_when_planned: Mapped[bool] = mapped_column(default=False)
    #: A person confirmed the preview: rows changed since are refused.
    binding: Mapped[bool] = mapped_column(default=False)
    closes_portal: Mapped[bool] = mapped_column(default=False)
    #: The job that this one undoes; a job is undone by one other at most.
    undoes_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("portal_job.id"), unique=True)
    #: What the brake saw, while and after the job waited for a person to release it.
    impact: Mapped[dict[str, Any] | None] = mapped_column(Json)
    release_asked_by_id: Mapped[int | None]
    released_at: Mapped[datetime | None]
    released_by_name: Mapped[str | None] = mapped_column(String(200))

    rows_count: Mapped[int] = mapped_column(default=0)
    pending_count: Mapped[int] = mapped_column(default=0)
    done_count: Mapped[int] = mapped_column(default=0)
    unchanged_count: Mapped[int] = mapped_column(default=0)
    refused_count: Mapped[int] = mapped_column(default=0)
    failed_count: Mapped[int] = mapped_column(default=0)
    cancelled_count: Mapped[int] = mapped_column(default=0)

    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    planned_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    #: When a wake-up was last sent; None: one is due.
    woken_at: Mapped[datetime | None]
    #: When a chunk was last stored; whatever is active and rests longer waits for something.
    worked_at: Mapped[datetime | None]
    #: Who plans (or runs a task) now, and until when unless renewed. Database time.
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    lease_until: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(Json)
    error: Mapped[str | None] = mapped_column(Text)
    progress_done: Mapped[int] = mapped_column(default=0)
    progress_total: Mapped[int | None]
    #: CPU seconds that workers spent on this job, children included.
    cpu_seconds: Mapped[float] = mapped_column(default=0.0)

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE


class JobRow(Base):
    """One line of a job: what came in, what is planned, what was done."""

    __tablename__ = "portal_job_row"
    __audited__ = False
    __table_args__ = (
        UniqueConstraint("job_id", "position"),
        CheckConstraint("state IN ({})".format(", ".join(f"'{state}'" for state in RowState)), name="state"),
        Index("ix_portal_job_row_state", "job_id", "state", "position"),
        Index("ix_portal_job_row_key", "job_id", "key"),
        Index("ix_portal_job_row_subject", "subject", "job_id"),
        Index("ix_portal_job_row_record_id", "record_id"),
        Index(
            "uq_portal_job_row_active_subject",
            "kind",
            "subject",
            unique=True,
            sqlite_where=text("active"),
            postgresql_where=text("active"),
        ),
        Index(
            "ix_portal_job_row_lease",
            "lease_until",
            sqlite_where=text("lease_until IS NOT NULL"),
            postgresql_where=text("lease_until IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("portal_job.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(120))
    position: Mapped[int]
    key: Mapped[str] = mapped_column(String(300))
    subject: Mapped[str | None] = mapped_column(String(120))
    label: Mapped[str] = mapped_column(String(300))
    #: True while this row's job is started and the row has no outcome: a subject is active in one job only.
    active: Mapped[bool] = mapped_column(default=False)
    state: Mapped[RowState] = mapped_column(String(20), default=RowState.PENDING)
    data: Mapped[dict[str, Any] | None] = mapped_column(Json)
    cells: Mapped[list[Any] | None] = mapped_column(Json)

    action: Mapped[str] = mapped_column(String(20))
    before: Mapped[dict[str, Any] | None] = mapped_column(Json)
    after: Mapped[dict[str, Any] | None] = mapped_column(Json)
    warning: Mapped[str] = mapped_column(Text, default="")
    seen_version: Mapped[str | None] = mapped_column(String(120))

    reserved: Mapped[dict[str, Any] | None] = mapped_column(Json)
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)

    code: Mapped[str] = mapped_column(String(120), default="")
    message: Mapped[str] = mapped_column(Text, default="")
    record_id: Mapped[str | None] = mapped_column(String(120))
    #: Version of the record after the change, and what else an undo needs.
    record_version: Mapped[str | None] = mapped_column(String(120))
    undo_facts: Mapped[dict[str, Any] | None] = mapped_column(Json)
    ended_at: Mapped[datetime | None]


class JobFile(Base):
    """A file that belongs to a job: what was uploaded, or what it made."""

    __tablename__ = "portal_job_file"
    __audited__ = False
    __table_args__ = (UniqueConstraint("job_id", "role", "name"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("portal_job.id", ondelete="CASCADE"))
    #: ``input``, ``result``, or ``undo``: kept because an undo may need it.
    role: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))
    filename: Mapped[str] = mapped_column(String(300), default="")
    sha256: Mapped[str] = mapped_column(ForeignKey("portal_stored_file.sha256"))


class PassingFile(Base):
    """A result file that is kept for a while only; the entry outlives it, so that its address says what became of it."""

    __tablename__ = "portal_passing_file"
    __audited__ = False
    __table_args__ = (
        Index("ix_portal_passing_file_job_id", "job_id"),
        Index("ix_portal_passing_file_expires_at", "expires_at"),
    )

    #: Id of the :class:`JobFile`, which is gone when the file is.
    file_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("portal_job.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(300))
    expires_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


word_indexes(Job.title)
word_indexes(Job.actor_name, words=3)
search_index(Job.kind)
