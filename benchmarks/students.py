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
        campus = Campus(database, folder / "portal_bench", server, workers=workers, document_render=render)
        stack.enter_context(campus.open())
        campus.found()
        intake = Intake()
        results: list[Run] = []
        slip_cpu_ms = 0.0
        for number in range(1, runs + 1):
            uids = intake.add(count)
            slip_cpu_ms = slip_cpu_ms or _slip_cpu_ms(uids[:SLIPS])
            with crew_of(campus, workers) as crew:
                results.append(_run(crew, count, server))
            print(f"run {number}:     {_line(results[-1])}", flush=True)
    return _report(results, slip_cpu_ms, {**about, "database": database, "render": render})


def _slip_cpu_ms(uids: Sequence[uuid.UUID]) -> float:
    """Return the median CPU of one slip in a warm process, photo and history loaded beforehand."""
    now = utc_now()
    wanted = [
        SlipWanted(applicant_uid=uid, student_id=f"K{1_000_000 + place}", created_at=now)
        for place, uid in enumerate(uids)
    ]
    facts = [source.facts for source in slip_sources(wanted).values() if source.facts is not None]
    db.session.rollback()
    warm_up()
    render_bulk(SLIP, facts[:SLIPS_TOGETHER])
    times = []
    for first in range(0, len(facts), SLIPS_TOGETHER):
        some = facts[first : first + SLIPS_TOGETHER]
        before = time.process_time()
        render_bulk(SLIP, some)
        times.append((time.process_time() - before) * 1000 / len(some))
    return statistics.median(times)


def _run(crew: Crew, count: int, server: PostgresqlServer | None) -> Run:
    before, server_before = crew.usage(), server_cpu_seconds(server)
    clock, own_cpu = time.monotonic(), time.process_time()
    job_id = submitted(CREATE_STUDENTS, WHOLE_PORTAL, apply=False)
    # Whoever submits plans small jobs on the spot.
    own_cpu = time.process_time() - own_cpu
    wait_for(job_id, JOB_SECONDS, until_planned=True)
    planned, plan_seconds = crew.usage(), time.monotonic() - clock
    clock = time.monotonic()
    started(job_id, close_portal=False)
    job = wait_for(job_id, JOB_SECONDS)
    apply_seconds = time.monotonic() - clock
    after = crew.usage()
    if job.state != JobState.FINISHED or job.done_count != count:
        raise AssertionError(f"the job is {job.state} ({job.error}): {counts_by_code(job_id)}")
    return Run(
        students=job.done_count,
        plan_seconds=plan_seconds,
        apply_seconds=apply_seconds,
        plan_cpu_ms_per_student=_each(planned.cpu_seconds - before.cpu_seconds + own_cpu, count),
        apply_cpu_ms_per_student=_each(after.cpu_seconds - planned.cpu_seconds, count),
        job_cpu_ms_per_student=_each(job.cpu_seconds, count),
        server_cpu_ms_per_student=_each(server_cpu_seconds(server) - server_before, count),
        statements_per_student=(after.statements - before.statements) / count,
        students_per_second=count / apply_seconds,
        peak_memory_mb=after.memory_mb,
    )


def _each(seconds: float, count: int) -> float:
    return seconds * 1000 / count


def _line(run: Run) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in asdict(run).items())


def _report(runs: Sequence[Run], slip_cpu_ms: float, about: dict[str, str]) -> dict[str, Any]:
    medians = {
        name: round(statistics.median(getattr(run, name) for run in runs), 3) for name in asdict(runs[0])
    }
    whole = medians["plan_cpu_ms_per_student"] + medians["apply_cpu_ms_per_student"]
    medians |= {
        "cpu_ms_per_student": round(max(whole, medians["job_cpu_ms_per_student"]), 3),
        "slip_cpu_ms": round(slip_cpu_ms, 3),
        "seconds": round(medians["plan_seconds"] + medians["apply_seconds"], 3),
    }
    about = {**about, "load_after": machine.load()}
    print(f"\nload after: {about['load_after']}\nmedians of {len(runs)}:")
    for name, value in medians.items():
        print(f"  {name:28} {value:>12,.3f}")
    return {**about, "runs": len(runs), **medians}
