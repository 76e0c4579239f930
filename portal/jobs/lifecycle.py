"""How a job goes from one state to the next: started, ended, cancelled, put back."""

import uuid
from collections.abc import Iterable
from functools import partial

from sqlalchemy import String, cast, exists, func, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from portal.hooks.events import JobFinished
from portal.hooks.manager import emit_notice
from portal.jobs.closing import close_for, open_after
from portal.jobs.figures import count_job
from portal.jobs.leases import row_is_free
from portal.jobs.models import Job, JobRow
from portal.jobs.states import ENDED, JobState, RowState
from portal.kernel.clock import database_now, utc_now
from portal.kernel.db import db
from portal.kernel.errors import NotFound, TemporaryFailure
from portal.kernel.transaction import on_commit, savepoint

QUIET = {"synchronize_session": False}


def locked_job(job_id: uuid.UUID) -> Job:
    """Return the job, locked until the transaction ends.

    Raises:
        NotFound: when there is none.
    """
    job = db.session.get(Job, job_id, with_for_update=True, populate_existing=True)
    if job is None:
        raise NotFound("job-not-found", f"There is no job {job_id}.")
    return job


def begin(job: Job, *, binding: bool) -> None:
    """Let a planned job run: its subjects become active here only, the portal closes if the job says so.

    Needs an open transaction. Rows whose subject is in another running job are refused as ``in-other-job``.
    """
    job.state = JobState.RUNNING
    job.binding = binding
    job.started_at = job.started_at or utc_now()
    job.cancel_requested_at = None
    job.finished_at = None
    job.error = None
    job.woken_at = None
    job.lease_owner = job.lease_until = None
    if job.closes_portal:
        close_for(job)
    db.session.flush()
    _activate(job)
    recount(job.id)


def _activate(job: Job) -> None:
    for attempt in range(3):
        try:
            with savepoint():
                _activate_once(job)
            return
        except IntegrityError:
            # Another job was started with the same subject between our look and our write.
            if attempt == 2:
                raise TemporaryFailure(
                    "database-busy", "Another job was started just now. Try again."
                ) from None


def _activate_once(job: Job) -> None:
    other, other_job = aliased(JobRow), aliased(Job)
    in_other = exists().where(
        other.kind == JobRow.kind, other.subject == JobRow.subject, other.active, other.job_id != job.id
    )
    mine = (JobRow.job_id == job.id, JobRow.state == RowState.PENDING, JobRow.subject.is_not(None))
    db.session.execute(update(JobRow).where(*mine, ~in_other).values(active=True).execution_options(**QUIET))
    title = (
        select(other_job.title + " (" + cast(other_job.id, String) + ")")
        .join(other, other.job_id == other_job.id)
        .where(other.kind == JobRow.kind, other.subject == JobRow.subject, other.active)
        .limit(1)
        .scalar_subquery()
    )
    message = literal("Another running job has this record in hand: ") + func.coalesce(
        title, "it has just ended"
    )
    db.session.execute(
        update(JobRow)
        .where(*mine, ~JobRow.active)
        .values(state=RowState.REFUSED, code="in-other-job", message=message, ended_at=utc_now())
        .execution_options(**QUIET)
    )


def recount(job_id: uuid.UUID) -> None:
    """Set the job's counters from its rows. Needs an open transaction; two statements."""
    counts = dict.fromkeys(RowState, 0)
    for state, count in db.session.execute(
        select(JobRow.state, func.count()).where(JobRow.job_id == job_id).group_by(JobRow.state)
    ):
        counts[RowState(state)] = count
    values = {f"{state.value}_count": count for state, count in counts.items()}
    db.session.execute(
        update(Job)
        .where(Job.id == job_id)
        .values(rows_count=sum(counts.values()), **values)
        .execution_options(**QUIET)
    )
    db.session.expire_all()


def end(job: Job, state: JobState, error: str | None = None) -> None:
    """Bring the job to its end: subjects are free again, its maintenance window closes, a notice goes out.

    Needs an open transaction.
    """
    if job.state in ENDED:
        return
    job.state = state
    job.error = error
    job.finished_at = utc_now()
    job.lease_owner = job.lease_until = None
    if state is not JobState.FINISHED:
        db.session.execute(
            update(JobRow)
            .where(JobRow.job_id == job.id, JobRow.active)
            .values(active=False)
            .execution_options(**QUIET)
        )
    open_after(job.id)
    db.session.flush()
    recount(job.id)
    counts = {row_state.value: getattr(job, f"{row_state.value}_count") for row_state in RowState}
    event = JobFinished(
        job_id=job.id,
        kind=job.kind,
        state=state.value,
        counts=counts,
        actor_user_id=job.actor_user_id,
        undoes_id=job.undoes_id,
    )
    emit_notice("portal_job_finished", event=event)
    on_commit(partial(count_job, job.kind, state))


def finish_if_done(job_id: uuid.UUID) -> bool:
    """End a running job that has no pending row left, or was asked to cancel; say whether it ended.

    Needs an open transaction. Rows that another worker holds are waited for.
    """
    job = locked_job(job_id)
    if job.state != JobState.RUNNING:
        return job.state in ENDED
    if job.cancel_requested_at is not None:
        cancel_rows(job_id)
    pending = exists().where(JobRow.job_id == job_id, JobRow.state == RowState.PENDING)
    if db.session.scalar(select(pending)):
        return False
    end(job, JobState.CANCELLED if job.cancel_requested_at is not None else JobState.FINISHED)
    return True


def cancel_rows(job_id: uuid.UUID) -> None:
    """Cancel the pending rows that nobody holds. Needs an open transaction."""
    now = database_now(db.session())
    db.session.execute(
        update(JobRow)
        .where(JobRow.job_id == job_id, JobRow.state == RowState.PENDING, row_is_free(now))
        .values(
            state=RowState.CANCELLED, active=False, lease_owner=None, lease_until=None, ended_at=utc_now()
        )
        .execution_options(**QUIET)
    )


def put_back(job_id: uuid.UUID, states: Iterable[RowState], *, plan_again: bool) -> int:
    """Make rows of these states pending again and return how many. Needs an open transaction.

    Rows that never could be read (no data) stay as they are. A reservation is kept: the number that a row was
    given stays its number.
    """
    values = {
        "state": RowState.PENDING,
        "code": "",
        "message": "",
        "attempts": 0,
        "ended_at": None,
        "lease_owner": None,
        "lease_until": None,
    }
    if plan_again:
        values["action"] = ""
    changed = db.session.execute(
        update(JobRow)
        .where(JobRow.job_id == job_id, JobRow.state.in_(list(states)), JobRow.data.is_not(None))
        .values(**values)
        .execution_options(**QUIET)
    )
    return int(changed.rowcount)  # type: ignore[attr-defined]
