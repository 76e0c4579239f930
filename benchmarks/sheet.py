"""Measures a long sheet: a CSV of learners through the job that enrolls them, with real workers, in constant memory."""

import contextlib
import csv
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.campus import Campus, started, submitted
from benchmarks.crew import crew_of
from plugins.enrollments.jobs import WriteProgramEnrollments
from plugins.enrollments.models import Curriculum, Organization, Program, ProgramAuthor
from portal.installation import migrate_all
from portal.jobs.queries import counts_by_code, wait_for
from portal.jobs.states import JobState
from portal.kernel.db import db
from portal.sdk import transaction
from portal.sdk.jobs import SHEET
from portal.testing.postgresql import PostgresqlServer
from portal.testing.sandboxes import EngineName

JOB_SECONDS = 6 * 3600


def measure(rows: int, database: EngineName, workers: int) -> dict[str, Any]:
    """Write the sheet, plan it, apply it, print every figure and return them."""
    about = machine.description()
    for name, value in about.items():
        print(f"{name + ':':10} {value}")
    print(
        f"method:    a CSV of {rows:,} new learners of one program through {WriteProgramEnrollments.name} on {database},\n"
        f"           {workers} workers, upload and preview included. Memory is the largest worker's.",
        flush=True,
    )
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-")))
        server = stack.enter_context(PostgresqlServer(durable=True)) if database == "postgresql" else None
        campus = Campus(database, folder / "portal_bench", server, workers=workers)
        stack.enter_context(campus.open())
        migrate_all()
        program, curriculum = _catalog()
        params = {"program": str(program), "curriculum": str(curriculum)}
        sheet = folder / "learners.csv"
        _write_sheet(sheet, rows)
        crew = stack.enter_context(crew_of(campus, workers))
        before, clock = crew.usage(), time.monotonic()
        job_id = submitted(WriteProgramEnrollments.name, params, {SHEET: sheet}, apply=False)
        wait_for(job_id, JOB_SECONDS, until_planned=True)
        planned, plan_seconds = crew.usage(), time.monotonic() - clock
        print(f"planned:   {plan_seconds:,.1f} s, {planned.memory_mb:,.0f} MB", flush=True)
        clock = time.monotonic()
        started(job_id)
        job = wait_for(job_id, JOB_SECONDS)
        apply_seconds, after = time.monotonic() - clock, crew.usage()
        if job.state != JobState.FINISHED or job.done_count != rows:
            raise AssertionError(f"the job is {job.state} ({job.error}): {counts_by_code(job_id)}")
        db.session.rollback()
        sheet_mb = sheet.stat().st_size / 2**20
    figures = {
        "rows": rows,
        "sheet_mb": round(sheet_mb, 1),
        "plan_seconds": round(plan_seconds, 1),
        "apply_seconds": round(apply_seconds, 1),
        "rows_per_second": round(rows / (plan_seconds + apply_seconds)),
        "cpu_ms_per_row": round((after.cpu_seconds - before.cpu_seconds) * 1000 / rows, 3),
        "statements_per_row": round((after.statements - before.statements) / rows, 4),
        "memory_mb_before": round(before.memory_mb, 1),
        "memory_mb": round(after.memory_mb, 1),
    }
    print(f"load after: {machine.load()}")
    for name, figure in figures.items():
        print(f"  {name:22} {figure:>14,}")
    return {**about, "database": database, "workers": workers, **figures}


def _catalog() -> tuple[uuid.UUID, uuid.UUID]:
    """Make a program with one curriculum and return their UUIDs."""
    program, curriculum = uuid.uuid4(), uuid.uuid4()
    with transaction() as session:
        session.add(Organization(short_name="bench"))
        author = ProgramAuthor(position=0, organization_key="bench")
        session.add(Program(id=program, authors=[author]))
        session.flush()
        session.add(Curriculum(id=curriculum, program_id=program))
    return program, curriculum


def _write_sheet(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("external_user_key", "status"))
        writer.writerows((f"learner-{number:08d}", "enrolled") for number in range(rows))
