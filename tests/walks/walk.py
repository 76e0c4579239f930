"""What walks do: take applicants in, start jobs, kill processes, wait for ends."""

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil

from benchmarks.campus import CREATE_STUDENTS, WHOLE_PORTAL, Campus, Intake, submitted
from portal.jobs.models import Job
from portal.jobs.queries import get_job, wait_for
from portal.jobs.queue import connect
from portal.jobs.states import JobState
from portal.kernel.db import db
from portal.supervisor import Supervisor
from tests.walks.proof import findings

#: A disturbed job must go on by itself within this time.
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Walk:
    """A campus whose processes run under a supervisor of this process."""

    campus: Campus
    supervisor: Supervisor
    intake: Intake

    def worker_ids(self) -> list[int]:
        """Return the process ids of the workers."""
        return [pid for name, pid in self.supervisor.process_ids.items() if name.startswith("worker")]

    def horses(self) -> list[psutil.Process]:
        """Return the forked children of the workers, in which jobs run."""
        found = []
        for pid in self.worker_ids():
            try:
                found += psutil.Process(pid).children()
            except psutil.NoSuchProcess:
                continue
        return found

    @contextmanager
    def without_workers(self) -> Iterator[None]:
        """Kill what runs and let the workers do nothing inside the block, as if the machine that has them were gone."""
        workers = [psutil.Process(pid) for pid in self.worker_ids()]
        for worker in workers:
            worker.suspend()
        for horse in self.horses():
            horse.kill()
        try:
            yield
        finally:
            for worker in workers:
                worker.resume()

    def await_processes(self) -> None:
        """Return when every worker listens to the queue."""
        with connect(self.campus.config) as connection:
            until(lambda: _listening(connection) >= len(self.worker_ids()), seconds=PATIENCE_SECONDS)


def create(uids: Sequence[uuid.UUID], **options: Any) -> uuid.UUID:
    """Submit the creation of these applicants' students and return the job's id; it begins at once."""
    params = {"scope": "applicants", "applicants": [str(uid) for uid in uids]}
    return submitted(CREATE_STUDENTS, params, **options)


def create_in_portal(**options: Any) -> uuid.UUID:
    """Submit the creation of every admitted applicant's student and return the job's id; it begins at once."""
    return submitted(CREATE_STUDENTS, WHOLE_PORTAL, **options)


def _listening(connection: Any) -> int:
    """Count the workers that have registered and are alive."""
    pids = [connection.hget(key, "pid") for key in connection.smembers("rq:workers")]
    return sum(pid is not None and psutil.pid_exists(int(pid)) for pid in pids)


def until(condition: Callable[[], Any], *, seconds: float) -> None:
    """Return when the condition holds.

    Raises:
        AssertionError: when it does not within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.01)


def until_begun(job_id: uuid.UUID) -> Job:
    """Return the job as soon as it has students, and others to come."""
    job = get_job(job_id)

    def has_begun() -> bool:
        nonlocal job
        db.session.rollback()
        job = get_job(job_id)
        return job.done_count > 0

    until(has_begun, seconds=PATIENCE_SECONDS)
    return job


def kill(pid: int) -> None:
    """End a process as by ``kill -9``."""
    os.kill(pid, signal.SIGKILL)


def assert_ended_whole(job_id: uuid.UUID, students: int) -> Job:
    """Wait for the job's end and judge it: as many students, and no fault of any kind."""
    job = wait_for(job_id, PATIENCE_SECONDS)
    assert (job.state, job.error) == (JobState.FINISHED, None), (job.state, job.error)
    found = findings([job_id])
    assert found.faults == {}, found
    assert found.students == students, found
    return job
