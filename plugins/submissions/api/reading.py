"""Reads submissions and scores; each call is one statement, writes nothing, and leaves deleted ones out."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import aliased

from plugins.submissions.api.inputs import item_key, submission_uuid, submission_uuids, word
from plugins.submissions.api.items import IS_ITEM
from plugins.submissions.api.sessions import reads
from plugins.submissions.api.shapes import (
    ANNOTATION,
    IS_ACTIVE,
    NEWEST_FIRST,
    SCORE,
    STUDENT_ITEM,
    AnyRow,
    AnySelect,
    Shape,
    active_submissions,
    score_shape,
    student_item_shape,
    submission_shape,
    unannotated_score_shape,
)
from plugins.submissions.errors import SubmissionNotFoundError, SubmissionRequestError
from plugins.submissions.models import (
    Score,
    ScoreAnnotation,
    ScoreSummary,
    StudentItem,
    Submission,
    SubmissionStatus,
)

IDS_PER_STATEMENT = 500

# Built once: putting a statement together costs more than sending it.
_IS_NAMED = Submission.uuid == bindparam("uuid")
_ONE = active_submissions().where(_IS_NAMED)
_ONE_WITH_STUDENT = (
    active_submissions(*STUDENT_ITEM)
    .join(StudentItem, StudentItem.id == Submission.student_item_id)
    .where(_IS_NAMED)
)
_OF_ITEM = (
    active_submissions()
    .join(StudentItem, StudentItem.id == Submission.student_item_id)
    .where(*IS_ITEM)
    .order_by(*NEWEST_FIRST)
)
_ANNOTATED = (
    select(*SCORE, Submission.uuid.label("submission_uuid"), ScoreAnnotation.id, *ANNOTATION)
    .select_from(Score)
    .outerjoin(Submission, Submission.id == Score.submission_id)
    .outerjoin(ScoreAnnotation, ScoreAnnotation.score_id == Score.id)
    .where(Score.points_possible > 0)
    .order_by(ScoreAnnotation.id)
)


def _of_summary(which: Any) -> AnySelect:
    return (
        _ANNOTATED.join(ScoreSummary, which == Score.id)
        .join(StudentItem, StudentItem.id == ScoreSummary.student_item_id)
        .where(*IS_ITEM)
    )


_LATEST = _of_summary(ScoreSummary.latest_id)
_HIGHEST = _of_summary(ScoreSummary.highest_id)
_SCORED, _ANSWERED = aliased(Score), aliased(Submission)
_NEWEST = _ANNOTATED.where(
    Score.id
    == select(_SCORED.id)
    .join(_ANSWERED, _ANSWERED.id == _SCORED.submission_id)
    .where(_ANSWERED.uuid == bindparam("uuid"), _ANSWERED.status == SubmissionStatus.ACTIVE)
    .order_by(_SCORED.id.desc())
    .limit(1)
    .scalar_subquery()
)
_OF_STUDENT = (
    select(*SCORE, Submission.uuid.label("submission_uuid"), StudentItem.item_id)
    .select_from(StudentItem)
    .join(ScoreSummary, ScoreSummary.student_item_id == StudentItem.id)
    .join(Score, Score.id == ScoreSummary.latest_id)
    .outerjoin(Submission, Submission.id == Score.submission_id)
    .where(
        StudentItem.course_id == bindparam("course_id"),
        StudentItem.student_id == bindparam("student_id"),
        Score.points_possible > 0,
    )
    .order_by(StudentItem.item_id)
)


def get_submission(submission_uuid: str | uuid.UUID, read_replica: bool = False) -> Shape:
    """Return the Submission shape of an active submission. Source: edx-submissions ``get_submission``.

    Raises:
        SubmissionNotFoundError: unknown, malformed or deleted.
        SubmissionRequestError: when the uuid is neither text nor UUID.
    """
    return submission_shape(_one(_ONE, submission_uuid, read_replica))


def get_submission_and_student(uuid: str | uuid.UUID, read_replica: bool = False) -> Shape:
    """Return the Submission shape with the StudentItem shape in place of its id.

    Raises:
        SubmissionNotFoundError, SubmissionRequestError: as for :func:`get_submission`.
    """
    row = _one(_ONE_WITH_STUDENT, uuid, read_replica)
    return {**submission_shape(row), "student_item": student_item_shape(row)}


def _one(statement: AnySelect, given: object, read_replica: bool) -> AnyRow:
    found = submission_uuid(given)
    if found is not None:
        with reads(read_replica) as connection:
            row = connection.execute(statement, {"uuid": found}).one_or_none()
        if row is not None:
            return row
    raise SubmissionNotFoundError(f"There is no submission {given}, or it was deleted.")


def get_submissions(student_item_dict: Mapping[str, Any], limit: float | None = None) -> list[Shape]:
    """Return the active submissions of a student item, newest ``submitted_at`` first, ties by the later one.

    Args:
        limit: At most so many; all when absent or 0.

    Raises:
        SubmissionRequestError: for a wrong student item or limit.
    """
    key = item_key(student_item_dict)
    statement = _OF_ITEM
    if limit:
        if not 0 < _number(limit) < 2**31:
            raise SubmissionRequestError("The limit must be a number above 0.")
        statement = statement.limit(int(limit))
    with reads() as connection:
        return [submission_shape(row) for row in connection.execute(statement, vars(key))]


def _number(given: object) -> float:
    """Return a number; -1 for what is none."""
    return given if isinstance(given, int | float) and not isinstance(given, bool) else -1


def get_score(student_item: Mapping[str, Any]) -> Shape | None:
    """Return the Score shape of a student item's latest score; None when there is none or it is hidden.

    Raises:
        SubmissionRequestError: for a wrong student item.
    """
    return _summary_score(student_item, _LATEST)


def get_highest_score(student_item: Mapping[str, Any]) -> Shape | None:
    """Return the Score shape of a student item's highest score since its last reset; None when there is none.

    Raises:
        SubmissionRequestError: for a wrong student item.
    """
    return _summary_score(student_item, _HIGHEST)


def _summary_score(student_item: Mapping[str, Any], statement: AnySelect) -> Shape | None:
    key = item_key(student_item)
    with reads() as connection:
        return _score(connection.execute(statement, vars(key)).all())


def _score(rows: Sequence[AnyRow]) -> Shape | None:
    if not rows:
        return None
    return score_shape(rows[0], [row for row in rows if row.creator is not None])


def get_scores(course_id: str, student_id: str) -> dict[str, Shape]:
    """Return item_id → UnannotatedScore shape for every item of a student whose latest score is not hidden."""
    names = (word(course_id), word(student_id))
    if None in names:
        return {}
    named = {"course_id": names[0], "student_id": names[1]}
    with reads() as connection:
        return {row.item_id: unannotated_score_shape(row) for row in connection.execute(_OF_STUDENT, named)}


def get_latest_score_for_submission(
    submission_uuid: str | uuid.UUID, read_replica: bool = False
) -> Shape | None:
    """Return the Score shape of the newest score of an active submission; None when there is none or it is hidden.

    A reset does not touch it: a reset belongs to the student item. Source: edx-submissions.

    Raises:
        SubmissionRequestError: when the uuid is neither text nor UUID.
    """
    found = _uuid(submission_uuid)
    if found is None:
        return None
    with reads(read_replica) as connection:
        return _score(connection.execute(_NEWEST, {"uuid": found}).all())


def get_student_ids_by_submission_uuid(
    course_id: str, submission_uuids: Iterable[str | uuid.UUID], read_replica: bool = False
) -> dict[str, str]:
    """Return uuid (text) → student_id for the active submissions of a course among these; others are left out.

    One statement per 500 uuids.

    Raises:
        SubmissionRequestError: when it is no list of uuids.
    """
    wanted = list(_uuids(submission_uuids))
    course = word(course_id)
    answer: dict[str, str] = {}
    for start in range(0, len(wanted) if course is not None else 0, IDS_PER_STATEMENT):
        statement = (
            select(Submission.uuid, StudentItem.student_id)
            .join(StudentItem, StudentItem.id == Submission.student_item_id)
            .where(
                Submission.uuid.in_(wanted[start : start + IDS_PER_STATEMENT]),
                Submission.course_id == course,
                IS_ACTIVE,
            )
        )
        with reads(read_replica) as connection:
            answer |= {str(key): student for key, student in connection.execute(statement)}
    return answer


# Some arguments have the names of these checks, as callers of old give them.
_uuid, _uuids = submission_uuid, submission_uuids
