"""How student items stand, many at once: what was handed in last, which score is the latest, which the highest."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import aliased

from plugins.submissions.api.items import Triple
from plugins.submissions.api.sessions import execute, reads
from plugins.submissions.api.shapes import STUDENT_ITEM
from plugins.submissions.models import Score, ScoreSummary, StudentItem, Submission, SubmissionStatus
from portal.sdk import current_actor, narrow


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A student item as it stands. ``submission``: the newest active one; ``points``: earned and possible of the latest."""

    item: int
    item_type: str
    submission: UUID | None
    latest_id: int | None
    latest_submission: UUID | None
    highest_id: int | None
    points: tuple[int, int] | None

    @property
    def version(self) -> str:
        """What changes when somebody hands in, scores or resets."""
        return f"{str(self.submission)[:18]} {self.latest_id or 0}"

    @property
    def shown_points(self) -> tuple[int, int] | None:
        """The points that callers of the API see: none for a hidden score and after a reset."""
        return self.points if self.points is not None and self.points[1] else None


def standings(wanted: Collection[Triple], permission: str | None = None) -> dict[Triple, Standing]:
    """Return the items among these (course, item, student) that exist; one statement for up to 500.

    Args:
        permission: Only items that the actor may reach under it; None: all.
    """
    if not wanted:
        return {}
    statement = _STANDING.where(among(wanted))
    if permission is not None:
        statement = narrow(statement, current_actor(), permission, StudentItem)
    with reads() as connection:
        found = connection.execute(statement).all()
    return {
        (row.course_id, row.item_id, row.student_id): Standing(
            item=row.id,
            item_type=row.item_type,
            submission=row.submission,
            latest_id=row.latest_id,
            latest_submission=row.latest_submission,
            highest_id=row.highest_id,
            points=(row.points_earned, row.points_possible) if row.latest_id is not None else None,
        )
        for row in found
    }


def lock_items(which: ColumnElement[bool]) -> set[int]:
    """Lock the student items of a condition until the transaction ends and return their ids; one statement.

    What is read of them afterwards is as the last writer has left it. Needs an open transaction.
    """
    statement = (
        select(StudentItem.id)
        .where(which)
        # In the order of all writers, so that two of them wait for each other and never in a circle.
        .order_by(StudentItem.course_id, StudentItem.item_id, StudentItem.student_id)
        .with_for_update()
    )
    return set(execute(statement).scalars())


def among(wanted: Iterable[Triple]) -> ColumnElement[bool]:
    """Return the condition that a student item is one of these; an index serves it."""
    students: dict[tuple[str, str], list[str]] = defaultdict(list)
    for course, item, student in wanted:
        students[course, item].append(student)
    return or_(
        *(
            and_(
                StudentItem.course_id == course,
                StudentItem.item_id == item,
                StudentItem.student_id.in_(names),
            )
            for (course, item), names in students.items()
        )
    )


def _newest() -> Any:
    attempt = aliased(Submission)
    return (
        select(attempt.uuid)
        .where(attempt.student_item_id == StudentItem.id, attempt.status == SubmissionStatus.ACTIVE)
        .order_by(attempt.submitted_at.desc(), attempt.id.desc())
        .limit(1)
        .correlate(StudentItem)
        .scalar_subquery()
    )


_STANDING = (
    select(
        StudentItem.id,
        *STUDENT_ITEM,
        _newest().label("submission"),
        ScoreSummary.latest_id,
        ScoreSummary.highest_id,
        Score.points_earned,
        Score.points_possible,
        Submission.uuid.label("latest_submission"),
    )
    .select_from(StudentItem)
    .outerjoin(ScoreSummary, ScoreSummary.student_item_id == StudentItem.id)
    .outerjoin(Score, Score.id == ScoreSummary.latest_id)
    .outerjoin(Submission, Submission.id == Score.submission_id)
)
