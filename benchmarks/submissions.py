"""Measures submissions on the old system's workload: what each call costs, and the streams, beside what the old one took."""

import contextlib
import json
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event, func, insert, select, text

from benchmarks import machine, submissions_million
from benchmarks.campus import Campus
from plugins.submissions import api
from plugins.submissions.models import Score, ScoreSummary, StudentItem, Submission
from portal.installation import migrate_all
from portal.kernel.db import db
from portal.kernel.transaction import run_in_transaction, transaction
from portal.testing.postgresql import PostgresqlServer
from portal.testing.sandboxes import EngineName

KIND = "essay"
BIG, TOP, FIFTY = "big", "top", "fifty"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
CHUNK = 2_000
RUNS = 3
#: Client CPU in ms per call of the old system (PostgreSQL, SQLite), from its published measurement.
OLD_CPU_MS: dict[str, tuple[float, float]] = {
    "create_submission, new item": (3.4, 3.7),
    "create_submission, known item": (2.2, 2.2),
    "set_score, first": (2.7, 2.7),
    "set_score, later": (3.1, 2.8),
    "set_score, annotated": (3.2, 3.1),
    "get_score": (1.8, 1.4),
    "get_scores, 50 items": (10.6, 10.5),
    "get_submissions, 4": (1.3, 1.1),
    "get_submission": (0.75, 0.61),
    "get_top_submissions(100)": (20.8, 37.4),
    "reset_score": (1.1, 1.9),
    "get_all_submissions, a row": (0.28, 0.23),
    "course information, a row": (0.56, 0.48),
}


def measure(scale: int, database: EngineName, summaries: int = 1_000_000) -> dict[str, Any]:
    """Load the workload, run every call, print a table and return its figures by call.

    Args:
        scale: 1 is the old system's workload; the top item has ``scale`` times 20,000 summaries.
        summaries: Of one more item, made when all else is measured; its top list is measured too.
    """
    about = machine.description()
    for name, value in about.items():
        print(f"{name + ':':10} {value}")
    print(
        f"method:    one client on {database}, durable commits; medians of {RUNS} runs; CPU is the client process's,\n"
        "           statements without BEGIN and COMMIT; ratio: old client CPU (its own published run) to ours."
    )
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-bench-")))
        server = stack.enter_context(PostgresqlServer(durable=True)) if database == "postgresql" else None
        campus = Campus(database, folder / "portal_bench", server)
        stack.enter_context(campus.open())
        migrate_all()
        load = _Load(scale)
        load.fill()
        figures = {name: _measured(call, times) for name, call, times in _calls(load)}
        figures |= _streams()
        million = _top_of(load, summaries) if summaries else None
    _print(figures, database)
    if million is not None:
        print(
            f"\ntop list of {summaries:,} summaries: {million['call_ms']} ms, {million['cpu_ms']} ms CPU "
            f"(aim: at most {submissions_million.AIM_MS:.0f} ms)"
        )
        figures["top list of many"] = million
    return {**about, "load_after": machine.load(), "database": database, "scale": scale, "calls": figures}


def _top_of(load: "_Load", summaries: int) -> dict[str, float]:
    submissions_million.fill(KIND, summaries, load.largest_ids(), BEGIN, json.dumps({"text": "x" * 520}))
    return submissions_million.measured(KIND)


class _Load:
    """The data: a big item with four attempts each, a top item with one score each, students with fifty items."""

    def __init__(self, scale: int) -> None:
        self._chance = random.Random(1)
        self._scale = scale
        self._answers = [json.dumps({"text": "x" * (520 + n % 20), "number": n}) for n in range(200)]
        self._keys: dict[type, int] = dict.fromkeys((StudentItem, Submission, Score), 0)
        self.uuids: dict[str, list[uuid.UUID]] = {BIG: [], TOP: [], FIFTY: []}

    def fill(self) -> None:
        self._add(BIG, [(f"s{n:05d}", "item", 4) for n in range(5_000)])
        self._add(TOP, [(f"s{n:07d}", "item", 1) for n in range(20_000 * self._scale)])
        self._add(FIFTY, [(f"s{n:02d}", f"item{m:02d}", 1) for n in range(20) for m in range(50)])
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
        db.session.rollback()

    @staticmethod
    def largest_ids() -> dict[type, int]:
        """Return the largest id in use, by model."""
        found = {
            model: int(db.session.scalar(select(func.max(model.id))) or 0)
            for model in (StudentItem, Submission, Score)
        }
        db.session.rollback()
        return found

    def _next(self, model: type) -> int:
        self._keys[model] += 1
        return self._keys[model]

    def _add(self, course: str, wanted: Sequence[tuple[str, str, int]]) -> None:
        for start in range(0, len(wanted), CHUNK):
            rows: dict[type, list[dict[str, Any]]] = {
                StudentItem: [],
                Submission: [],
                Score: [],
                ScoreSummary: [],
            }
            for student, item, attempts in wanted[start : start + CHUNK]:
                self._add_one(rows, course, student, item, attempts)
            with transaction() as session:
                for model, made in rows.items():
                    session.execute(insert(model), made)
        if db.engine.dialect.name == "postgresql":
            with transaction() as session:
                for model, key in self._keys.items():
                    name = f"{model.__tablename__}_id_seq"  # type: ignore[attr-defined]
                    session.execute(text("SELECT setval(:name, :key)"), {"name": name, "key": key})

    def _add_one(
        self, rows: dict[type, list[dict[str, Any]]], course: str, student: str, item: str, attempts: int
    ) -> None:
        key = self._next(StudentItem)
        words = {"course_id": course, "item_type": KIND}
        rows[StudentItem].append({"id": key, "student_id": student, "item_id": item, **words})
        for attempt in range(1, attempts + 1):
            submission, name = self._next(Submission), uuid.UUID(int=self._chance.getrandbits(128), version=4)
            at = BEGIN + timedelta(seconds=submission)
            rows[Submission].append(
                {
                    "id": submission,
                    "uuid": name,
                    "student_item_id": key,
                    "attempt_number": attempt,
                    "numbered": True,
                    "submitted_at": at,
                    "created_at": at,
                    "raw_answer": self._answers[submission % len(self._answers)],
                    "status": "A",
                    "team_submission_id": None,
                    **words,
                }
            )
        self.uuids[course].append(name)
        possible = 1_000 if course == TOP else 10
        points = {
            "points_earned": self._chance.randrange(possible + 1),
            "points_possible": possible,
        }
        score = self._next(Score)
        about = {"id": score, "student_item_id": key, "submission_id": submission, "created_at": at}
        rows[Score].append({**about, **points, "reset": False})
        rows[ScoreSummary].append(
            {
                "student_item_id": key,
                "latest_id": score,
                "highest_id": score,
                "highest_earned": points["points_earned"],
                "highest_possible": possible,
                "top_order": -points["points_earned"] or None,
                "latest_at": at,
                "item_id": item,
                **words,
            }
        )


def _item(course: str, student: str, item: str = "item") -> dict[str, str]:
    return {"student_id": student, "course_id": course, "item_id": item, "item_type": KIND}


def _writing(call: Callable[[int], Any]) -> Callable[[int], Any]:
    return lambda number: run_in_transaction(lambda: call(number))


def _calls(load: _Load) -> Iterator[tuple[str, Callable[[int], Any], int]]:
    """Give name, call and how often; a call is given a number that is new each time."""
    fresh = [f"new{n}" for n in range(4_000)]
    made: list[str] = []

    def hand_in(number: int) -> None:
        made.append(api.create_submission(_item("new", fresh[number]), {"text": "x" * 520})["uuid"])

    yield "create_submission, new item", _writing(hand_in), 600
    again = _writing(lambda n: api.create_submission(_item("new", fresh[n]), {"text": "x" * 520}))
    yield "create_submission, known item", again, 600
    yield "set_score, first", _writing(lambda n: api.set_score(made[n], n % 10, 10)), 600
    yield "set_score, later", _writing(lambda n: api.set_score(made[n], n % 7, 10)), 600
    annotated = _writing(lambda n: api.set_score(made[n], n % 7, 10, "grader", "staff", "a reason"))
    yield "set_score, annotated", annotated, 600
    yield "get_score", lambda n: api.get_score(_item(BIG, f"s{n % 5_000:05d}")), 2_000
    yield "get_scores, 50 items", lambda n: api.get_scores(FIFTY, f"s{n % 20:02d}"), 100
    yield "get_submissions, 4", lambda n: api.get_submissions(_item(BIG, f"s{n % 5_000:05d}")), 1_000
    yield "get_submission", lambda n: api.get_submission(load.uuids[BIG][n % 5_000]), 2_000
    yield "get_top_submissions(100)", lambda n: api.get_top_submissions(TOP, "item", KIND, 100), 50
    yield "reset_score", _writing(lambda n: api.reset_score(fresh[n], "new", "item")), 600


def _measured(call: Callable[[int], Any], times: int) -> dict[str, float]:
    with _counted() as seen:
        call(0)
    rates, cpus, number = [], [], 1
    for _ in range(RUNS):
        wall, cpu = time.perf_counter(), time.process_time()
        for place in range(times):
            call(number + place)
        number += times
        rates.append(times / (time.perf_counter() - wall))
        cpus.append((time.process_time() - cpu) * 1_000 / times)
    return {
        "statements": len(seen),
        "per_second": round(statistics.median(rates), 1),
        "cpu_ms": round(statistics.median(cpus), 4),
        "call_ms": round(1_000 / statistics.median(rates), 3),
    }


@contextlib.contextmanager
def _counted() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine, "before_cursor_execute", note)


def _streams() -> dict[str, dict[str, float]]:
    streams: dict[str, Callable[[], Iterator[Any]]] = {
        "get_all_submissions, a row": lambda: api.get_all_submissions(BIG, "item", KIND),
        "course information, a row": lambda: api.get_all_course_submission_information(BIG, KIND),
    }
    return {name: _streamed(stream) for name, stream in streams.items()}


def _streamed(stream: Callable[[], Iterator[Any]]) -> dict[str, float]:
    rates, cpus, rows = [], [], 0
    for _ in range(RUNS):
        with _counted() as seen:
            wall, cpu = time.perf_counter(), time.process_time()
            rows = sum(1 for _ in stream())
            rates.append(rows / (time.perf_counter() - wall))
            cpus.append((time.process_time() - cpu) * 1_000 / rows)
    return {
        "rows": rows,
        "statements": len(seen),
        "per_second": round(statistics.median(rates), 1),
        "cpu_ms": round(statistics.median(cpus), 4),
    }


def _print(figures: dict[str, dict[str, float]], database: EngineName) -> None:
    print(f"\n{'call':32} {'SQL':>4} {'per second':>12} {'CPU ms':>9} {'old CPU':>9} {'ratio':>7}")
    for name, found in figures.items():
        old = OLD_CPU_MS[name][0 if database == "postgresql" else 1]
        ratio = old / found["cpu_ms"]
        print(
            f"{name:32} {found['statements']:4.0f} {found['per_second']:12,.1f} {found['cpu_ms']:9.4f}"
            f" {old:9.2f} {ratio:7.1f}"
        )
