"""Sets and resets scores: the item is locked, the score inserted, the summary brought up to date, in one transaction."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from plugins.submissions.api.inputs import (
    check_entry,
    checked_fields,
    entry_list,
    optional_text,
    points,
    submission_uuid,
)
from plugins.submissions.api.items import locked_item
from plugins.submissions.api.metrics import count_scores
from plugins.submissions.api.sessions import execute, plain_errors
from plugins.submissions.api.shapes import IS_ACTIVE, STUDENT_ITEM
from plugins.submissions.api.summaries import Scored, summarise
from plugins.submissions.errors import SubmissionError, SubmissionNotFoundError, SubmissionRequestError
from plugins.submissions.hooks import NewScore, ScoreReset, ScoresSet
from plugins.submissions.models import Score, ScoreAnnotation, StudentItem, Submission, SubmissionStatus
from portal.sdk import emit_notice, utc_now

MOST_AT_ONCE = 500
_ENTRY = (
    "submission_uuid", "points_earned", "points_possible", "annotation_creator", "annotation_type", "annotation_reason",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A score to set, checked. ``creator`` None: without an annotation."""

    uuid: uuid.UUID
    points_earned: int
    points_possible: int
    creator: str | None
    annotation_type: str
    reason: str
    #: Earned and possible as the caller gave them: the notice says so.
    given: tuple[Any, Any]


def set_score(
    submission_uuid: str | uuid.UUID,
    points_earned: int,
    points_possible: int,
    annotation_creator: str | None = None,
    annotation_type: str | None = None,
    annotation_reason: str | None = None,
) -> None:
    """Set the score of a submission; it is stored or refused, never lost.

    Three statements, four with an annotation. Needs an open transaction; does not commit.
    Source: edx-submissions ``set_score``.

    Args:
        points_earned: Whole points from 0 to 2,147,483,647; may exceed the possible ones.
        points_possible: With 0 the score is hidden.
        annotation_creator: Who gave it; with a creator (also an empty text) an annotation is kept.
        annotation_type: Of which kind the score is, such as ``staff_defined``.
        annotation_reason: Why.

    Raises:
        SubmissionNotFoundError: unknown, malformed or deleted.
        InvalidPointsError: with ``field_errors`` for the points.
        SubmissionRequestError: with ``field_errors`` for the annotation.
    """
    wanted = checked_score(
        {
            "submission_uuid": submission_uuid,
            "points_earned": points_earned,
            "points_possible": points_possible,
            "annotation_creator": annotation_creator,
            "annotation_type": annotation_type,
            "annotation_reason": annotation_reason,
        }
    )
    (problem,) = store([wanted])
    if problem is not None:
        raise problem


def set_scores(entries: Sequence[Mapping[str, Any]]) -> list[SubmissionError | None]:
    """Set 1 to 500 scores; return for each None, or the error that refused it.

    A constant number of statements. Needs an open transaction; does not commit.

    Args:
        entries: Each with ``submission_uuid``, ``points_earned``, ``points_possible`` and, where wanted,
            ``annotation_creator``, ``annotation_type``, ``annotation_reason``, as for :func:`set_score`.

    Raises:
        SubmissionRequestError: for more than 500.
    """
    entries = entry_list(entries, MOST_AT_ONCE)
    outcomes: list[SubmissionError | None] = [None] * len(entries)
    wanted: dict[int, Wanted] = {}
    for place, entry in enumerate(entries):
        try:
            wanted[place] = checked_score(entry)
        except SubmissionError as error:
            outcomes[place] = error
    for place, problem in zip(wanted, store(list(wanted.values())), strict=True):
        outcomes[place] = problem
    return outcomes


def checked_score(entry: Mapping[str, Any]) -> Wanted:
    """Return a score whose every value can be stored; reads no row.

    Raises:
        SubmissionNotFoundError: when the uuid can be none.
        InvalidPointsError, SubmissionRequestError: with a problem per field.
    """
    check_entry(entry, _ENTRY)
    found = submission_uuid(entry.get("submission_uuid"))
    if found is None:
        raise _unknown(entry.get("submission_uuid"))
    earned, possible = points(entry.get("points_earned"), entry.get("points_possible"))
    creator = entry.get("annotation_creator")
    told = checked_fields(
        {
            "annotation_creator": partial(optional_text, creator, 255),
            "annotation_type": partial(optional_text, entry.get("annotation_type"), 255),
            "annotation_reason": partial(optional_text, entry.get("annotation_reason")),
        },
        SubmissionRequestError,
    )
    return Wanted(
        uuid=found,
        points_earned=earned,
        points_possible=possible,
        creator=None if creator is None else told["annotation_creator"],
        annotation_type=told["annotation_type"],
        reason=told["annotation_reason"],
        given=(entry.get("points_earned"), entry.get("points_possible")),
    )


def store(wanted: Sequence[Wanted]) -> list[SubmissionError | None]:
    """Store checked scores in order; return for each None, or why it was refused."""
    if not wanted:
        return []
    now = utc_now()
    with plain_errors():
        found = _locked_submissions({score.uuid for score in wanted})
        kept = [score for score in wanted if score.uuid in found]
        if kept:
            ids = _inserted(kept, found, now)
            _annotate(kept, ids)
            scored = [
                _scored(score, found[score.uuid], key, now) for score, key in zip(kept, ids, strict=True)
            ]
            summarise(sorted(scored, key=lambda score: score.score_id))
            _tell(kept, found, now)
    return [None if score.uuid in found else _unknown(score.uuid) for score in wanted]


def _unknown(given: object) -> SubmissionNotFoundError:
    return SubmissionNotFoundError(f"There is no submission {given}, or it was deleted.")


_LOCKING = (
    select(Submission.uuid, Submission.id, Submission.student_item_id, Submission.submitted_at, *STUDENT_ITEM)
    .select_from(StudentItem)
    .join(Submission, Submission.student_item_id == StudentItem.id)
    .where(Submission.uuid.in_(bindparam("uuids", expanding=True)), IS_ACTIVE)
    # In order, so that two callers with the same items wait for each other and never in a circle.
    .order_by(StudentItem.course_id, StudentItem.item_id, StudentItem.student_id)
    # The submission too: one that is deleted while we wait is looked at again and left out.
    .with_for_update(of=[StudentItem, Submission])
)
_STORING = insert(Score).returning(Score.id, Score.submission_id)
_ANNOTATING = insert(ScoreAnnotation)
_CLEARING = (
    update(Submission)
    .where(Submission.student_item_id == bindparam("item"), IS_ACTIVE)
    .values(status=SubmissionStatus.DELETED)
)


def _locked_submissions(uuids: set[uuid.UUID]) -> dict[uuid.UUID, Any]:
    """Return the active submissions with their student items; both are locked until the transaction ends."""
    return {row.uuid: row for row in execute(_LOCKING, {"uuids": list(uuids)})}


def _inserted(wanted: Sequence[Wanted], found: Mapping[uuid.UUID, Any], now: datetime) -> list[int]:
    rows = [
        {
            "student_item_id": found[score.uuid].student_item_id,
            "submission_id": found[score.uuid].id,
            "points_earned": score.points_earned,
            "points_possible": score.points_possible,
            "created_at": now,
            "reset": False,
        }
        for score in wanted
    ]
    ids: dict[int | None, list[int]] = defaultdict(list)
    for key, submission in sorted(tuple(row) for row in execute(_STORING, rows)):
        ids[submission].append(key)
    # Of several scores for one submission the first inserted has the smallest id.
    return [ids[row["submission_id"]].pop(0) for row in rows]


def _annotate(wanted: Sequence[Wanted], ids: Sequence[int]) -> None:
    rows = [
        {
            "score_id": key,
            "creator": score.creator,
            "annotation_type": score.annotation_type,
            "reason": score.reason,
        }
        for score, key in zip(wanted, ids, strict=True)
        if score.creator is not None
    ]
    if rows:
        execute(_ANNOTATING, rows)


def _scored(score: Wanted, row: Any, key: int, now: datetime) -> Scored:
    return Scored(
        score_id=key,
        student_item_id=row.student_item_id,
        points_earned=score.points_earned,
        points_possible=score.points_possible,
        created_at=now,
        reset=False,
        course_id=row.course_id,
        item_id=row.item_id,
        item_type=row.item_type,
    )


def _tell(wanted: Sequence[Wanted], found: Mapping[uuid.UUID, Any], now: datetime) -> None:
    count_scores([(found[s.uuid], s.points_earned, s.points_possible) for s in wanted], now)
    told = tuple(
        NewScore(
            points_earned=score.given[0],
            points_possible=score.given[1],
            anonymous_user_id=found[score.uuid].student_id,
            course_id=found[score.uuid].course_id,
            item_id=found[score.uuid].item_id,
            created_at=now,
        )
        for score in wanted
    )
    emit_notice("submissions_scores_set", event=ScoresSet(scores=told))


def reset_score(
    student_id: str, course_id: str, item_id: str, clear_state: bool = False, emit_signal: bool = True
) -> None:
    """Reset the score of a student item by a 0/0 mark; an unknown item is left alone.

    Three statements, four with ``clear_state``. Needs an open transaction; does not commit.
    Source: edx-submissions ``reset_score``.

    Args:
        clear_state: Also mark the item's submissions deleted; :func:`restore_submissions` brings them back.
        emit_signal: Send the notice ``submissions_score_reset``.
    """
    now = utc_now()
    with plain_errors():
        item = locked_item(student_id, course_id, item_id)
        if item is None:
            return
        row = {"student_item_id": item.id, "submission_id": None, "created_at": now, "reset": True}
        key = execute(_STORING, [row]).one().id
        words = {name: getattr(item, name) for name in ("course_id", "item_id", "item_type")}
        nothing: dict[str, Any] = {"points_earned": 0, "points_possible": 0, "reset": True}
        summarise([Scored(score_id=key, student_item_id=item.id, created_at=now, **nothing, **words)])
        if clear_state:
            execute(_CLEARING, {"item": item.id})
    if emit_signal:
        emit_notice(
            "submissions_score_reset",
            event=ScoreReset(
                anonymous_user_id=item.student_id,
                course_id=item.course_id,
                item_id=item.item_id,
                created_at=now,
            ),
        )
