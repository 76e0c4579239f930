"""A top item with a million summaries: its list must cost what a short one costs."""

import statistics
import time
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Text, Uuid, cast, func, insert, literal, select, text, type_coerce

from plugins.submissions import api
from plugins.submissions.models import Score, ScoreSummary, StudentItem, Submission
from portal.kernel.db import db
from portal.kernel.transaction import transaction

COURSE, ITEM = "million", "item"
CHUNK = 100_000
CALLS = 200
#: What the list may take at most, in ms.
AIM_MS = 5.0


def fill(kind: str, summaries: int, first: dict[type, int], at: datetime, answer: str) -> None:
    """Make so many student items with a submission, a score and a summary each, inside the database.

    Args:
        first: Largest id that is in use, by model.
    """
    for start in range(0, summaries, CHUNK):
        with transaction() as session:
            for statement in _statements(kind, start, min(CHUNK, summaries - start), first, at, answer):
                session.execute(statement)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    db.session.rollback()


def _statements(
    kind: str, start: int, count: int, first: dict[type, int], at: datetime, answer: str
) -> list[Any]:
    line = select(literal(start + 1, BigInteger).label("n")).cte("line", recursive=True)
    line = line.union_all(select(line.c.n + 1).where(line.c.n < start + count))
    n = line.c.n
    item, handed, score = (first[model] + n for model in (StudentItem, Submission, Score))
    words = {"course_id": literal(COURSE), "item_type": literal(kind)}
    # Points from 0 to 1000, spread without a pattern.
    points = (n * 7919) % 1001
    when = literal(at, Submission.submitted_at.type)
    rows: list[tuple[type, dict[str, Any]]] = [
        (
            StudentItem,
            {"id": item, "student_id": literal("s") + cast(n, Text), "item_id": literal(ITEM), **words},
        ),
        (
            Submission,
            {
                "id": handed,
                "uuid": _random_uuid(),
                "student_item_id": item,
                "attempt_number": literal(1),
                "numbered": literal(True),
                "submitted_at": when,
                "created_at": when,
                "raw_answer": literal(answer),
                "status": literal("A"),
                **words,
            },
        ),
        (
            Score,
            {
                "id": score,
                "student_item_id": item,
                "submission_id": handed,
                "points_earned": points,
                "points_possible": literal(1000),
                "created_at": when,
                "reset": literal(False),
            },
        ),
        (
            ScoreSummary,
            {
                "student_item_id": item,
                "latest_id": score,
                "highest_id": score,
                "highest_earned": points,
                "highest_possible": literal(1000),
                "top_order": func.nullif(-points, 0),
                "latest_at": when,
                "item_id": literal(ITEM),
                **words,
            },
        ),
    ]
    return [
        insert(model).from_select(list(values), select(*values.values()).select_from(line))
        for model, values in rows
    ]


def _random_uuid() -> Any:
    if db.engine.dialect.name == "postgresql":
        return func.gen_random_uuid()
    return type_coerce(func.lower(func.hex(func.randomblob(16))), Uuid())


def measured(kind: str) -> dict[str, float]:
    """Return calls per second, CPU and median time of a top list of 100, both in ms."""
    times, cpu = [], time.process_time()
    for _ in range(CALLS):
        began = time.perf_counter()
        api.get_top_submissions(COURSE, ITEM, kind, 100)
        times.append(time.perf_counter() - began)
    middle = statistics.median(times)
    return {
        "statements": 1,
        "per_second": round(1 / middle, 1),
        "cpu_ms": round((time.process_time() - cpu) * 1_000 / CALLS, 4),
        "call_ms": round(middle * 1_000, 3),
    }
