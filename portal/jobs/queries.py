"""What pages and commands ask about jobs. Reads only."""

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from portal.access.policy import may, narrow
from portal.jobs.models import Job, JobFile, JobRow
from portal.jobs.states import ENDED, JobState, RowState
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
    after: int = 0,
    limit: int = 100,
) -> Sequence[JobRow]:
    """Return up to ``limit`` (1 to 1000) rows after position ``after``, in order."""
    statement = select(JobRow).where(JobRow.job_id == job_id, JobRow.position > after)
    if state is not None:
        statement = statement.where(JobRow.state == state)
    if code is not None:
        statement = statement.where(JobRow.code == code)
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


def jobs_of_record(record_id: str, subject: str | None = None, limit: int = 20) -> Sequence[Job]:
    """Return the newest jobs that touched a record, by its id or as their subject, as far as the actor may see them."""
    actor = current_actor()
    if not may(actor, VIEW_PERMISSION):
        return ()
    wanted = JobRow.record_id == record_id
    if subject is not None:
        wanted = wanted | (JobRow.subject == subject)
    touched = select(Job).where(Job.id.in_(select(JobRow.job_id).where(wanted)))
    visible = narrow(touched, actor, VIEW_PERMISSION, Job)
    return db.session.scalars(visible.order_by(Job.created_at.desc()).limit(limit)).all()


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


def oldest_waiting_seconds() -> float | None:
    """Return for how many seconds the oldest active job has had nobody working on it; None when none waits."""
    now = database_now(db.session())
    working = select(JobRow.id).where(JobRow.job_id == Job.id, JobRow.lease_until >= now).exists()
    since = db.session.scalar(
        select(func.min(func.coalesce(Job.woken_at, Job.created_at), type_=Job.created_at.type)).where(
            Job.state.in_((JobState.PLANNING, JobState.RUNNING)), ~working
        )
    )
    return (utc_now() - since) / timedelta(seconds=1) if since else None


def wait_for(job_id: uuid.UUID, timeout_seconds: float, *, until_planned: bool = False) -> Job:
    """Poll until the job has ended (or is planned) and return it.

    Raises:
        TemporaryFailure: ``job-still-running`` when the time is up; the job goes on.
    """
    goal = {*ENDED, JobState.PLANNED, JobState.AWAITING_APPROVAL} if until_planned else set(ENDED)
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
