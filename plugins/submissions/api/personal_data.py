"""What submissions keeps about a person, for the export that a person may ask for."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from plugins.submissions.api.people import student_ids_of
from plugins.submissions.api.sessions import reads
from plugins.submissions.api.shapes import ANNOTATION, STUDENT_ITEM
from plugins.submissions.models import GraderEntry, Score, ScoreAnnotation, StudentItem, Submission


def personal_data(user_ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return user id → what the person handed in, deleted answers too, and the ledger of its scores. Three statements.

    Args:
        user_ids: 1 to 500.
    """
    owners = student_ids_of(user_ids)
    found: dict[int, dict[str, Any]] = defaultdict(lambda: {"submissions": [], "scores": []})
    if not owners:
        return found
    mine = StudentItem.student_id.in_(owners)
    with reads() as connection:
        for handed in connection.execute(_SUBMISSIONS.where(mine)):
            found[owners[handed.student_id]]["submissions"].append(_submission(handed))
        for score in connection.execute(_SCORES.where(mine)):
            found[owners[score.student_id]]["scores"].append(_score(score))
    return dict(found)


_SUBMISSIONS = (
    select(
        *STUDENT_ITEM,
        Submission.attempt_number,
        Submission.submitted_at,
        Submission.status,
        Submission.raw_answer,
        GraderEntry.grader_reply,
    )
    .select_from(StudentItem)
    .join(Submission, Submission.student_item_id == StudentItem.id)
    .outerjoin(GraderEntry, GraderEntry.submission_id == Submission.id)
    .order_by(Submission.id)
)
_SCORES = (
    select(
        *STUDENT_ITEM,
        Score.points_earned,
        Score.points_possible,
        Score.reset,
        Score.created_at,
        *ANNOTATION,
    )
    .select_from(StudentItem)
    .join(Score, Score.student_item_id == StudentItem.id)
    .outerjoin(ScoreAnnotation, ScoreAnnotation.score_id == Score.id)
    .order_by(Score.id, ScoreAnnotation.id)
)


def _item(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("course_id", "item_id", "item_type", "student_id")}


def _submission(row: Any) -> dict[str, Any]:
    return {
        **_item(row),
        "attempt": row.attempt_number,
        "submitted": row.submitted_at.isoformat(),
        "deleted": row.status != "A",
        "answer": json.loads(row.raw_answer),
        "words of the grader": row.grader_reply or "",
    }


def _score(row: Any) -> dict[str, Any]:
    return {
        **_item(row),
        "points": "reset" if row.reset else f"{row.points_earned}/{row.points_possible}",
        "given": row.created_at.isoformat(),
        "kind": row.annotation_type or "",
        "reason": row.reason or "",
    }
