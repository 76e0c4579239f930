"""Hands in and scores the answers of teams: one team submission, and a submission of each member that refers to it."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from plugins.submissions.api.inputs import (
    ItemKey,
    answer_limit,
    answer_text,
    checked_fields,
    item_key,
    moment,
    name_text,
    whole_number,
)
from plugins.submissions.api.scoring import reset_score, set_scores
from plugins.submissions.api.sessions import execute, plain_errors, reads
from plugins.submissions.api.shapes import Shape
from plugins.submissions.api.team_reading import get_team_submission, listed, of_other_teams, team_shape
from plugins.submissions.api.writing import Handed, hand_in
from plugins.submissions.errors import (
    DuplicateTeamSubmissionsError,
    FieldProblem,
    SubmissionRequestError,
    TeamSubmissionRequestError,
)
from plugins.submissions.models import StudentItem, Submission, SubmissionStatus, TeamSubmission
from portal.sdk import User, savepoint, utc_now


def create_submission_for_team(  # noqa: PLR0913, PLR0917 - the old signature
    course_id: str,
    item_id: str,
    team_id: str,
    submitting_user_id: int,
    team_member_ids: Iterable[str],
    answer: Any,
    submitted_at: datetime | str | None = None,
    attempt_number: int = 1,
    item_type: str = "openassessment",
) -> Shape:
    """Hand in a team's answer and return its TeamSubmission shape.

    Members with an active submission of another team are left out. A constant number of statements.
    Needs an open transaction; does not commit. Source: edx-submissions team API.

    Args:
        submitting_user_id: Key of the portal's user who hands in.
        team_member_ids: student_ids, at least one.

    Raises:
        TeamSubmissionRequestError, SubmissionRequestError: with ``field_errors``.
        DuplicateTeamSubmissionsError: when the team has an active one for the item.
    """
    values = checked_fields(
        {
            "course_id": partial(name_text, course_id),
            "item_id": partial(name_text, item_id),
            "team_id": partial(name_text, team_id),
            "submitted_by": partial(whole_number, submitting_user_id),
            "submitted_at": partial(moment, submitted_at),
            "attempt_number": partial(whole_number, attempt_number),
        },
        TeamSubmissionRequestError,
    )
    raw_answer = checked_fields(
        {"answer": partial(answer_text, answer, answer_limit())}, SubmissionRequestError
    )["answer"]
    named = {"course_id": course_id, "item_id": item_id, "item_type": item_type}
    keys = list(dict.fromkeys(item_key({"student_id": m, **named}) for m in listed(team_member_ids)))
    if not keys:
        problem = FieldProblem("required", "A team has at least one member.")
        raise TeamSubmissionRequestError(field_errors={"team_member_ids": [problem]})
    with plain_errors():
        row = _new_team_submission(values, raw_answer)
        elsewhere = of_other_teams(values["course_id"], values["item_id"], values["team_id"], keys)
        members = [key for key in keys if key.student_id not in elsewhere]
    shapes = hand_in([_handed(key, row) for key in members])
    return {**team_shape(row), "submission_uuids": [uuid.UUID(shape["uuid"]) for shape in reversed(shapes)]}


def _handed(key: ItemKey, row: Mapping[str, Any]) -> Handed:
    return Handed(
        item=key,
        raw_answer=row["raw_answer"],
        submitted_at=row["submitted_at"],
        attempt_number=row["attempt_number"],
        team_submission_id=row["id"],
        team_submission_uuid=row["uuid"],
    )


def _new_team_submission(values: Mapping[str, Any], raw_answer: str) -> dict[str, Any]:
    """Insert the team's row and return it.

    Raises:
        TeamSubmissionRequestError: when there is no such user.
        DuplicateTeamSubmissionsError: when the team has an active one.
    """
    if execute(select(User.id).where(User.id == values["submitted_by"])).first() is None:
        problem = FieldProblem("does_not_exist", f"There is no user {values['submitted_by']}.")
        raise TeamSubmissionRequestError(field_errors={"submitted_by": [problem]})
    row = {
        **values,
        "uuid": uuid.uuid4(),
        "raw_answer": raw_answer,
        "status": SubmissionStatus.ACTIVE,
        "created_at": utc_now(),
    }
    try:
        with savepoint():
            row["id"] = execute(insert(TeamSubmission).returning(TeamSubmission.id), [row]).one().id
    except IntegrityError:
        raise DuplicateTeamSubmissionsError(
            f"Team {values['team_id']} has handed in {values['item_id']} of {values['course_id']} already."
        ) from None
    return row


def set_score(
    team_submission_uuid: str | uuid.UUID,
    points_earned: int,
    points_possible: int,
    annotation_creator: str | None = None,
    annotation_type: str | None = None,
    annotation_reason: str | None = None,
) -> None:
    """Set the same score for every active submission of a team; all or none.

    Needs an open transaction; does not commit.

    Raises:
        TeamSubmissionNotFoundError: unknown, malformed or deleted.
        InvalidPointsError, SubmissionRequestError: with ``field_errors``; nobody gets a score.
    """
    team = get_team_submission(team_submission_uuid)
    outcomes = set_scores(
        [
            {
                "submission_uuid": member,
                "points_earned": points_earned,
                "points_possible": points_possible,
                "annotation_creator": annotation_creator,
                "annotation_type": annotation_type,
                "annotation_reason": annotation_reason,
            }
            for member in team["submission_uuids"]
        ]
    )
    for problem in outcomes:
        if problem is not None:
            raise problem


def reset_scores(team_submission_uuid: str | uuid.UUID, clear_state: bool = False) -> None:
    """Reset the score of every member of a team submission. Needs an open transaction; does not commit.

    Args:
        clear_state: Also mark the members' submissions and the team's deleted.

    Raises:
        TeamSubmissionNotFoundError: unknown, malformed or deleted.
    """
    team = get_team_submission(team_submission_uuid)
    for student_id in sorted(_members(team)):
        reset_score(student_id, team["course_id"], team["item_id"], clear_state=clear_state)
    if clear_state:
        statement = (
            update(TeamSubmission)
            .where(TeamSubmission.uuid == uuid.UUID(team["team_submission_uuid"]))
            .values(status=SubmissionStatus.DELETED)
        )
        with plain_errors():
            execute(statement)


def _members(team: Shape) -> list[str]:
    statement = (
        select(StudentItem.student_id)
        .join(Submission, Submission.student_item_id == StudentItem.id)
        .where(Submission.uuid.in_(team["submission_uuids"]))
    )
    with reads() as connection:
        return list(connection.execute(statement).scalars())
