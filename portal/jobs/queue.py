"""The alarm clock: RQ messages that carry one job id each. Losing all of them loses nothing; the relay sends again."""

import logging
import uuid
from datetime import timedelta
from functools import partial

import redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import or_, select, update

from portal.config import PortalConfig, current_config
from portal.jobs.models import Job, JobRow
from portal.jobs.states import ACTIVE
from portal.kernel import faults
from portal.kernel.clock import database_now
from portal.kernel.db import db
from portal.kernel.transaction import on_commit, run_in_transaction

log = logging.getLogger(__name__)

QUEUE = "portal"
ENTRY = "portal.jobs.engine.run"
#: A message that no worker takes in this time is worthless: the relay has sent others.
MESSAGE_SECONDS = 300
#: A run may not take longer than this by far; a hanging one is ended by the queue.
RUN_SECONDS = 3600
#: Wait before waking a job again on which nobody works.
QUIET_SECONDS = 5


def connect(config: PortalConfig) -> "redis.Redis":
    """Return a connection to the queue server; connects on first use."""
    return redis.Redis.from_url(config.queue_url, socket_connect_timeout=2, health_check_interval=30)


def queue_of(connection: "redis.Redis") -> Queue:
    """Return the one queue; JSON only, so a message can name a job and nothing else."""
    return Queue(QUEUE, connection=connection, serializer=JSONSerializer)


def wake(job_id: uuid.UUID, workers: int | None = None) -> bool:
    """Send a wake-up for the job, one per wished worker; say whether the queue server took it.

    Opens a short transaction of its own to note the wake-up; a failure is left to the relay.
    """
    faults.point("before-wake-up")
    config = current_config()
    try:
        queue = queue_of(connect(config))
        for _ in range(workers or max(1, config.workers)):
            queue.enqueue(
                ENTRY,
                str(job_id),
                job_timeout=RUN_SECONDS,
                result_ttl=0,
                failure_ttl=3600,
                ttl=MESSAGE_SECONDS,
            )
    except (RedisError, OSError) as error:
        log.warning("the queue server does not answer (%s); the relay will wake job %s", error, job_id)
        return False
    faults.point("after-wake-up")
    run_in_transaction(lambda: _note(job_id))
    return True


def wake_after_commit(job: Job) -> None:
    """Have workers woken for a job that has something to do, as soon as the open transaction is committed."""
    job.woken_at = None
    if job.state in ACTIVE:
        on_commit(partial(wake, job.id))


def _note(job_id: uuid.UUID) -> None:
    now = database_now(db.session())
    db.session.execute(update(Job).where(Job.id == job_id).values(woken_at=now))


def sleeping_jobs() -> list[uuid.UUID]:
    """Return the jobs that should be worked on but are not: never woken, or woken and no live lease. Reads only."""
    now = database_now(db.session())
    working = select(JobRow.id).where(JobRow.job_id == Job.id, JobRow.lease_until >= now).exists()
    found = db.session.scalars(
        select(Job.id)
        .where(Job.state.in_(ACTIVE))
        .where(
            or_(
                Job.woken_at.is_(None),
                (Job.woken_at < now - timedelta(seconds=QUIET_SECONDS))
                & or_(Job.lease_until.is_(None), Job.lease_until < now)
                & ~working,
            )
        )
        .order_by(Job.created_at)
    )
    ids = list(found)
    db.session.rollback()
    return ids


def relay_once() -> int:
    """Wake every job that sleeps though it has work; return how many. Call it every few seconds."""
    return sum(wake(job_id) for job_id in sleeping_jobs())
