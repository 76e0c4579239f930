"""Keeps the portal closed for a job that asked for it, by a lease that only the working job renews."""

import uuid

from portal.jobs.models import Job
from portal.kernel.actor import SYSTEM, Actor
from portal.maintenance import service as maintenance


def close_for(job: Job) -> None:
    """Open the job's maintenance window unless its own is open. Needs an open transaction.

    Raises:
        Conflict: when another window is open.
    """
    window = maintenance.current()
    if window is None or window.job_id != job.id:
        starter = Actor(user_id=job.actor_user_id, name=job.actor_name)
        maintenance.start(job.title, starter, job_id=job.id)


def keep_closed(job_id: uuid.UUID) -> None:
    """Renew the job's window; nothing when a person has opened the portal meanwhile. Needs an open transaction."""
    window = maintenance.current()
    if window is not None and window.job_id == job_id:
        maintenance.renew(window.id)


def open_after(job_id: uuid.UUID) -> None:
    """End the job's window, if it has one. Needs an open transaction."""
    window = maintenance.current()
    if window is not None and window.job_id == job_id:
        maintenance.end(window.id, SYSTEM)


def waits_for_window(job_id: uuid.UUID) -> bool:
    """Say whether the portal is closed by somebody else, so that the job has to wait."""
    window = maintenance.current()
    return window is not None and window.job_id != job_id
