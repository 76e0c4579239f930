"""How the queue is: workers alive, what waits and why. Reads only, quick, and answers without a queue server too."""

import os
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import redis
from redis.exceptions import RedisError
from rq import Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job as Message
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker
from sqlalchemy import select

from portal.config import current_config
from portal.jobs.models import Job
from portal.jobs.queries import WaitingJob, waiting_jobs
from portal.jobs.states import ACTIVE, JobState
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.maintenance import service as maintenance

#: A page does not wait longer for the queue server.
ANSWER_SECONDS = 1.0
#: An idle worker gives a sign of life every 45 seconds, a busy one every 5.
SILENT_SECONDS = 75
#: Between two slices of a job nobody has it for a moment; that is no waiting.
PAUSE_SECONDS = 3.0
#: A job that waits longer than this, while the portal is open, needs a person.
LONG_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class WorkerFacts:
    """A worker that is alive; ``job_id`` is what it works on, None: it listens."""

    name: str
    host: str
    pid: int
    since: datetime
    job_id: uuid.UUID | None


@dataclass(frozen=True, kw_only=True)
class QueueHealth:
    """What is known of the queue: ``problem`` says why nothing is known of the workers."""

    problem: str
    workers: Sequence[WorkerFacts]
    waiting: Sequence[WaitingJob]
    window: str | None
    titles: dict[uuid.UUID, str]

    @property
    def busy_count(self) -> int:
        return sum(worker.job_id is not None for worker in self.workers)

    @property
    def stalled(self) -> list[WaitingJob]:
        return [job for job in self.waiting if job.stalled_since is not None]

    @property
    def oldest(self) -> WaitingJob | None:
        return self.waiting[0] if self.waiting else None

    @property
    def trouble(self) -> str:
        """What a person must do something about, in one or two sentences; empty when all is well."""
        if self.problem:
            return self.problem
        if not self.workers:
            return "No worker is listening, so jobs wait. Start the portal's workers."
        oldest = self.oldest
        if oldest is None or self.window is not None or oldest.seconds < LONG_SECONDS:
            return ""
        return f"A job has been waiting for {_minutes(oldest.seconds)}. {_busy(self)}"


def _minutes(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def _busy(health: QueueHealth) -> str:
    if health.busy_count == len(health.workers):
        return f"All {len(health.workers)} workers are busy." if health.workers[1:] else "The worker is busy."
    return "Workers are free; look at the relay."


def queue_health() -> QueueHealth:
    """Return how the queue is now. Four statements, and at most a second for the queue server."""
    workers, problem = _workers()
    window = maintenance.current()
    waiting = [job for job in waiting_jobs() if job.seconds > PAUSE_SECONDS]
    named = {worker.job_id for worker in workers if worker.job_id is not None}
    found = db.session.execute(select(Job.id, Job.title).where(Job.id.in_(named))) if named else ()
    return QueueHealth(
        problem=problem,
        workers=workers,
        waiting=waiting,
        window=window.reason if window is not None else None,
        titles={row.id: row.title for row in found},
    )


def count_workers() -> int:
    """Return how many workers are alive; 0 when the queue server does not answer."""
    return len(_workers()[0])


def why_waiting(job: Job) -> str:
    """Return why nothing happens with the job, for its page; empty while somebody works on it or it has ended."""
    if job.state == JobState.AWAITING_APPROVAL:
        return "Waits for release by a second person: it changes unusually much."
    if job.state not in ACTIVE:
        return ""
    found = waiting_jobs(job.id)
    if not found or found[0].seconds <= PAUSE_SECONDS:
        return ""
    window = maintenance.current()
    if window is not None and window.job_id != job.id:
        return f"Waits until the portal opens again; it is closed for “{window.reason}”."
    workers, problem = _workers()
    return problem or _why(found[0], workers)


def _why(job: WaitingJob, workers: Sequence[WorkerFacts]) -> str:
    if not workers:
        return "No worker is listening. Nothing is lost; it goes on when the operator starts one."
    if job.stalled_since is not None:
        return (
            f"Stalled since {job.stalled_since:%H:%M:%S} UTC: the worker that had it is gone. "
            "Another one takes over by itself within a minute."
        )
    if all(worker.job_id is not None for worker in workers):
        return (
            f"Waits for a worker: all {len(workers)} are busy." if workers[1:] else "The one worker is busy."
        )
    return "Waits for a worker to take it up."


def _workers() -> tuple[list[WorkerFacts], str]:
    """Return the workers that are alive, oldest first, and why they are not known."""
    config = current_config()
    connection = redis.Redis.from_url(
        config.queue_url, socket_connect_timeout=ANSWER_SECONDS, socket_timeout=ANSWER_SECONDS
    )
    try:
        found = [_facts(worker) for worker in Worker.all(connection=connection, serializer=JSONSerializer)]
    except (RedisError, OSError):
        return [], "The queue server does not answer. Jobs wait until it does; nothing is lost."
    finally:
        connection.close()
    alive = [worker for worker in found if worker is not None]
    return sorted(alive, key=lambda worker: (worker.since, worker.name)), ""


def _facts(worker: BaseWorker) -> WorkerFacts | None:
    """Return what is shown of a worker, or None when it is dead and only its entry is left."""
    beat, birth, pid = worker.last_heartbeat, worker.birth_date, worker.pid
    if beat is None or birth is None or pid is None or worker.death_date is not None:
        return None
    if utc_now() - _aware(beat) > timedelta(seconds=SILENT_SECONDS) or _is_gone(worker.hostname or "", pid):
        return None
    return WorkerFacts(
        name=worker.name,
        host=worker.hostname or "",
        pid=pid,
        since=_aware(birth),
        job_id=_job_in_hand(worker),
    )


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _is_gone(host: str, pid: int) -> bool:
    """Say whether a worker of this machine has died without taking its leave."""
    if host != socket.gethostname():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _job_in_hand(worker: BaseWorker) -> uuid.UUID | None:
    message_id = worker.get_current_job_id()
    if message_id is None:
        return None
    try:
        message = Message.fetch(message_id, connection=worker.connection, serializer=JSONSerializer)
    except NoSuchJobError:
        return None
    return uuid.UUID(str(message.args[0])) if message.args else None
