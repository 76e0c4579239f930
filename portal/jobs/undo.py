"""Starts the undo of a whole job: a job of its own, planned, previewed and applied like any other."""

import uuid
from datetime import timedelta
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.config import current_config
from portal.jobs.authority import changeable
from portal.jobs.kinds import AnyKind, JobFiles, RowJob
from portal.jobs.lifecycle import locked_job
from portal.jobs.models import Job
from portal.jobs.planning import PLAN_ROWS, insert_rows, planned_rows
from portal.jobs.queue import wake_after_commit
from portal.jobs.states import ENDED, Closing, JobState
from portal.jobs.undo_kind import Undoing
from portal.kernel.actor import Actor
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict
from portal.kernel.ids import new_id
from portal.kernel.transaction import savepoint


def undo(job_id: uuid.UUID, actor: Actor, *, idempotency_key: str | None = None) -> Job:
    """Make the job that takes back what one ended job did, and return it, planned or being planned.

    Start it with ``start`` when its preview has been looked at. Asking again gives the same undo, whoever asks.
    Up to 500 rows are planned at once, more by a worker. Needs an open transaction; does not commit.

    Raises:
        Forbidden, NotFound: as the names say.
        Conflict: ``job-not-ended`` while it runs; ``job-is-undo`` for an undo; ``undo-not-possible`` when the kind
            cannot; ``nothing-to-undo`` when no row was done; ``undo-too-late`` after PORTAL_UNDO_DAYS.
    """
    undone = locked_job(job_id)
    kind, params = changeable(undone, actor)
    if (found := undo_of(job_id)) is not None:
        return found
    reverse = reverse_of(undone, kind)
    job = _new_job(undone, reverse.explain(params), actor, idempotency_key)
    job.closes_portal = reverse.closes_portal(params) is Closing.DEFAULT
    try:
        with savepoint():
            db.session.add(job)
            db.session.flush()
    except IntegrityError:
        # Somebody asked at the same moment, or the key belongs to another request.
        if (found := undo_of(job_id)) is not None:
            return found
        raise Conflict(
            "idempotency-key-used", "This idempotency key was used for another job. Send a new one."
        ) from None
    if undone.done_count <= PLAN_ROWS:
        _plan_now(job, reverse, params)
    wake_after_commit(job)
    return job


def _new_job(undone: Job, title: str, actor: Actor, key: str | None) -> Job:
    return Job(
        id=new_id(),
        kind=undone.kind,
        title=title[:300],
        state=JobState.PLANNING,
        params=undone.params,
        actor_user_id=actor.user_id,
        actor_name=actor.name,
        grants=sorted(actor.grants),
        is_administrator=actor.is_administrator,
        idempotency_key=key,
        undoes_id=undone.id,
    )


def _plan_now(job: Job, reverse: Undoing, params: Any) -> None:
    source = list(islice(reverse.rows(params, JobFiles()), PLAN_ROWS))
    insert_rows(job.id, job.kind, 1, planned_rows(reverse, params, source, set()))
    job.state, job.planned_at, job.source_read = JobState.PLANNED, utc_now(), True
    db.session.flush()
    db.session.refresh(job)


def reverse_of(job: Job, kind: AnyKind) -> Undoing:
    """Return the kind that undoes the job.

    Raises:
        Conflict: saying why it cannot be undone, or not any more; see :func:`undo`.
    """
    if job.undoes_id is not None:
        raise Conflict("job-is-undo", "An undo cannot be undone. Do the work again with a new job.")
    if not isinstance(kind, RowJob) or not kind.can_undo:
        raise Conflict("undo-not-possible", "What this kind of job does cannot be undone as a whole.")
    if job.state not in ENDED or job.finished_at is None:
        raise Conflict("job-not-ended", f"A job that is {job.state} cannot be undone yet. Stop it first.")
    if not job.done_count:
        raise Conflict("nothing-to-undo", "This job has changed nothing, so there is nothing to undo.")
    if job.finished_at < utc_now() - timedelta(days=current_config().undo_days):
        raise Conflict("undo-too-late", f"{_days()} after its end a job cannot be undone any more.")
    return Undoing(kind, job.id)


def _days() -> str:
    days = current_config().undo_days
    return f"{days} day{'' if days == 1 else 's'}"


def undo_of(job_id: uuid.UUID) -> Job | None:
    """Return the job that undoes this one, or None."""
    return db.session.scalar(select(Job).where(Job.undoes_id == job_id))


def refuse_undone(job: Job) -> None:
    """Refuse to go on with a job that another one undoes: they would work against each other.

    Raises:
        Conflict: ``job-undone``.
    """
    found = undo_of(job.id)
    if found is not None:
        raise Conflict(
            "job-undone",
            f"This job is undone by another ({found.id}). Start a new job, or throw that one's plan away first.",
            {"job_id": str(found.id)},
        )
