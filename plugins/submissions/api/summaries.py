"""The one rule of the summary: which score is the latest, which is the highest. In SQL for writers, in Python for checks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import and_, case, false, or_, true

from plugins.submissions.api.sessions import dialect, execute, upsert
from plugins.submissions.models import ScoreSummary


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A score as the summary sees it, with the words of its student item."""

    score_id: int
    student_item_id: int
    points_earned: int
    points_possible: int
    created_at: datetime
    reset: bool
    course_id: str
    item_id: str
    item_type: str

    @property
    def top_order(self) -> int | None:
        """Place in the top list, most points first; a hidden score and one without points are not in it."""
        return -self.points_earned if self.points_possible and self.points_earned else None


def is_higher(new: Scored, highest: Scored) -> bool:
    """Say whether ``new`` takes the place of the highest so far. Source: edx-submissions, summary handler.

    A reset always does; a score with points possible beats one without; else the strictly larger ratio.
    """
    if new.reset:
        return True
    if not new.points_possible:
        return False
    if not highest.points_possible:
        return True
    return new.points_earned * highest.points_possible > highest.points_earned * new.points_possible


def folded(scores: Iterable[Scored]) -> tuple[Scored, Scored] | None:
    """Return the latest and the highest of one item's scores, given in the order they were stored; None without any."""
    latest = highest = None
    for score in scores:
        latest = score
        if highest is None or is_higher(score, highest):
            highest = score
    return (latest, highest) if latest is not None and highest is not None else None


def summarise(scores: Sequence[Scored]) -> None:
    """Take new scores, in the order they were stored, into the summaries of their items, which the caller has locked.

    One statement, or as many as one item has scores among them. Does not commit.
    """
    rounds: list[dict[int, Scored]] = []
    for score in scores:
        free = next((found for found in rounds if score.student_item_id not in found), None)
        if free is None:
            free = {}
            rounds.append(free)
        free[score.student_item_id] = score
    for found in rounds:
        for resets in (True, False):
            rows = [_row(score) for score in found.values() if score.reset is resets]
            if rows:
                execute(_statement(dialect(), resets=resets), rows)


def _row(score: Scored) -> dict[str, Any]:
    return {
        "student_item_id": score.student_item_id,
        "latest_id": score.score_id,
        "highest_id": score.score_id,
        "highest_earned": score.points_earned,
        "highest_possible": score.points_possible,
        "top_order": score.top_order,
        "latest_at": score.created_at,
        "course_id": score.course_id,
        "item_id": score.item_id,
        "item_type": score.item_type,
    }


@cache
def _statement(database: str, *, resets: bool) -> Any:
    statement = upsert(ScoreSummary, database)
    new = statement.excluded
    # As is_higher() says it; a test compares the two on random ledgers.
    higher = or_(
        true() if resets else false(),
        and_(ScoreSummary.highest_possible == 0, new.highest_possible > 0),
        and_(
            new.highest_possible > 0,
            new.highest_earned * ScoreSummary.highest_possible
            > ScoreSummary.highest_earned * new.highest_possible,
        ),
    )
    kept = ("highest_id", "highest_earned", "highest_possible")
    return statement.on_conflict_do_update(
        index_elements=[ScoreSummary.student_item_id],
        set_={
            "latest_id": new.latest_id,
            "top_order": new.top_order,
            "latest_at": new.latest_at,
            **{name: case((higher, new[name]), else_=getattr(ScoreSummary, name)) for name in kept},
        },
    ).returning(ScoreSummary.student_item_id)


def rewrite(right: Sequence[Mapping[str, Any]]) -> None:
    """Put summaries to these values, whatever they say now; one statement. Does not commit."""
    statement = upsert(ScoreSummary, dialect())
    names = [column.key for column in ScoreSummary.__table__.columns if not column.primary_key]
    statement = statement.on_conflict_do_update(
        index_elements=[ScoreSummary.student_item_id],
        set_={name: statement.excluded[name] for name in names},
    ).returning(ScoreSummary.student_item_id)
    if right:
        execute(statement, list(right))


def summary_row(latest: Scored, highest: Scored) -> dict[str, Any]:
    """Return the values of a summary with these two scores."""
    return _row(latest) | {
        "highest_id": highest.score_id,
        "highest_earned": highest.points_earned,
        "highest_possible": highest.points_possible,
    }
