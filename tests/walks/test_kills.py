"""``kill -9`` of any process in the middle of a creation: the job goes on by itself, nothing is lost or doubled."""

import shutil
import signal
import sys
import time
from pathlib import Path
from subprocess import Popen

import psutil
import pytest

from benchmarks.campus import Campus, Intake, quick_photo
from portal.jobs.queries import get_job
from portal.kernel.processes import start_guarded
from portal.supervisor.network import is_live
from portal.supervisor.web import environment_of
from tests.walks.conftest import CampusOf
from tests.walks.walk import PATIENCE_SECONDS, Walk, assert_ended_whole, create, kill, until, until_begun

COUNT = 300


@pytest.mark.both_engines
def test_work_horses_are_killed(walk: Walk) -> None:
    job_id = create(walk.intake.add(COUNT))
    until_begun(job_id)
    for horse in walk.horses():
        horse.kill()
    assert get_job(job_id).pending_count > 0
    assert_ended_whole(job_id, COUNT)


@pytest.mark.both_engines
def test_workers_are_killed_and_their_horses_die_with_them(walk: Walk) -> None:
    job_id = create(walk.intake.add(COUNT))
    until_begun(job_id)
    horses, workers = walk.horses(), walk.worker_ids()
    for worker in workers:
        kill(worker)
    psutil.wait_procs(horses, timeout=5)
    assert [horse for horse in horses if horse.is_running() and horse.status() != "zombie"] == []
    assert get_job(job_id).pending_count > 0
    assert_ended_whole(job_id, COUNT)
    until(lambda: not set(walk.worker_ids()) & set(workers), seconds=PATIENCE_SECONDS)


def test_web_server_and_relay_are_killed(walk: Walk) -> None:
    job_id = create(walk.intake.add(COUNT))
    until_begun(job_id)
    for name in ("web", "relay"):
        kill(walk.supervisor.process_ids[name])
    assert_ended_whole(job_id, COUNT)
    config = walk.supervisor.config
    until(lambda: is_live(config.host, config.port), seconds=PATIENCE_SECONDS)


@pytest.mark.postgresql
def test_the_queue_server_loses_all_its_data(walk: Walk) -> None:
    job_id = create(walk.intake.add(COUNT))
    until_begun(job_id)
    queue = walk.supervisor.process_ids["queue"]
    kill(queue)
    for horse in walk.horses():
        horse.kill()
    shutil.rmtree(walk.campus.config.home / "queue")
    assert get_job(job_id).pending_count > 0
    killed = time.monotonic()

    assert_ended_whole(job_id, COUNT)
    assert time.monotonic() - killed < PATIENCE_SECONDS
    assert walk.supervisor.process_ids["queue"] != queue


def start_portal(campus: Campus, log: Path) -> "Popen[bytes]":
    """Start ``portal run`` as a person does, and return once it says its address."""
    with log.open("wb") as output:
        command = [sys.executable, "-m", "portal", "run"]
        process = start_guarded(command, environment=environment_of(campus.config), output=output.fileno())
    until(
        lambda: b"The portal is at" in log.read_bytes() or process.poll() is not None,
        seconds=PATIENCE_SECONDS,
    )
    assert process.poll() is None, log.read_text()
    return process


def test_the_supervisor_is_killed_takes_all_along_and_the_next_one_goes_on(
    campus_of: CampusOf, tmp_path: Path
) -> None:
    campus = campus_of("sqlite", workers=1)
    with campus.open():
        uids = Intake(photo_of=quick_photo).add(COUNT)
        first = start_portal(campus, tmp_path / "first.log")
        job_id = create(uids)
        until_begun(job_id)
        family = psutil.Process(first.pid).children(recursive=True)
        kill(first.pid)
        first.wait()
        psutil.wait_procs(family, timeout=10)
        assert [process for process in family if process.is_running() and process.status() != "zombie"] == []
        assert get_job(job_id).pending_count > 0

        second = start_portal(campus, tmp_path / "second.log")
        assert_ended_whole(job_id, COUNT)
        family = psutil.Process(second.pid).children(recursive=True)
        second.send_signal(signal.SIGINT)
        assert second.wait(timeout=30) == 0
        assert [process for process in family if process.is_running() and process.status() != "zombie"] == []
