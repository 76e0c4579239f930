"""Keeps the portal closed for a job that asked for it, by a lease that only the working job renews."""

import uuid

from portal.config import current_config
from portal.jobs.models import Job
from portal.kernel.actor import SYSTEM, Actor
from portal.maintenance import service as maintenance

#: The window outlasts a worker's lease, so that the portal does not open while a dead worker's rows wait.
WINDOW_LEASES = 4


def close_for(job: Job) -> None:
    """Open the job's maintenance window unless its own is open. Needs an open transaction.

    Raises:
        Conflict: when another window is open.
    """
    window = maintenance.current()
    if window is None or window.job_id != job.id:
        starter = Actor(user_id=job.actor_user_id, name=job.actor_name)
        maintenance.start(job.title, starter, job_id=job.id, lease_seconds=_lease_seconds())


def keep_closed(job_id: uuid.UUID) -> None:
    """Renew the job's window; nothing when a person has opened the portal meanwhile. Needs an open transaction."""
    window = maintenance.current()
    if window is not None and window.job_id == job_id:
        maintenance.renew(window.id, lease_seconds=_lease_seconds())


def open_after(job_id: uuid.UUID) -> None:
    """End the job's window, if it has one. Needs an open transaction."""
    window = maintenance.current()
    if window is not None and window.job_id == job_id:
        maintenance.end(window.id, SYSTEM)


def waits_for_window(job_id: uuid.UUID) -> bool:
    """Say whether the portal is closed by somebody else, so that the job has to wait."""
    window = maintenance.current()
    return window is not None and window.job_id != job_id


def _lease_seconds() -> int:
    return current_config().lease_seconds * WINDOW_LEASES
