"""The top list, and streams over an item or a course: keyset chunks in constant memory, from indexes."""

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.orm import aliased

from plugins.submissions.api.inputs import word
from plugins.submissions.api.sessions import reads
from plugins.submissions.api.shapes import (
    ANNOTATION,
    NEWEST_FIRST,
    SCORE,
    STUDENT_ITEM,
    SUBMISSION,
    Shape,
    active_submissions,
    score_shape,
    student_item_shape,
    submission_shape,
)
from plugins.submissions.errors import SubmissionRequestError
from plugins.submissions.models import (
    Score,
    ScoreAnnotation,
    ScoreSummary,
    StudentItem,
    Submission,
    SubmissionStatus,
    TeamSubmission,
)
from portal.sdk import current_actor, narrow

#: Longest top list.
MAX_TOP_SUBMISSIONS = 100
#: Seconds that the old system kept a top list; ours is read from its index each time.
TOP_SUBMISSIONS_CACHE_TIMEOUT = 300
CHUNK = 500
_TOP = (
    select(ScoreSummary.top_order, Submission.raw_answer)
    .join(Score, Score.id == ScoreSummary.latest_id)
    .join(Submission, Submission.id == Score.submission_id)
    .where(
        ScoreSummary.course_id == bindparam("course_id"),
        ScoreSummary.item_id == bindparam("item_id"),
        ScoreSummary.item_type == bindparam("item_type"),
        ScoreSummary.top_order.is_not(None),
    )
    .order_by(ScoreSummary.top_order, ScoreSummary.latest_at, ScoreSummary.latest_id)
    .limit(bindparam("most"))
)


def get_top_submissions(
    course_id: str,
    item_id: str,
    item_type: str,
    number_of_top_scores: int,
    use_cache: bool = True,
    read_replica: bool = True,
) -> list[Shape]:
    """Return ``{"score": points_earned, "content": answer}`` of the students with most points, by their latest score.

    Most points first; of equal ones the earlier. Hidden scores and such without points are left out. One statement,
    served by an index, so it is never stale. Source: edx-submissions ``get_top_submissions``.

    Args:
        number_of_top_scores: 1 to 100.
        use_cache: Without meaning; callers of old give it.

    Raises:
        SubmissionRequestError: for another number.
    """
    number: object = number_of_top_scores
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MAX_TOP_SUBMISSIONS:
        raise SubmissionRequestError(f"The number of top scores must be from 1 to {MAX_TOP_SUBMISSIONS}.")
    names = (word(course_id), word(item_id), word(item_type))
    if None in names:
        return []
    named = dict(zip(("course_id", "item_id", "item_type"), names, strict=True)) | {"most": number}
    with reads(read_replica) as connection:
        return [
            {"score": -row.top_order, "content": json.loads(row.raw_answer)}
            for row in connection.execute(_TOP, named)
        ]


def get_all_submissions(
    course_id: str, item_id: str, item_type: str, read_replica: bool = True
) -> Iterator[Shape]:
    """Give each student's newest active submission of an item, by student_id in the order of code points.

    A Submission shape with ``student_id`` each. One statement per 500 students, in constant memory.
    """
    names = (word(course_id), word(item_id), word(item_type))
    after = ""
    while None not in names:
        rows = _newest_of_students(names, after, read_replica)
        yield from (
            {**submission_shape(row), "student_id": row.student_id} for row in rows if row.uuid is not None
        )
        if len(rows) < CHUNK:
            return
        after = rows[-1].student_id


def _newest_of_students(names: tuple[Any, ...], after: str, read_replica: bool) -> Any:
    attempt = aliased(Submission)
    newest = (
        select(attempt.id)
        .where(attempt.student_item_id == StudentItem.id, attempt.status == SubmissionStatus.ACTIVE)
        .order_by(attempt.submitted_at.desc(), attempt.id.desc())
        .limit(1)
        .correlate(StudentItem)
        .scalar_subquery()
    )
    statement = (
        select(StudentItem.student_id, *SUBMISSION)
        .select_from(StudentItem)
        .outerjoin(Submission, Submission.id == newest)
        .outerjoin(TeamSubmission, TeamSubmission.id == Submission.team_submission_id)
        .where(
            StudentItem.course_id == names[0],
            StudentItem.item_id == names[1],
            StudentItem.item_type == names[2],
            StudentItem.student_id > after,
        )
        .order_by(StudentItem.student_id)
        .limit(CHUNK)
    )
    with reads(read_replica) as connection:
        return connection.execute(statement).all()


def get_all_course_submission_information(
    course_id: str, item_type: str, read_replica: bool = True
) -> Iterator[tuple[Shape, Shape, Shape]]:
    """Give (StudentItem, Submission, Score or empty) shapes of a course's active submissions of a type, newest first.

    The score is there when the student item's latest one is not hidden and belongs to this very submission.
    Two statements per 500 submissions, in constant memory.
    """
    yield from visible_course_submissions(course_id, item_type, read_replica=read_replica)


def visible_course_submissions(
    course_id: str, item_type: str, permission: str | None = None, *, read_replica: bool = True
) -> Iterator[tuple[Shape, Shape, Shape]]:
    """Give what :func:`get_all_course_submission_information` gives, as far as the actor may see it.

    Args:
        permission: By which plugins narrow the rows; None: all rows.
    """
    names = (word(course_id), word(item_type))
    after: tuple[Any, int] | None = None
    while None not in names:
        rows, annotations = _course_chunk(names, after, permission, read_replica)
        for row in rows:
            score = score_shape(row, annotations.get(row.score_id, ())) if row.score_id is not None else {}
            yield student_item_shape(row), submission_shape(row), score
        if len(rows) < CHUNK:
            return
        after = (rows[-1].submitted_at, rows[-1].submission_key)


def _course_chunk(
    names: tuple[Any, ...], after: tuple[Any, int] | None, permission: str | None, read_replica: bool
) -> tuple[Any, dict[int, list[Any]]]:
    statement = (
        active_submissions(
            Submission.id.label("submission_key"),
            Submission.uuid.label("submission_uuid"),
            *STUDENT_ITEM,
            *SCORE,
        )
        .join(StudentItem, StudentItem.id == Submission.student_item_id)
        .outerjoin(ScoreSummary, ScoreSummary.student_item_id == StudentItem.id)
        .outerjoin(
            Score,
            and_(
                Score.id == ScoreSummary.latest_id,
                Score.submission_id == Submission.id,
                Score.points_possible > 0,
            ),
        )
        .where(Submission.course_id == names[0], Submission.item_type == names[1])
        .order_by(*NEWEST_FIRST)
        .limit(CHUNK)
    )
    if after is not None:
        at, key = after
        earlier = or_(Submission.submitted_at < at, and_(Submission.submitted_at == at, Submission.id < key))
        statement = statement.where(Submission.submitted_at <= at, earlier)
    if permission is not None:
        for model in (StudentItem, Submission):
            statement = narrow(statement, current_actor(), permission, model)
    with reads(read_replica) as connection:
        rows = connection.execute(statement).all()
        wanted = [row.score_id for row in rows if row.score_id is not None]
        found = select(ScoreAnnotation.score_id, *ANNOTATION).where(ScoreAnnotation.score_id.in_(wanted))
        annotations: dict[int, list[Any]] = {}
        for item in connection.execute(found.order_by(ScoreAnnotation.id)) if wanted else ():
            annotations.setdefault(item.score_id, []).append(item)
    return rows, annotations
