"""Reads team submissions; nothing is written, deleted ones are left out."""

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select

from plugins.submissions.api.inputs import ItemKey, item_key, submission_uuid, submission_uuids, word
from plugins.submissions.api.items import IS_ITEM
from plugins.submissions.api.reading import IDS_PER_STATEMENT
from plugins.submissions.api.sessions import execute, reads
from plugins.submissions.api.shapes import IS_ACTIVE, NEWEST_FIRST, AnySelect, Shape
from plugins.submissions.errors import (
    FieldProblem,
    MalformedTeamUuidError,
    SubmissionRequestError,
    TeamSubmissionNotFoundError,
    TeamSubmissionRequestError,
)
from plugins.submissions.models import StudentItem, Submission, SubmissionStatus, TeamSubmission

IS_ACTIVE_TEAM = TeamSubmission.status == SubmissionStatus.ACTIVE


def listed(given: object) -> list[Any]:
    """Return the members of a team as a list.

    Raises:
        TeamSubmissionRequestError: when they are no list.
    """
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        problem = FieldProblem("invalid", "A list of student_ids is needed.")
        raise TeamSubmissionRequestError(field_errors={"team_member_ids": [problem]})
    return list(given)


def of_other_teams(
    course_id: str | None, item_id: str | None, team_id: str | None, members: Iterable[ItemKey | str]
) -> dict[str, str]:
    """Return student_id → team_id of the members that have an active submission under another team."""
    names = [member if isinstance(member, str) else member.student_id for member in members]
    statement = (
        select(StudentItem.student_id, TeamSubmission.team_id)
        .join(Submission, Submission.student_item_id == StudentItem.id)
        .join(TeamSubmission, TeamSubmission.id == Submission.team_submission_id)
        .where(
            StudentItem.course_id == course_id,
            StudentItem.item_id == item_id,
            StudentItem.student_id.in_(names),
            TeamSubmission.team_id != team_id,
            IS_ACTIVE,
        )
        .order_by(StudentItem.student_id)
    )
    return {row[0]: row[1] for row in execute(statement)}


def get_teammates_with_submissions_from_other_teams(
    course_id: str, item_id: str, team_id: str, team_member_ids: Iterable[str]
) -> list[Shape]:
    """Return ``{"student_id", "team_id"}`` of the members that handed the item in with another team."""
    members = [name for item in listed(team_member_ids) if (name := word(item)) is not None]
    with reads():
        found = of_other_teams(word(course_id), word(item_id), word(team_id), members)
    return [{"student_id": student, "team_id": team} for student, team in found.items()]


def team_shape(row: Mapping[Any, Any]) -> Shape:
    """Return the TeamSubmission shape but for ``submission_uuids``."""
    return {
        "team_submission_uuid": str(row["uuid"]),
        "attempt_number": row["attempt_number"],
        "submitted_at": row["submitted_at"],
        "course_id": row["course_id"],
        "item_id": row["item_id"],
        "team_id": row["team_id"],
        "submitted_by": row["submitted_by"],
        "created_at": row["created_at"],
        "answer": json.loads(row["raw_answer"]),
    }


def _shapes(statement: AnySelect, named: Mapping[str, str] | None = None) -> list[Shape]:
    """Return TeamSubmission shapes with the uuids of their members' active submissions; two statements."""
    with reads() as connection:
        rows = connection.execute(statement, named).mappings().all()
        members: dict[int | None, list[uuid.UUID]] = {row["id"]: [] for row in rows}
        found = (
            select(Submission.team_submission_id, Submission.uuid)
            .where(Submission.team_submission_id.in_(members), IS_ACTIVE)
            .order_by(*NEWEST_FIRST)
        )
        for team, key in connection.execute(found) if members else ():
            members[team].append(key)
    return [{**team_shape(row), "submission_uuids": members[row["id"]]} for row in rows]


_TEAMS = select(TeamSubmission.__table__).where(IS_ACTIVE_TEAM)


def _only(statement: AnySelect, told: str, named: Mapping[str, str] | None = None) -> Shape:
    found = _shapes(statement, named)
    if not found:
        raise TeamSubmissionNotFoundError(f"There is no active team submission {told}.")
    return found[0]


def get_team_submission(team_submission_uuid: str | uuid.UUID) -> Shape:
    """Return the TeamSubmission shape of an active team submission.

    Raises:
        TeamSubmissionNotFoundError: unknown, malformed or deleted.
    """
    found = team_uuid(team_submission_uuid)
    return _only(_TEAMS.where(TeamSubmission.uuid == found), str(found))


def team_uuid(given: object) -> uuid.UUID:
    """Return the uuid of a team submission.

    Raises:
        TeamSubmissionNotFoundError: without any; :class:`MalformedTeamUuidError` when it can be none.
    """
    if not given:
        raise TeamSubmissionNotFoundError("A team submission is named by its uuid; none was given.")
    try:
        found = submission_uuid(given)
    except SubmissionRequestError:
        found = None
    if found is None:
        # Anything may have been given, also what cannot be written out.
        named = f" {given[:40]}" if isinstance(given, str) else ""
        raise MalformedTeamUuidError(f"There is no active team submission{named}.")
    return found


def get_team_submission_from_individual_submission(uuid: str | uuid.UUID) -> Shape:
    """Return the TeamSubmission shape of the team that a member's active submission belongs to.

    Raises:
        TeamSubmissionNotFoundError: when there is none.
    """
    statement = _TEAMS.join(Submission, Submission.team_submission_id == TeamSubmission.id)
    return _only(statement.where(Submission.uuid == team_uuid(uuid), IS_ACTIVE), f"of submission {uuid}")


def get_team_submission_for_team(course_id: str, item_id: str, team_id: str) -> Shape:
    """Return the TeamSubmission shape of a team's active submission for an item.

    Raises:
        TeamSubmissionNotFoundError: when there is none.
    """
    statement = _TEAMS.where(
        TeamSubmission.course_id == word(course_id),
        TeamSubmission.item_id == word(item_id),
        TeamSubmission.team_id == word(team_id),
    )
    return _only(statement, f"of team {word(team_id)}")


def get_team_submission_for_student(student_item_dict: Mapping[str, Any]) -> Shape:
    """Return the TeamSubmission shape of the team with which a student handed an item in; writes nothing.

    Raises:
        SubmissionRequestError: for a wrong student item.
        TeamSubmissionNotFoundError: when there is none.
    """
    key = item_key(student_item_dict)
    statement = (
        _TEAMS.join(Submission, Submission.team_submission_id == TeamSubmission.id)
        .join(StudentItem, StudentItem.id == Submission.student_item_id)
        .where(*IS_ITEM, IS_ACTIVE)
        .order_by(*NEWEST_FIRST)
    )
    return _only(statement, f"of student {key.student_id}", vars(key))


def get_all_team_submissions(course_id: str, item_id: str) -> list[Shape]:
    """Return the TeamSubmission shapes of an item's active team submissions, newest first."""
    statement = _TEAMS.where(
        TeamSubmission.course_id == word(course_id), TeamSubmission.item_id == word(item_id)
    )
    return _shapes(statement.order_by(TeamSubmission.submitted_at.desc(), TeamSubmission.id.desc()))


def get_team_submission_student_ids(team_submission_uuid: str | uuid.UUID) -> list[str]:
    """Return the student_ids of a team submission's members, also of those whose own submission was deleted.

    Raises:
        TeamSubmissionNotFoundError: without a uuid, or when nobody belongs to it.
    """
    statement = (
        select(StudentItem.student_id)
        .join(Submission, Submission.student_item_id == StudentItem.id)
        .join(TeamSubmission, TeamSubmission.id == Submission.team_submission_id)
        .where(TeamSubmission.uuid == team_uuid(team_submission_uuid))
        .order_by(Submission.id)
    )
    with reads() as connection:
        found = list(dict.fromkeys(connection.execute(statement).scalars()))
    if not found:
        raise TeamSubmissionNotFoundError(f"There is no team submission {team_submission_uuid} with members.")
    return found


def get_team_ids_by_team_submission_uuid(
    team_submission_uuids: Iterable[str | uuid.UUID],
) -> dict[str, str]:
    """Return uuid (text) → team_id for the active ones among these; others are left out."""
    wanted = list(submission_uuids(team_submission_uuids))
    answer: dict[str, str] = {}
    for start in range(0, len(wanted), IDS_PER_STATEMENT):
        statement = select(TeamSubmission.uuid, TeamSubmission.team_id).where(
            TeamSubmission.uuid.in_(wanted[start : start + IDS_PER_STATEMENT]), IS_ACTIVE_TEAM
        )
        with reads() as connection:
            answer |= {str(key): team for key, team in connection.execute(statement)}
    return answer
