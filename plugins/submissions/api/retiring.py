"""What is left of submissions when people are erased: the ledger of scores, without a person.

Kept, because the institution must account for what it graded and because tops, charts and exports must still add up:
course, item, attempts with their times, scores with their kinds and times. A token stands for the student id. Gone:
answers, the words of graders, reasons of scores, files. What a team handed in stays until its last member is erased.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, exists, select, update
from sqlalchemy.orm import aliased

from plugins.submissions.api.people import student_ids_of
from plugins.submissions.api.sessions import execute, plain_errors
from plugins.submissions.models import (
    GraderEntry,
    GraderFile,
    GraderState,
    Score,
    ScoreAnnotation,
    StudentItem,
    Submission,
    TeamSubmission,
)
from portal.sdk import RetiredUser, UsersRetired, db, erase_audit

#: What stands in place of an answer.
ERASED = json.dumps("(erased)")
#: What the audit record keeps of what was done to a student item.
KEPT_CHANGES = frozenset({"score", "submissions", "status"})
CHUNK = 500


@dataclass(frozen=True, kw_only=True)
class ErasedItem:
    """A student item of somebody who was erased, with the words it had."""

    id: int
    course_id: str
    item_id: str
    student_id: str


def erase_people(event: UsersRetired) -> list[ErasedItem]:
    """Pseudonymise what these users handed in and the scores they gave; return their student items.

    Nine statements and the audit's for every 500 student items. Needs an open transaction; does not commit. The bytes
    of files go with the next sweep.
    """
    users = {user.user_id: user for user in event.users}
    tokens = _tokens(users)
    with plain_errors():
        _rename_graders(event.users)
        items = _locked_items(list(tokens))
        if not items:
            return []
        for start in range(0, len(items), CHUNK):
            _erase([item.id for item in items[start : start + CHUNK]])
        told = [{"name": name, "token": token} for name, token in tokens.items()]
        execute(_RENAMING, told)
    db.session.expire_all()
    return items


def _tokens(users: dict[int, RetiredUser]) -> dict[str, str]:
    """Return student id → what stands for it; somebody with several ids gets as many tokens."""
    found: dict[str, str] = {}
    seen: dict[int, int] = {}
    for name, user in student_ids_of(users).items():
        seen[user] = seen.get(user, 0) + 1
        found[name] = users[user].token if seen[user] == 1 else f"{users[user].token}-{seen[user]}"
    return found


def _locked_items(names: Sequence[str]) -> list[ErasedItem]:
    rows: list[Any] = []
    for start in range(0, len(names), CHUNK):
        wanted = names[start : start + CHUNK]
        rows += execute(_LOCKING, {"names": wanted}).all()
    return [ErasedItem(**row._asdict()) for row in rows]


def _erase(items: list[int]) -> None:
    for statement in (
        _ERASE_ANSWERS,
        _ERASE_TEAM_ANSWERS,
        _ERASE_REASONS,
        _ERASE_FILES,
        _ERASE_ENTRIES,
    ):
        execute(statement, {"items": items})
    erase_audit(str(StudentItem.__tablename__), [str(key) for key in items], KEPT_CHANGES)


def _rename_graders(users: Sequence[RetiredUser]) -> None:
    """Put the token in place of names of people who gave scores; a name that somebody else has too stays."""
    told = [{"name": user.sign_in_name, "token": user.token} for user in users]
    told += [{"name": user.name[:255], "token": user.token} for user in users if not user.name_is_shared]
    execute(_RENAMING_CREATORS, told)


_OF_ITEMS: Any = bindparam("items", expanding=True)
_LOCKING = (
    select(StudentItem.id, StudentItem.course_id, StudentItem.item_id, StudentItem.student_id)
    .where(StudentItem.student_id.in_(bindparam("names", expanding=True)))
    # In the order of all writers, so that two of them wait for each other and never in a circle.
    .order_by(StudentItem.course_id, StudentItem.item_id, StudentItem.student_id)
    .with_for_update()
)
_RENAMING = (
    update(StudentItem)
    .where(StudentItem.student_id == bindparam("name"))
    .values(student_id=bindparam("token"))
)
_RENAMING_CREATORS = (
    update(ScoreAnnotation)
    .where(ScoreAnnotation.creator == bindparam("name"))
    .values(creator=bindparam("token"))
)
_ERASE_ANSWERS = update(Submission).where(Submission.student_item_id.in_(_OF_ITEMS)).values(raw_answer=ERASED)
_member = aliased(Submission)
_ERASE_TEAM_ANSWERS = (
    update(TeamSubmission)
    .where(
        TeamSubmission.id.in_(
            select(Submission.team_submission_id).where(Submission.student_item_id.in_(_OF_ITEMS))
        ),
        ~exists().where(_member.team_submission_id == TeamSubmission.id, _member.raw_answer != ERASED),
    )
    .values(raw_answer=ERASED)
)
_ERASE_REASONS = (
    update(ScoreAnnotation)
    .where(ScoreAnnotation.score_id.in_(select(Score.id).where(Score.student_item_id.in_(_OF_ITEMS))))
    .values(reason="")
)
_ENTRIES = (
    select(GraderEntry.id)
    .join(Submission, Submission.id == GraderEntry.submission_id)
    .where(Submission.student_item_id.in_(_OF_ITEMS))
)
_ERASE_FILES = delete(GraderFile).where(GraderFile.entry_id.in_(_ENTRIES))
#: Nothing is left to grade, so nobody is given it any more.
_ERASE_ENTRIES = (
    update(GraderEntry)
    .where(
        GraderEntry.submission_id.in_(select(Submission.id).where(Submission.student_item_id.in_(_OF_ITEMS)))
    )
    .values(
        status=GraderState.RETIRED,
        queue_key=None,
        pullkey=None,
        lease_until=None,
        grader_reply=None,
    )
)
