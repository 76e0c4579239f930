"""What pages and commands ask about jobs. Reads only."""

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from portal.access.policy import may, narrow
from portal.jobs.kinds import RowJob, loaded_kinds
from portal.jobs.models import Job, JobFile, JobRow
from portal.jobs.states import ACTIVE, ENDED, JobState, RowState
from portal.kernel.actor import current_actor
from portal.kernel.clock import database_now, utc_now
from portal.kernel.db import db
from portal.kernel.errors import NotFound, TemporaryFailure

#: Who holds it sees job pages; narrowing may leave them their own jobs only.
VIEW_PERMISSION = "portal.jobs.view"
#: Rows read in one go when all rows of a job are streamed.
STREAM_ROWS = 1000


@dataclass(frozen=True, kw_only=True)
class CodeCount:
    """How many rows ended (or are planned) with a state, an action and a code; ``sample`` is one row's message."""

    state: RowState
    action: str
    code: str
    count: int
    sample: str


def get_job(job_id: uuid.UUID) -> Job:
    """Return the job as it is now.

    Raises:
        NotFound: when there is none.
    """
    job = db.session.get(Job, job_id, populate_existing=True)
    if job is None:
        raise NotFound("job-not-found", f"There is no job {job_id}.")
    return job


def counts_by_code(job_id: uuid.UUID) -> list[CodeCount]:
    """Return row counts by state, action and code, largest first. One statement."""
    found = db.session.execute(
        select(JobRow.state, JobRow.action, JobRow.code, func.count(), func.min(JobRow.message))
        .where(JobRow.job_id == job_id)
        .group_by(JobRow.state, JobRow.action, JobRow.code)
        .order_by(func.count().desc())
    )
    return [
        CodeCount(state=RowState(state), action=action, code=code, count=count, sample=sample)
        for state, action, code, count, sample in found
    ]


def list_rows(
    job_id: uuid.UUID,
    *,
    state: RowState | None = None,
    code: str | None = None,
    action: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> Sequence[JobRow]:
    """Return up to ``limit`` (1 to 1000) rows after position ``after``, in order."""
    statement = select(JobRow).where(JobRow.job_id == job_id, JobRow.position > after)
    if state is not None:
        statement = statement.where(JobRow.state == state)
    if code is not None:
        statement = statement.where(JobRow.code == code)
    if action is not None:
        statement = statement.where(JobRow.action == action)
    return db.session.scalars(statement.order_by(JobRow.position).limit(min(limit, 1000))).all()


def stream_rows(job_id: uuid.UUID) -> Iterator[JobRow]:
    """Give all rows of the job in order, read in pages, so that memory stays constant."""
    after = 0
    while rows := list_rows(job_id, after=after, limit=STREAM_ROWS):
        yield from rows
        after = rows[-1].position
        db.session.expunge_all()


def files_of_job(job_id: uuid.UUID) -> Sequence[JobFile]:
    """Return the job's files, inputs first."""
    return db.session.scalars(
        select(JobFile).where(JobFile.job_id == job_id).order_by(JobFile.role, JobFile.name)
    ).all()


def newest_job_of_file(kind_name: str, sha256: str) -> Job | None:
    """Return the newest job of a kind that was made from this very file, as far as the actor may see it."""
    actor = current_actor()
    if not may(actor, VIEW_PERMISSION):
        return None
    used = select(JobFile.job_id).where(JobFile.sha256 == sha256, JobFile.role == "input")
    found = narrow(select(Job).where(Job.kind == kind_name, Job.id.in_(used)), actor, VIEW_PERMISSION, Job)
    return db.session.scalars(found.order_by(Job.created_at.desc()).limit(1)).first()


def jobs_of_record(table: str, record_id: Any, limit: int = 20) -> Sequence[Job]:
    """Return the newest jobs that touched a record, as far as the actor may see them. One statement, or none.

    Args:
        table: Name of the record's table; kinds say in which table the records of their rows are.
        record_id: Its key.
    """
    actor = current_actor()
    touched = touching(table, str(record_id))
    if touched is None or not may(actor, VIEW_PERMISSION):
        return ()
    visible = narrow(select(Job).where(touched), actor, VIEW_PERMISSION, Job)
    return db.session.scalars(visible.order_by(Job.created_at.desc()).limit(limit)).all()


def touching(table: str, record_id: str) -> ColumnElement[bool] | None:
    """Return the condition on jobs that a row of theirs made, changed or was about the record.

    None when no loaded kind has rows about records of that table.
    """
    kinds = [kind for kind in loaded_kinds() if isinstance(kind, RowJob)]
    made = [kind.name for kind in kinds if _table_of(kind.record_model) == table]
    about = [kind.name for kind in kinds if _table_of(kind.subject_model) == table]
    rows = []
    if made:
        rows.append(select(JobRow.job_id).where(JobRow.record_id == record_id, JobRow.kind.in_(made)))
    if about:
        rows.append(select(JobRow.job_id).where(JobRow.subject == record_id, JobRow.kind.in_(about)))
    return or_(*(Job.id.in_(found) for found in rows)) if rows else None


def _table_of(model: type[Any] | None) -> str | None:
    return model.__tablename__ if model is not None else None


def seconds_left(job: Job) -> float | None:
    """Return an estimate of the seconds until a running job is done; None when nothing is known yet."""
    if job.state != JobState.RUNNING or job.started_at is None:
        return None
    done = job.rows_count - job.pending_count
    planned_away = job.unchanged_count + job.refused_count
    elapsed = (utc_now() - job.started_at) / timedelta(seconds=1)
    worked = done - planned_away
    if worked <= 0 or elapsed <= 0:
        return None
    return job.pending_count * elapsed / worked


def rows_per_second(job: Job) -> float | None:
    """Return the rows done per second since the start; None before the first."""
    if job.started_at is None or job.done_count == 0:
        return None
    until = job.finished_at or utc_now()
    elapsed = (until - job.started_at) / timedelta(seconds=1)
    return job.done_count / elapsed if elapsed > 0 else None


@dataclass(frozen=True, kw_only=True)
class WaitingJob:
    """An active job that nobody works on now.

    ``since`` is when it was last worked on, or began to wait; ``stalled_since`` when the lease of a worker that
    had it lapsed, if one did.
    """

    job_id: uuid.UUID
    title: str
    since: datetime
    stalled_since: datetime | None

    @property
    def seconds(self) -> float:
        return max((utc_now() - self.since) / timedelta(seconds=1), 0.0)


def waiting_jobs(job_id: uuid.UUID | None = None) -> list[WaitingJob]:
    """Return the active jobs (or this one) that nobody works on, longest waiting first. Two statements."""
    now = database_now(db.session())
    lapsed = (
        select(func.min(JobRow.lease_until, type_=Job.created_at.type))
        .where(JobRow.job_id == Job.id, JobRow.state == RowState.PENDING, JobRow.lease_until < now)
        .scalar_subquery()
    )
    working = exists().where(JobRow.job_id == Job.id, JobRow.lease_until >= now)
    statement = select(
        Job.id,
        Job.title,
        Job.created_at,
        Job.started_at,
        Job.worked_at,
        Job.lease_until,
        lapsed.label("lapsed"),
    ).where(Job.state.in_(ACTIVE), or_(Job.lease_until.is_(None), Job.lease_until < now), ~working)
    if job_id is not None:
        statement = statement.where(Job.id == job_id)
    found = [
        WaitingJob(
            job_id=row.id,
            title=row.title,
            since=max(filter(None, (row.created_at, row.started_at, row.worked_at))),
            stalled_since=row.lapsed or row.lease_until,
        )
        for row in db.session.execute(statement)
    ]
    return sorted(found, key=lambda job: job.since)


def oldest_waiting_seconds() -> float | None:
    """Return for how many seconds the oldest active job has had nobody working on it; None when none waits."""
    waiting = waiting_jobs()
    return waiting[0].seconds if waiting else None


def wait_for(job_id: uuid.UUID, timeout_seconds: float, *, until_planned: bool = False) -> Job:
    """Poll until the job has ended, is held by the brake, or (if wished) is planned, and return it.

    Raises:
        TemporaryFailure: ``job-still-running`` when the time is up; the job goes on.
    """
    goal = {*ENDED, JobState.AWAITING_APPROVAL, *([JobState.PLANNED] if until_planned else [])}
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        db.session.rollback()
        job = get_job(job_id)
        if job.state in goal:
            return job
        time.sleep(0.1)
    raise TemporaryFailure(
        "job-still-running", f"Job {job_id} is still running after {timeout_seconds:g} seconds."
    )
