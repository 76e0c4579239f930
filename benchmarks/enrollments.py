"""Measures enrollments in bulk, beside plain set-based SQL that does the same on the same tables in the same run."""

import contextlib
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import event, insert, select, text

from benchmarks import machine
from benchmarks.campus import Campus
from benchmarks.enrollments_sql import LINK_COURSES, Limit, Names
from plugins.enrollments import api
from plugins.enrollments.models import (
    CourseRun,
    Curriculum,
    IdentityProvider,
    Organization,
    Program,
    ProgramAuthor,
)
from portal.installation import migrate_all
from portal.jobs.worker import spare_collector
from portal.kernel.db import db
from portal.sdk import ExternalIdentity, User, new_id, run_in_transaction, sign_in_key, transaction, utc_now
from portal.testing.postgresql import PostgresqlServer
from portal.testing.sandboxes import EngineName

PROVIDER = "bench"
FIXTURE_CHUNK = 5_000


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One run of one operation: learners, seconds of the wall with the commit, statements, of ours and of the limit."""

    rows: int
    ours_seconds: float
    limit_seconds: float
    statements: int


def measure(rows: int, database: EngineName, runs: int) -> dict[str, Any]:
    """Run every operation ``runs`` times with fresh learners, print a table and return the medians."""
    about = machine.description()
    for name, value in about.items():
        print(f"{name + ':':10} {value}")
    print(
        f"method:    one client on {database}, durable commits, one transaction per operation; medians of {runs} runs\n"
        "           with fresh learners each; the limit is plain set-based SQL in one statement per table, with the\n"
        "           same constraints, indexes and history, run in turns with ours on the same tables.",
        flush=True,
    )
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-")))
        server = stack.enter_context(PostgresqlServer(durable=True)) if database == "postgresql" else None
        campus = Campus(database, folder / "portal_bench", server)
        stack.enter_context(campus.open())
        migrate_all()
        partner = _Partner()
        # As a worker does before its first job.
        spare_collector()
        timings: dict[str, list[Timing]] = {}
        for number in range(runs):
            for name, timing in _run(partner, rows, f"r{number}"):
                timings.setdefault(name, []).append(timing)
    return {**about, "database": database, "rows": rows, "runs": runs, "operations": _report(timings)}


class _Partner:
    """The catalog that all runs share: one program, its curriculum and the course runs."""

    def __init__(self) -> None:
        self.names = Names(program=uuid.uuid4(), curriculum=uuid.uuid4())
        with transaction() as session:
            organization = Organization(short_name="bench")
            session.add_all([organization, IdentityProvider(slug=PROVIDER, organization=organization)])
            author = ProgramAuthor(position=0, organization_key="bench")
            session.add(Program(id=self.names.program, authors=[author]))
            session.flush()
            session.add(Curriculum(id=self.names.curriculum, program_id=self.names.program))
            session.add_all([CourseRun(course_key=key) for key in self.names.courses])

    def requests(self, keys: Sequence[str], status: str) -> list[dict[str, Any]]:
        curriculum = str(self.names.curriculum)
        return [{"external_user_key": key, "status": status, "curriculum_uuid": curriculum} for key in keys]


def _run(partner: _Partner, rows: int, run: str) -> list[tuple[str, Timing]]:
    """Measure each operation once, ours and the limit with learners of their own."""
    limit, program = Limit(partner.names), partner.names.program
    mine, theirs = ([f"{run}-{who}-{number:07d}" for number in range(rows)] for who in ("ours", "sql"))
    few = max(rows // 10, 100)
    found = []

    def compared(name: str, ours: Callable[[], Any], plain: Callable[[], Any], count: int = rows) -> None:
        found.append((name, _timing(count, ours, plain)))

    def write(keys: Sequence[str], status: str) -> Any:
        requests = partner.requests(keys, status)
        return lambda: api.write_program_enrollments(program, requests, create=True, update=True)

    def enroll(keys: Sequence[str], course: str) -> Any:
        requests = partner.requests(keys, "active")
        return lambda: api.write_program_course_enrollments(
            program, course, requests, create=True, update=True
        )

    compared("create program rows", write(mine, "enrolled"), lambda: limit.create(theirs, "enrolled"))
    compared("update program rows", write(mine, "suspended"), lambda: limit.update(theirs, "suspended"))
    course = partner.names.courses[0]
    compared("course rows, waiting", enroll(mine, course), lambda: limit.enroll_waiting(theirs, course))

    linked, linked_sql = ([f"{run}-l{who}-{number:07d}" for number in range(rows)] for who in ("ours", "sql"))
    for keys in (linked, linked_sql):
        _make_users(keys, known=True)
        run_in_transaction(write(keys, "enrolled"))
    compared("course rows, linked", enroll(linked, course), lambda: limit.enroll_linked(linked_sql, course))

    some, some_sql = mine[:few], theirs[:few]
    for keys in (some, some_sql):
        _make_users([f"user-{key}" for key in keys], known=False)
        for other in partner.names.courses[1:LINK_COURSES]:
            run_in_transaction(enroll(keys, other))
    names = {key: f"user-{key}" for key in some}
    compared(
        f"link, {LINK_COURSES} courses each",
        lambda: api.link_program_enrollments(program, names),
        lambda: limit.link(some_sql, [f"user-{key}" for key in some_sql]),
        few,
    )
    return found


def _timing(rows: int, ours: Callable[[], Any], plain: Callable[[], Any]) -> Timing:
    _settle()
    seconds, statements = _timed(ours)
    _settle()
    plain_seconds, _ = _timed(plain)
    return Timing(rows=rows, ours_seconds=seconds, limit_seconds=plain_seconds, statements=statements)


def _timed(function: Callable[[], Any]) -> tuple[float, int]:
    count = 0

    def note(*_: Any) -> None:
        nonlocal count
        count += 1

    event.listen(db.engine, "before_cursor_execute", note)
    began = time.perf_counter()
    try:
        run_in_transaction(function)
        return time.perf_counter() - began, count
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
        db.session.remove()


def _settle() -> None:
    """Let the database know its tables, as its own housekeeping does in an installation that lives."""
    with db.engine.begin() as connection:
        connection.execute(text("ANALYZE"))


def _make_users(names: Sequence[str], *, known: bool) -> None:
    """Make users past the API; ``known``: the provider knows them by their names."""
    for first in range(0, len(names), FIXTURE_CHUNK):
        chunk = names[first : first + FIXTURE_CHUNK]
        with transaction() as session:
            session.execute(insert(User.__table__), [_user(name) for name in chunk])
            if not known:
                continue
            found = session.execute(
                select(User.id, User.sign_in_name).where(User.sign_in_name.between(chunk[0], chunk[-1]))
            ).all()
            session.execute(
                insert(ExternalIdentity.__table__),
                [{"provider": PROVIDER, "external_id": name, "user_id": uid} for uid, name in found],
            )


def _user(name: str) -> dict[str, Any]:
    return {
        "sign_in_name": name,
        "sign_in_key": sign_in_key(name),
        "display_name": name,
        "fs_uniquifier": new_id().hex,
        "created_at": utc_now(),
    }


def _report(timings: dict[str, list[Timing]]) -> dict[str, dict[str, float]]:
    print(f"\nload after: {machine.load()}")
    print(f"{'operation':24} {'learners':>9} {'ours /s':>9} {'limit /s':>9} {'ratio':>6} {'statements':>11}")
    figures = {}
    for name, runs in timings.items():
        rows = runs[0].rows
        ours = rows / statistics.median(item.ours_seconds for item in runs)
        limit = rows / statistics.median(item.limit_seconds for item in runs)
        statements = statistics.median(item.statements for item in runs)
        ratio = statistics.median(item.limit_seconds / item.ours_seconds for item in runs)
        print(f"{name:24} {rows:>9,} {ours:>9,.0f} {limit:>9,.0f} {ratio:>6.2f} {statements:>11,.0f}")
        figures[name] = {
            "learners": rows,
            "ours_per_second": round(ours),
            "limit_per_second": round(limit),
            "ratio": round(ratio, 3),
            "statements": statements,
        }
    return figures
