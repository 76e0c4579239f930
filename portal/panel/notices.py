"""What the core itself does when a job ends or the portal closes: a mail to who waits, a line for the operator."""

import logging
from datetime import timedelta

from portal.auth.models import User
from portal.config import current_config
from portal.hooks.events import JobFinished, MaintenanceChanged
from portal.jobs.models import Job
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.mail.outbox import send

log = logging.getLogger(__name__)

#: Who started a job that took longer than this has probably turned to something else.
WORTH_A_MAIL = timedelta(minutes=1)


def tell_starter(event: JobFinished) -> None:
    """Mail the person who started a long job that it has ended. Opens its own transaction."""
    if event.actor_user_id is None:
        return
    with transaction():
        job = db.session.get(Job, event.job_id)
        user = db.session.get(User, event.actor_user_id)
        if job is None or user is None or not user.email or not _was_long(job):
            return
        counts = ", ".join(f"{count} {state}" for state, count in event.counts.items() if count)
        text = f"{job.title} is {event.state}: {counts or 'no rows'}.\n\nThe report: {_address(job)}\n"
        send(user.email, f"{job.title}: {event.state}", text)


def log_window(event: MaintenanceChanged) -> None:
    """Write a line into the log when the portal closes or opens."""
    if event.is_open:
        log.warning("the portal is closed by %s: %s", event.actor_name, event.reason)
    else:
        log.warning("the portal is open again (%s; it was: %s)", event.actor_name, event.reason)


def _was_long(job: Job) -> bool:
    return bool(job.finished_at and job.started_at and job.finished_at - job.started_at > WORTH_A_MAIL)


def _address(job: Job) -> str:
    config = current_config()
    return f"{config.public_url}/panel/jobs/{job.id}/"
