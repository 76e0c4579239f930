"""A disk that is full: the job says so, nothing is lost or half done, and it goes on when there is room."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from benchmarks.campus import Campus, Intake, quick_photo
from plugins.admissions.models import Student
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
from tests.walks.walk import create, create_in_portal

COUNT = 120


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Put a file system of that size under the folder's ``tmp``, where every new file is written first."""
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
