"""The mass-change brake: a plan that changes unusually much waits until a second person releases it."""

import uuid
from typing import Any

from pydantic import BaseModel
from sqlalchemy import func, select

from portal.access.policy import require
from portal.jobs import lifecycle
from portal.jobs.authority import RELEASE_PERMISSION, is_second_person
from portal.jobs.kinds import RowJob
from portal.jobs.models import Job, JobRow
from portal.jobs.queue import wake_after_commit
from portal.jobs.rows import Brake
from portal.jobs.states import Action, JobState, RowState
from portal.kernel.actor import Actor
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict, Forbidden

_MEASURED = {Action.REMOVE: "removed_share", Action.UPDATE: "changed_share"}


def begin_or_park(
    job: Job, kind: RowJob[Any, Any], params: BaseModel, *, binding: bool, asked_by_id: int | None
) -> None:
    """Let a planned job run, or have it wait for a release when its plan exceeds the kind's brake.

    Needs an open transaction. A job that was released once is not stopped again: a retry has no further rows.

    Args:
        asked_by_id: User who wants it to start; somebody else must release it.
    """
    impact = None if job.released_at is not None else _impact(job.id, kind, params)
    if impact is None:
        lifecycle.begin(job, binding=binding)
        return
    job.state = JobState.AWAITING_APPROVAL
    job.impact = impact
    job.release_asked_by_id = asked_by_id
    db.session.flush()


def _impact(job_id: uuid.UUID, kind: RowJob[Any, Any], params: BaseModel) -> dict[str, Any] | None:
    """Return the table that the releasing person sees, or None when the brake leaves the plan alone."""
    brake = kind.brake_of(params)
    if brake is None:
        return None
    counts = {
        Action(action): number
        for action, number in db.session.execute(
            select(JobRow.action, func.count())
            .where(JobRow.job_id == job_id, JobRow.state == RowState.PENDING)
            .group_by(JobRow.action)
        )
    }
    existing = kind.existing_count(params)
    total = sum(counts.values()) if existing is None else existing
    lines = [_line(action, counts.get(action, 0), total, brake) for action in _MEASURED]
    if not any(line["is_exceeded"] for line in lines):
        return None
    return {"existing_count": total, "minimum_rows": brake.minimum_rows, "lines": lines}


def _line(action: Action, rows: int, total: int, brake: Brake) -> dict[str, Any]:
    limit: float | None = getattr(brake, _MEASURED[action])
    share = rows / total if total else 1.0
    exceeded = limit is not None and rows >= brake.minimum_rows and share > limit
    return {
        "action": action.value,
        "rows_count": rows,
        "share": round(share, 4),
        "limit": limit,
        "is_exceeded": exceeded,
    }


def release(job_id: uuid.UUID, actor: Actor) -> Job:
    """Let a job run that the brake holds; its preview is binding. Needs an open transaction; does not commit.

    Releasing one that runs already, or has ended, gives that job.

    Raises:
        Forbidden: without ``portal.jobs.release``; ``second-person-needed`` for whoever made or started the job.
        Conflict: ``job-not-waiting`` when nobody has started it yet; ``maintenance-open`` when another window is.
        NotFound: when there is no such job.
    """
    job = _held(job_id, actor)
    if job.state != JobState.AWAITING_APPROVAL:
        return job
    job.released_at, job.released_by_name = utc_now(), actor.name
    lifecycle.begin(job, binding=True)
    wake_after_commit(job)
    return job


def reject(job_id: uuid.UUID, actor: Actor, reason: str = "") -> Job:
    """Stop a job for good that the brake holds; nothing was done. Needs an open transaction; does not commit.

    Raises: As :func:`release`.
    """
    job = _held(job_id, actor)
    if job.state != JobState.AWAITING_APPROVAL:
        return job
    why = f": {reason.strip()[:500]}" if reason.strip() else "."
    job.cancel_requested_at = utc_now()
    lifecycle.cancel_rows(job.id)
    lifecycle.end(job, JobState.CANCELLED, f"{actor.name} did not release it{why}")
    return job


def _held(job_id: uuid.UUID, actor: Actor) -> Job:
    job = lifecycle.locked_job(job_id)
    require(actor, RELEASE_PERMISSION)
    if not is_second_person(job, actor):
        raise Forbidden(
            "second-person-needed",
            "This plan changes so much that another person than the one who made or started it must release it; "
            "a service account is no person.",
        )
    if job.state in (JobState.PLANNING, JobState.PLANNED):
        raise Conflict("job-not-waiting", f"A job that is {job.state} does not wait for a release.")
    return job
