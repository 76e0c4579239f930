"""Compares every summary with a recomputation from the scores, and mends the ones that differ."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select

from plugins.submissions.api.inputs import word
from plugins.submissions.api.sessions import execute, plain_errors, reads
from plugins.submissions.api.shapes import STUDENT_ITEM
from plugins.submissions.api.summaries import Scored, folded, rewrite, summary_row
from plugins.submissions.models import Score, ScoreSummary, StudentItem
from plugins.submissions.permissions import LEDGER_CHECK
from portal.sdk import current_actor, db, narrow

ITEMS_PER_STATEMENT = 500


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A student item whose summary is not what its scores say.

    Args:
        stored: The summary's values by column; None when there is no summary.
        right: What they should be; None when there is no score.
    """

    student_item: int
    student_id: str
    course_id: str
    item_id: str
    stored: dict[str, Any] | None
    right: dict[str, Any] | None


def check_ledger(
    course_id: str | None = None,
    read_replica: bool = False,
    looked_at: Callable[[int], None] | None = None,
) -> Iterator[Difference]:
    """Give every difference between summaries and scores, of a course or of all, by student item.

    Of the student items that the actor may see.

    Three statements per 500 student items, five where something differs, in constant memory; reads only.

    Args:
        looked_at: Told after each 500 how many student items were compared.
    """
    after, compared = 0, 0
    while True:
        with reads(read_replica) as connection:
            visible = narrow(_items(course_id, after), current_actor(), LEDGER_CHECK, StudentItem)
            items = connection.execute(visible).all()
            found = _differences(connection, items)
            if found:
                found = _still_there(connection, items, found)
        compared += len(items)
        if looked_at is not None:
            looked_at(compared)
        yield from found
        if len(items) < ITEMS_PER_STATEMENT:
            return
        after = items[-1].id


def _still_there(
    connection: Connection, items: Sequence[Any], found: Sequence[Difference]
) -> list[Difference]:
    """Look again at what differs: a score that was set between two reads makes a difference that is none."""
    keys = {difference.student_item for difference in found}
    again = _differences(connection, [item for item in items if item.id in keys])
    return [difference for difference in again if difference in found]


def repair_ledger(course_id: str | None = None) -> int:
    """Rewrite every summary that differs from its scores; return how many did.

    Locks 500 student items at a time until the transaction ends. Needs an open transaction; does not commit.
    """
    after, mended = 0, 0
    while True:
        with plain_errors():
            items = execute(_items(course_id, after).with_for_update()).all()
            found = _differences(db.session.connection(), items)
            _mend(found)
        mended += len(found)
        if len(items) < ITEMS_PER_STATEMENT:
            return mended
        after = items[-1].id


def repair_items(student_items: Sequence[int]) -> int:
    """Rewrite the summaries of up to 500 student items that differ from their scores; return how many did.

    Five statements. Locks the items until the transaction ends. Needs an open transaction; does not commit.
    """
    statement = select(StudentItem.id, *STUDENT_ITEM).where(StudentItem.id.in_(student_items))
    with plain_errors():
        # In the order of all writers, so that two of them wait for each other and never in a circle.
        ordered = statement.order_by(StudentItem.course_id, StudentItem.item_id, StudentItem.student_id)
        found = _differences(db.session.connection(), execute(ordered.with_for_update()).all())
        _mend(found)
    return len(found)


def _mend(found: Sequence[Difference]) -> None:
    rewrite([item.right for item in found if item.right is not None])
    gone = [item.student_item for item in found if item.right is None]
    if gone:
        execute(delete(ScoreSummary).where(ScoreSummary.student_item_id.in_(gone)))


def _items(course_id: str | None, after: int) -> Any:
    statement = select(StudentItem.id, *STUDENT_ITEM).where(StudentItem.id > after)
    if course_id is not None:
        statement = statement.where(StudentItem.course_id == (word(course_id) or ""))
    return statement.order_by(StudentItem.id).limit(ITEMS_PER_STATEMENT)


def _differences(connection: Connection, items: Sequence[Any]) -> list[Difference]:
    keys = [item.id for item in items]
    if not keys:
        return []
    stored = {
        row["student_item_id"]: dict(row)
        for row in connection.execute(
            select(*ScoreSummary.__table__.columns).where(ScoreSummary.student_item_id.in_(keys))
        ).mappings()
    }
    scores: dict[int, list[Any]] = defaultdict(list)
    ledger = select(Score.__table__).where(Score.student_item_id.in_(keys)).order_by(Score.id)
    for row in connection.execute(ledger):
        scores[row.student_item_id].append(row)
    found = []
    for item in items:
        right = _right(item, scores[item.id])
        if right != stored.get(item.id):
            found.append(
                Difference(
                    student_item=item.id,
                    student_id=item.student_id,
                    course_id=item.course_id,
                    item_id=item.item_id,
                    stored=stored.get(item.id),
                    right=right,
                )
            )
    return found


def _right(item: Any, scores: Sequence[Any]) -> dict[str, Any] | None:
    ends = folded(
        Scored(
            score_id=row.id,
            student_item_id=item.id,
            points_earned=row.points_earned,
            points_possible=row.points_possible,
            created_at=row.created_at,
            reset=row.reset,
            course_id=item.course_id,
            item_id=item.item_id,
            item_type=item.item_type,
        )
        for row in scores
    )
    return summary_row(*ends) if ends is not None else None
