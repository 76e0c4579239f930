"""What entry points call: draft, submit, start, cancel, resume, retry, discard, undo, release. None commits."""

import uuid

from sqlalchemy import delete

from portal.jobs import lifecycle
from portal.jobs.authority import changeable
from portal.jobs.brake import begin_or_park, reject, release
from portal.jobs.kinds import RowJob
from portal.jobs.models import Job, JobFile, JobRow
from portal.jobs.queue import wake_after_commit
from portal.jobs.states import ACTIVE, JobState, RowState
from portal.jobs.submitting import Draft, closes, draft, submit
from portal.jobs.undo import refuse_undone, undo
from portal.kernel.actor import Actor
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict

__all__ = [
    "Draft",
    "cancel",
    "discard",
    "draft",
    "reject",
    "release",
    "resume",
    "retry",
    "start",
    "submit",
    "undo",
]


def start(job_id: uuid.UUID, actor: Actor, *, close_portal: bool | None = None) -> Job:
    """Apply a planned job as previewed: rows that changed since will be refused. Needs an open transaction.

    Starting one that runs already, or has ended, gives that job: a second click starts nothing twice.
    A plan beyond the kind's brake waits for :func:`release` by a second person instead.

    Raises:
        Forbidden, NotFound: as the names say.
        Conflict: ``job-not-planned`` while it is still being planned; ``maintenance-open`` when another window is.
    """
    job = lifecycle.locked_job(job_id)
    kind, params = changeable(job, actor)
    if job.state == JobState.PLANNING:
        raise Conflict("job-not-planned", "The preview is still being made. Start it when it is there.")
    if job.state != JobState.PLANNED or not isinstance(kind, RowJob):
        return job
    job.closes_portal = closes(kind, params, close_portal)
    begin_or_park(job, kind, params, binding=True, asked_by_id=actor.user_id)
    wake_after_commit(job)
    return job


def cancel(job_id: uuid.UUID, actor: Actor) -> Job:
    """Ask a job to stop; rows in hand are finished, the rest is left alone. Needs an open transaction."""
    job = lifecycle.locked_job(job_id)
    changeable(job, actor)
    if job.state in (JobState.PLANNED, JobState.AWAITING_APPROVAL):
        _cancel_pending(job)
    elif job.state in ACTIVE and job.cancel_requested_at is None:
        job.cancel_requested_at = utc_now()
        wake_after_commit(job)
    return job


def _cancel_pending(job: Job) -> None:
    job.cancel_requested_at = utc_now()
    lifecycle.cancel_rows(job.id)
    lifecycle.end(job, JobState.CANCELLED)


def resume(job_id: uuid.UUID, actor: Actor) -> Job:
    """Go on with a cancelled or failed job where it stopped. Needs an open transaction.

    Raises:
        Conflict: ``job-not-resumable`` in any other state; ``job-undone`` when it was undone meanwhile.
    """
    job = lifecycle.locked_job(job_id)
    kind, params = changeable(job, actor)
    if job.state not in (JobState.CANCELLED, JobState.FAILED):
        raise Conflict("job-not-resumable", f"A job that is {job.state} cannot be resumed.")
    refuse_undone(job)
    job.cancel_requested_at = None
    if not isinstance(kind, RowJob):
        lifecycle.begin(job, binding=job.binding)
    elif job.source_read:
        lifecycle.put_back(job.id, [RowState.CANCELLED], plan_again=False)
        begin_or_park(job, kind, params, binding=job.binding, asked_by_id=actor.user_id)
    else:
        _plan_anew(job)
    wake_after_commit(job)
    return job


def retry(job_id: uuid.UUID, actor: Actor) -> Job:
    """Plan failed and refused rows again and apply them. Needs an open transaction.

    Raises:
        Conflict: ``job-not-ended`` while it runs; ``nothing-to-retry`` when no row failed or was refused;
            ``job-undone`` when it was undone meanwhile.
    """
    job = lifecycle.locked_job(job_id)
    changeable(job, actor)
    if job.state not in (JobState.FINISHED, JobState.CANCELLED):
        raise Conflict("job-not-ended", f"A job that is {job.state} cannot be retried yet.")
    refuse_undone(job)
    if not lifecycle.put_back(job.id, [RowState.FAILED, RowState.REFUSED], plan_again=True):
        raise Conflict("nothing-to-retry", "No row of this job failed or was refused.")
    _plan_anew(job)
    job.apply_when_planned = True
    wake_after_commit(job)
    return job


def _plan_anew(job: Job) -> None:
    job.state = JobState.PLANNING
    job.finished_at = job.error = job.cancel_requested_at = None
    db.session.flush()
    lifecycle.recount(job.id)


def discard(job_id: uuid.UUID, actor: Actor) -> None:
    """Throw a job away that was never started. Needs an open transaction.

    Raises:
        Conflict: ``job-was-started``: what did something stays on record.
    """
    job = lifecycle.locked_job(job_id)
    changeable(job, actor)
    if job.started_at is not None or job.state == JobState.RUNNING:
        raise Conflict("job-was-started", "A job that was started stays on record; cancel it instead.")
    db.session.execute(delete(JobFile).where(JobFile.job_id == job_id))
    db.session.execute(delete(JobRow).where(JobRow.job_id == job_id))
    db.session.execute(delete(Job).where(Job.id == job_id))
