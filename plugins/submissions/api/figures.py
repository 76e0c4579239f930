"""Figures over many submissions and scores, for whoever looks at the whole. Reads only, within what the actor may see."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Float, case, cast, func, literal, select, union_all

from plugins.submissions.api.sessions import execute
from plugins.submissions.models import Score, ScoreSummary, StudentItem, Submission
from plugins.submissions.permissions import ITEMS_VIEW, SCORES_VIEW
from portal.sdk import current_actor, narrow, utc_now

#: Students of an item that a distribution looks at.
SAMPLE = 20_000
#: Parts of a hundred per cent, and one for those who have all points or more.
PARTS = 10


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """How the students of an item did, by their latest visible score.

    Args:
        counts: How many reached 0–9 %, 10–19 % … 90–99 %, and 100 % or more.
        mean: Of the shares of the possible points, 1 is all of them; None without a score.
        is_cut: Whether the item has more scored students than were looked at.
    """

    counts: tuple[int, ...]
    mean: float | None
    is_cut: bool

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def labels(self) -> list[str]:
        """What the counts stand for."""
        width = 100 // PARTS
        return [f"{low}–{low + width - 1} %" for low in range(0, 100, width)] + ["100 % or more"]


@dataclass(frozen=True, kw_only=True)
class TopStudent:
    """A place of the top list."""

    item: int
    student_id: str
    points: int


def distribution(course_id: str, item_id: str) -> Distribution:
    """Return how the scores of an item are spread; one statement over at most 20,000 students."""
    scored = (
        select(Score.points_earned.label("earned"), Score.points_possible.label("possible"))
        .select_from(StudentItem)
        .join(ScoreSummary, ScoreSummary.student_item_id == StudentItem.id)
        .join(Score, Score.id == ScoreSummary.latest_id)
        .where(StudentItem.course_id == course_id, StudentItem.item_id == item_id, Score.points_possible > 0)
    )
    sample = narrow(scored, current_actor(), SCORES_VIEW, Score).limit(SAMPLE + 1).subquery()
    earned, possible = cast(sample.c.earned, BigInteger), cast(sample.c.possible, BigInteger)
    part = case((earned >= possible, PARTS), else_=earned * PARTS // possible).label("part")
    shares = func.sum(cast(earned, Float) / cast(possible, Float))
    rows = execute(select(part, func.count(), shares).group_by(part)).all()
    counts = [0] * (PARTS + 1)
    for place, number, _ in rows:
        counts[place] = number
    total = sum(counts)
    mean = sum(row[2] for row in rows) / total if total else None
    return Distribution(counts=tuple(counts), mean=mean, is_cut=total > SAMPLE)


def top_students(course_id: str, item_id: str, item_type: str, limit: int = 10) -> list[TopStudent]:
    """Return the students of an item with most points, as the top list orders them; one statement, from its index."""
    statement = (
        select(ScoreSummary.student_item_id, StudentItem.student_id, ScoreSummary.top_order)
        .join(StudentItem, StudentItem.id == ScoreSummary.student_item_id)
        .where(
            ScoreSummary.course_id == course_id,
            ScoreSummary.item_id == item_id,
            ScoreSummary.item_type == item_type,
            ScoreSummary.top_order.is_not(None),
        )
        .order_by(ScoreSummary.top_order, ScoreSummary.latest_at, ScoreSummary.latest_id)
        .limit(limit)
    )
    rows = execute(narrow(statement, current_actor(), ITEMS_VIEW, StudentItem)).all()
    return [TopStudent(item=row[0], student_id=row[1], points=-(row[2] or 0)) for row in rows]


def submissions_per_day(days_count: int, zone: ZoneInfo) -> list[tuple[date, int]]:
    """Return how many submissions came on each of the last days, oldest first, today last. One statement.

    Args:
        days_count: 1 to 90.
        zone: Whose midnight divides the days.
    """
    return _per_day(Submission, Submission.submitted_at, ITEMS_VIEW, days_count, zone)


def scores_per_day(days_count: int, zone: ZoneInfo) -> list[tuple[date, int]]:
    """Return how many scores and resets were set on each of the last days, oldest first, today last. One statement."""
    return _per_day(Score, Score.created_at, SCORES_VIEW, days_count, zone)


def _per_day(
    model: type, moment: Any, permission: str, days_count: int, zone: ZoneInfo
) -> list[tuple[date, int]]:
    today = utc_now().astimezone(zone).date()
    days = [today - timedelta(days=back) for back in reversed(range(days_count))]
    statement = union_all(
        *(
            # A range of the index per day: exact in every zone, also on days of 23 and 25 hours.
            narrow(
                select(literal(place), func.count()).where(
                    moment >= _midnight(day, zone), moment < _midnight(day + timedelta(days=1), zone)
                ),
                current_actor(),
                permission,
                model,
            )
            for place, day in enumerate(days)
        )
    )
    counts = {place: number for place, number in execute(statement)}  # noqa: C416 - rows, not pairs
    return [(day, counts[place]) for place, day in enumerate(days)]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)
