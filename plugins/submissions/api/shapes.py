"""The plain dicts that callers get, and the columns they are made from."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, Select, select

from plugins.submissions.models import (
    Score,
    ScoreAnnotation,
    StudentItem,
    Submission,
    SubmissionStatus,
    TeamSubmission,
)

Shape = dict[str, Any]
AnySelect = Select[*tuple[Any, ...]]
AnyRow = Row[*tuple[Any, ...]]

SUBMISSION = (
    Submission.uuid,
    Submission.student_item_id,
    Submission.attempt_number,
    Submission.submitted_at,
    Submission.created_at,
    Submission.raw_answer,
    TeamSubmission.uuid.label("team_submission_uuid"),
)
STUDENT_ITEM = (StudentItem.student_id, StudentItem.course_id, StudentItem.item_id, StudentItem.item_type)
SCORE = (
    Score.id.label("score_id"),
    Score.student_item_id.label("score_item"),
    Score.submission_id,
    Score.points_earned,
    Score.points_possible,
    Score.created_at.label("scored_at"),
)
ANNOTATION = (ScoreAnnotation.creator, ScoreAnnotation.reason, ScoreAnnotation.annotation_type)
IS_ACTIVE = Submission.status == SubmissionStatus.ACTIVE
NEWEST_FIRST = (Submission.submitted_at.desc(), Submission.id.desc())


def active_submissions(*more: Any) -> AnySelect:
    """Return the select of active submissions with what their shape needs, and ``more`` columns."""
    return (
        select(*SUBMISSION, *more)
        .select_from(Submission)
        .outerjoin(TeamSubmission, TeamSubmission.id == Submission.team_submission_id)
        .where(IS_ACTIVE)
    )


def submission_shape(row: AnyRow) -> Shape:
    """Return the Submission shape: ``uuid`` is text, ``student_item`` an id, times are aware datetimes."""
    return {
        "uuid": str(row.uuid),
        "student_item": row.student_item_id,
        "attempt_number": row.attempt_number,
        "submitted_at": row.submitted_at,
        "created_at": row.created_at,
        "answer": json.loads(row.raw_answer),
        "team_submission_uuid": row.team_submission_uuid,
    }


def student_item_shape(row: Any) -> Shape:
    """Return the StudentItem shape."""
    return {
        "student_id": row.student_id,
        "course_id": row.course_id,
        "item_id": row.item_id,
        "item_type": row.item_type,
    }


def unannotated_score_shape(row: AnyRow) -> Shape:
    """Return the UnannotatedScore shape; ``submission`` is an id, ``submission_uuid`` text or None."""
    return {
        "student_item": row.score_item,
        "submission": row.submission_id,
        "points_earned": row.points_earned,
        "points_possible": row.points_possible,
        "created_at": row.scored_at,
        "submission_uuid": str(row.submission_uuid) if row.submission_uuid is not None else None,
    }


def score_shape(row: AnyRow, annotations: Iterable[Any]) -> Shape:
    """Return the Score shape: an unannotated one with who gave it and why."""
    return {**unannotated_score_shape(row), "annotations": [annotation_shape(item) for item in annotations]}


def annotation_shape(row: Any) -> Shape:
    """Return the Annotation shape."""
    return {"creator": row.creator, "reason": row.reason, "annotation_type": row.annotation_type}
