"""Measures the main job: admitted applicants become students with slips, through real worker processes."""

import contextlib
import statistics
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import text

from benchmarks import machine
from benchmarks.campus import CREATE_STUDENTS, WHOLE_PORTAL, Campus, Intake, started, submitted
from benchmarks.crew import Crew, crew_of, server_cpu_seconds
from plugins.admissions.api.slip_facts import SlipWanted, slip_sources
from plugins.admissions.jobs.creating import SLIP
from portal.documents.service import render_bulk, warm_up
from portal.jobs.queries import counts_by_code, wait_for
from portal.jobs.states import JobState
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.testing.postgresql import PostgresqlServer
from portal.testing.sandboxes import EngineName

JOB_SECONDS = 6 * 3600
#: Slips that the slip alone is measured with, and how many of them are one measurement.
SLIPS, SLIPS_TOGETHER = 400, 50


@dataclass(frozen=True, kw_only=True)
class Run:
    """One job: what it made and what that cost. Seconds are of the wall."""

    students: int
    plan_seconds: float
    apply_seconds: float
    plan_cpu_ms_per_student: float
    apply_cpu_ms_per_student: float
    job_cpu_ms_per_student: float
    server_cpu_ms_per_student: float
    statements_per_student: float
    students_per_second: float
    peak_memory_mb: float


def measure(
    count: int,
    database: EngineName,
    workers: int,
    render: Literal["auto", "full"],
    runs: int,
) -> dict[str, Any]:
    """Run the job ``runs`` times with ``count`` fresh applicants each, print every figure and return the medians."""
    about = machine.description()
    for name, value in about.items():
        print(f"{name + ':':10} {value}")
    print(
        f"method:    {runs} runs of {count:,} applicants (own photo, 3 to 9 lines of history) on {database}, "
        f"{workers} workers, render {render}.\n"
        "           Workers are warm; everything else is in the figures: queue, planning, claims, photos, slips,\n"
        "           files made durable, records, audit, commits. CPU is the system's count for all worker processes.",
        flush=True,
    )
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-")))
        server = stack.enter_context(PostgresqlServer(durable=True)) if database == "postgresql" else None
        campus = Campus(
            database, folder / "portal_bench", server, workers=workers, document_render=render
        )
        stack.enter_context(campus.open())
        campus.found()
        results = [_run(campus, count, workers, server)]
        slip_cpu_ms = _slip_cpu_ms(results[0].uids[:SLIPS], render)
        results += [_run(campus, count, workers, server, seed=number) for number in range(2, runs + 1)]
    return _report([result.run for result in results], slip_cpu_ms, about, database=database, render=render)
