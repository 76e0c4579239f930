"""How the queue is, and why a job waits: from SQL and the workers' own entries, with and without a queue server."""

import os
import subprocess
import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from rq import Worker
from rq.serializers import JSONSerializer
from sqlalchemy import update

from portal.health.checks import check_workers
from portal.jobs import api
from portal.jobs.models import Job, JobRow
from portal.jobs.queries import get_job
from portal.jobs.queue import queue_of
from portal.jobs.queue_health import queue_health, why_waiting
from portal.kernel.actor import SYSTEM
from portal.kernel.clock import database_now
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.maintenance import service as maintenance


def running_job(**older: Any) -> uuid.UUID:
    """Return a running job on which nobody has worked for five minutes."""
    request = api.draft("toy.number_things", {"numbers": {"a": 1, "b": 2}}, SYSTEM)
    with transaction():
        job_id = api.submit(request, apply=True).id
        earlier = database_now(db.session()) - timedelta(minutes=5)
        db.session.execute(update(Job).values(created_at=earlier, started_at=earlier, worked_at=None))
        if older:
            db.session.execute(update(JobRow).values(lease_owner="gone", lease_until=earlier))
    return job_id


def lease_rows() -> None:
    with transaction():
        later = database_now(db.session()) + timedelta(minutes=1)
        db.session.execute(update(JobRow).values(lease_owner="alive", lease_until=later))


@pytest.mark.both_engines
@pytest.mark.usefixtures("toy")
def test_without_a_queue_server_the_page_says_so_quickly() -> None:
    job_id = running_job()
    started = time.monotonic()

    found = queue_health()

    assert time.monotonic() - started < 2
    assert "does not answer" in found.trouble
    assert found.oldest is not None
    assert (found.oldest.job_id, round(found.oldest.seconds / 60)) == (job_id, 5)
    assert "does not answer" in why_waiting(get_job(job_id))
    assert not check_workers().ok


@pytest.mark.both_engines
@pytest.mark.usefixtures("toy")
def test_a_job_that_somebody_works_on_waits_for_nothing() -> None:
    job_id = running_job()
    lease_rows()

    assert (queue_health().waiting, why_waiting(get_job(job_id))) == ([], "")


@pytest.mark.usefixtures("toy")
def test_other_jobs_wait_for_the_maintenance_window() -> None:
    job_id = running_job()
    with transaction():
        maintenance.start("Moving the servers", SYSTEM)

    assert "closed for “Moving the servers”" in why_waiting(get_job(job_id))
    assert queue_health().window == "Moving the servers"


@pytest.mark.usefixtures("toy")
def test_a_job_that_the_brake_holds_waits_for_a_person() -> None:
    assert "second person" in why_waiting(Job(state="awaiting_approval"))


def test_no_worker_is_listening(app: Flask, queue_server: Redis) -> None:
    assert "No worker is listening" in queue_health().trouble
    assert "No worker is listening" in check_workers().message


def test_workers_are_listed_and_a_killed_one_is_gone_at_once(app: Flask, queue_server: Redis) -> None:
    worker = Worker([queue_of(queue_server)], connection=queue_server, serializer=JSONSerializer)
    worker.register_birth()

    found = queue_health()

    assert [(item.pid, item.job_id) for item in found.workers] == [(os.getpid(), None)]
    assert (found.trouble, check_workers().message) == ("", "1 alive, 0 busy; 0 jobs wait.")

    gone = subprocess.Popen(["true"])
    gone.wait()
    queue_server.hset(worker.key, "pid", gone.pid)
    assert queue_health().workers == []


@pytest.mark.both_engines
@pytest.mark.usefixtures("toy")
def test_a_lapsed_lease_is_named_with_its_time() -> None:
    running_job(lapsed=True)

    (stalled,) = queue_health().stalled

    assert stalled.stalled_since is not None
    assert round(stalled.seconds / 60) == 5
