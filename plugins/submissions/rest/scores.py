"""``/api/v1/submissions/…``: scores with their history, resets and restores, the top list."""

import uuid
from typing import Any

from sqlalchemy import select

from plugins.submissions import api
from plugins.submissions.api.actions import reset_item, restore_item
from plugins.submissions.api.shapes import ANNOTATION, STUDENT_ITEM
from plugins.submissions.models import Score, ScoreAnnotation, ScoreSummary, StudentItem, Submission
from plugins.submissions.permissions import ANSWERS_VIEW, SCORES_RESET, SCORES_SET, SCORES_VIEW, STATE_CLEAR
from plugins.submissions.rest.answers import (
    ITEM_ORDER,
    LARGEST_ID,
    find_item,
    item_out,
    of_items,
    submissions,
)
from plugins.submissions.rest.shapes import (
    AnnotationOut,
    ItemOut,
    ItemQuery,
    NewScoreIn,
    PastScoreListOut,
    PastScoreOut,
    ResetIn,
    RestoredOut,
    ScoreListOut,
    ScoreOut,
    TopListOut,
    TopQuery,
)
from portal.sdk import current_actor, db, record, require, run_in_transaction
from portal.sdk.rest import PageQuery, api_route, list_page, narrowed_select, order_of

_MISSING = {404: "There is no such submission, or it was deleted."}


@submissions.get("/scores")
@api_route(SCORES_VIEW, query=ItemQuery, answer=ScoreListOut)
def list_scores(query: ItemQuery) -> Any:
    """List the latest score of each student item; hidden and reset ones are left out."""
    columns = (
        Score.id.label("score_id"),
        Score.points_earned,
        Score.points_possible,
        Score.created_at,
        Submission.uuid.label("submission_uuid"),
    )
    statement = (
        narrowed_select(StudentItem, SCORES_VIEW)
        .join(ScoreSummary, ScoreSummary.student_item_id == StudentItem.id)
        .join(Score, Score.id == ScoreSummary.latest_id)
        .outerjoin(Submission, Submission.id == Score.submission_id)
        .where(Score.points_possible > 0)
        .with_only_columns(StudentItem.id, *STUDENT_ITEM, *columns)
    )
    return list_page(of_items(statement, query), ITEM_ORDER, query, _score_out)


def _score_out(row: Any) -> ScoreOut:
    names = ("submission_uuid", "points_earned", "points_possible", "created_at")
    return ScoreOut(
        id=row.score_id, student_item=item_out(row), **{name: getattr(row, name) for name in names}
    )


@submissions.get(f"/items/<int(max={LARGEST_ID}):item_key>/scores")
@api_route(SCORES_VIEW, query=PageQuery, answer=PastScoreListOut)
def list_history(item_key: int, query: PageQuery) -> Any:
    """List every score of a student item with who gave it and why, resets and hidden ones too, newest first."""
    find_item(item_key, SCORES_VIEW)
    statement: Any = (
        select(
            Score.id,
            Score.points_earned,
            Score.points_possible,
            Score.reset,
            Score.created_at,
            Submission.uuid.label("submission_uuid"),
            (ScoreSummary.latest_id == Score.id).label("is_latest"),
            (ScoreSummary.highest_id == Score.id).label("is_highest"),
        )
        .outerjoin(Submission, Submission.id == Score.submission_id)
        .outerjoin(ScoreSummary, ScoreSummary.student_item_id == Score.student_item_id)
        .where(Score.student_item_id == item_key)
    )
    page, status, headers = list_page(statement, order_of(Score, descending=True), query, _past_out)
    _annotate(page["items"])
    return page, status, headers


def _past_out(row: Any) -> PastScoreOut:
    names = set(PastScoreOut.model_fields) - {"annotations", "is_latest", "is_highest"}
    return PastScoreOut(
        **{name: getattr(row, name) for name in names},
        is_latest=bool(row.is_latest),
        is_highest=bool(row.is_highest),
        annotations=[],
    )


def _annotate(scores: list[PastScoreOut]) -> None:
    by_id = {score.id: score for score in scores}
    wanted = ScoreAnnotation.score_id.in_(by_id)
    found = select(ScoreAnnotation.score_id, *ANNOTATION).where(wanted).order_by(ScoreAnnotation.id)
    for row in db.session.execute(found):
        given = {name: getattr(row, name) for name in AnnotationOut.model_fields}
        by_id[row.score_id].annotations.append(AnnotationOut(**given))


@submissions.post("/submissions/<uuid:submission_uuid>/scores")
@api_route(SCORES_SET, body=NewScoreIn, answer=ScoreOut, status=201, writes=True, problems=_MISSING)
def set_score(submission_uuid: uuid.UUID, body: NewScoreIn) -> Any:
    """Set the score of an active submission, with the reason; it is the latest from now on.

    With `points_possible` 0 it is hidden: callers see no score.
    """

    def store() -> ScoreOut:
        points = body.points_earned, body.points_possible
        api.set_score(submission_uuid, *points, current_actor().name[:255], body.kind, body.reason)
        found = db.session.execute(_NEWEST.where(Submission.uuid == submission_uuid)).one()
        told = {"score": f"{body.points_earned}/{body.points_possible}", "reason": body.reason}
        record("override", str(StudentItem.__tablename__), str(found.id), told)
        return _score_out(found)

    return run_in_transaction(store), 201


#: Newest score of the submission that a condition names; its item is locked by whoever has set it.
_NEWEST = (
    select(
        StudentItem.id,
        *STUDENT_ITEM,
        Score.id.label("score_id"),
        Score.points_earned,
        Score.points_possible,
        Score.created_at,
        Submission.uuid.label("submission_uuid"),
    )
    .select_from(Submission)
    .join(StudentItem, StudentItem.id == Submission.student_item_id)
    .join(Score, Score.submission_id == Submission.id)
    .order_by(Score.id.desc())
    .limit(1)
)


@submissions.post(f"/items/<int(max={LARGEST_ID}):item_key>/resets")
@api_route(SCORES_RESET, body=ResetIn, answer=ItemOut, status=201, writes=True)
def reset(item_key: int, body: ResetIn) -> Any:
    """Reset the score of a student item, and clear what was handed in where wished."""
    if body.clear:
        require(current_actor(), STATE_CLEAR)
    run_in_transaction(lambda: reset_item(item_key, clear=body.clear, reason=body.reason))
    return item_out(find_item(item_key, SCORES_RESET)), 201


@submissions.post(f"/items/<int(max={LARGEST_ID}):item_key>/restores")
@api_route(STATE_CLEAR, answer=RestoredOut, status=201, writes=True)
def restore(item_key: int) -> Any:
    """Bring back what was cleared of a student item; its scores stay reset."""
    return RestoredOut(submissions=run_in_transaction(lambda: restore_item(item_key))), 201


@submissions.get("/top")
@api_route(ANSWERS_VIEW, query=TopQuery, answer=TopListOut)
def show_top(query: TopQuery) -> Any:
    """Show the answers with most points of an item, by the latest scores; of equal ones the earlier first."""
    return {"items": api.get_top_submissions(query.course_id, query.item_id, query.item_type, query.number)}
