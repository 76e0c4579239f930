"""A disk that is full: the job says so, nothing is lost or half done, and it goes on when there is room."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from benchmarks.campus import Campus, Intake, quick_photo
from portal.jobs.api import resume
from portal.jobs.engine import run_inline
from portal.jobs.queries import get_job
from portal.jobs.states import JobState
from portal.kernel.actor import SYSTEM
from portal.kernel.db import db
from portal.kernel.errors import StorageFull
from portal.kernel.transaction import transaction
from portal.maintenance import service as maintenance
from tests.walks.conftest import CampusOf
from tests.walks.proof import findings
from tests.walks.walk import create_in_portal

COUNT = 250


def mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], check=False, capture_output=True)
    if done.returncode:
        pytest.skip(f"no small disk can be made here: {done.stderr.decode().strip()}")


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """Put a file system of that size at ``folder``."""
    folder.mkdir(exist_ok=True)
    mount("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk_under_the_files_ends_the_job_with_the_reason_and_resuming_finishes_it(
    campus_of: CampusOf,
) -> None:
    campus: Campus = campus_of("sqlite")
    blobs = campus.config.blobs_dir
    with campus.open(), small_disk(blobs, 64):
        Intake(photo_of=quick_photo).add(COUNT)
        taken = sum(path.stat().st_size for path in blobs.rglob("*") if path.is_file())
        # Room for the slips of a first, half chunk.
        mount("-o", f"remount,size={taken + 12_500_000}", str(blobs))
        job_id = create_in_portal(close_portal=True)
        run_inline(job_id)

        job = get_job(job_id)
        assert job.state == JobState.FAILED
        assert "no room left" in (job.error or "")
        assert maintenance.current() is None
        assert list((blobs / "tmp").iterdir()) == []
        assert 0 < job.done_count < COUNT
        assert findings([job_id]).students == job.done_count

        mount("-o", "remount,size=64m", str(blobs))
        with transaction():
            resume(job_id, SYSTEM)
        run_inline(job_id)
        found = findings([job_id])
        assert (get_job(job_id).state, found.students, found.faults) == (JobState.FINISHED, COUNT, {})


@contextmanager
def small_database(more_pages: int) -> Iterator[None]:
    """Let SQLite's file grow by that many pages only, as a full disk would."""

    def limit(connection: Any, record: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages + more_pages}")

    db.engine.dispose()
    event.listen(Engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(Engine, "connect", limit)
        db.session.remove()
        db.engine.dispose()


def test_full_disk_under_the_database_loses_nothing_and_the_job_goes_on_when_there_is_room(
    campus_of: CampusOf,
) -> None:
    campus: Campus = campus_of("sqlite")
    with campus.open():
        Intake(photo_of=quick_photo).add(COUNT)
        job_id = create_in_portal(close_portal=False)
        with small_database(60):
            # When there is not even room for the end of the job, the relay tries again and again.
            with suppress(StorageFull):
                run_inline(job_id)
            job = get_job(job_id)
            assert job.done_count < COUNT
        if get_job(job_id).state == JobState.FAILED:
            assert "no room left" in (get_job(job_id).error or "")
            with transaction():
                resume(job_id, SYSTEM)
        run_inline(job_id)
        found = findings([job_id])
        assert (get_job(job_id).state, found.students, found.faults) == (JobState.FINISHED, COUNT, {})
