"""The queue of external graders: entries are handed out with a lease and a new key, and come back as scores."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import insert, select, update

from plugins.submissions.api.grader_files import FileGiven, add_files, files_of
from plugins.submissions.api.inputs import (
    checked_fields,
    name_text,
    optional_text,
    submission_uuid,
    whole_number,
    word,
)
from plugins.submissions.api.scoring import set_score
from plugins.submissions.api.sessions import execute, plain_errors, reads
from plugins.submissions.api.shapes import Shape
from plugins.submissions.api.waiting import is_free
from plugins.submissions.api.writing import create_submission
from plugins.submissions.errors import (
    EntryLocked,
    ExternalGraderQueueEmptyError,
    FieldProblem,
    MoveRefused,
    SubmissionError,
    SubmissionNotFoundError,
    SubmissionRequestError,
    WrongKey,
)
from plugins.submissions.models import GraderEntry, GraderState, StudentItem, Submission
from plugins.submissions.settings import SubmissionsSettings
from portal.sdk import get_settings, savepoint, utc_now

#: From which state an entry may go where.
MOVES: Mapping[GraderState, frozenset[GraderState]] = {
    GraderState.PENDING: frozenset({GraderState.PULLED}),
    GraderState.PULLED: frozenset({GraderState.RETIRED, GraderState.FAILED, GraderState.RETRY}),
    GraderState.RETRY: frozenset({GraderState.RETIRED, GraderState.PULLED}),
    GraderState.FAILED: frozenset({GraderState.PENDING}),
    GraderState.RETIRED: frozenset(),
}
_FAILURES = (GraderState.RETRY, GraderState.FAILED)


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """An entry that was just handed out: what a grader needs. ``files``: file name → uuid."""

    submission_id: int
    key: str
    grader_payload: str
    student_id: str
    submitted_at: datetime
    raw_answer: str
    queue_name: str
    files: Mapping[str, uuid.UUID]


def create_external_grader_detail(
    student_item_dict: Mapping[str, Any],
    answer: Any,
    queue_name: str,
    queue_key: str | None,
    grader_file_name: str = "",
    points_possible: int = 1,
    files: Mapping[str, FileGiven] | None = None,
) -> Shape:
    """Hand an answer in and put it into a grader's queue; return the entry as a dict.

    Needs an open transaction; does not commit. Source: edx-submissions ``create_external_grader_detail``.

    Args:
        files: File name → what goes to the grader with the answer; see :data:`FileGiven`.

    Raises:
        ExternalGraderQueueEmptyError: without the name of a queue.
        SubmissionRequestError: with ``field_errors``; nothing is written.
    """
    if not queue_name:
        raise ExternalGraderQueueEmptyError("An entry needs the name of its queue.")
    values = checked_fields(
        {
            "queue_name": partial(name_text, queue_name, 128),
            "queue_key": partial(optional_text, queue_key, 128),
            "grader_file_name": partial(optional_text, grader_file_name, 128),
            "points_possible": partial(whole_number, points_possible),
        },
        SubmissionRequestError,
    )
    submission = create_submission(student_item_dict, answer)
    now = utc_now()
    with plain_errors():
        key = select(Submission.id).where(Submission.uuid == uuid.UUID(submission["uuid"])).scalar_subquery()
        named = None if queue_key is None else values["queue_key"]
        row = {**values, "queue_key": named, "submission_id": key, "status": GraderState.PENDING}
        times = {"status_time": now, "created_at": now, "num_failures": 0}
        entry = execute(insert(GraderEntry).values(**row, **times).returning(GraderEntry.id)).one().id
        add_files(entry, files or {})
    return entry_shape(submission["uuid"])


def entry_shape(uuid: str | uuid.UUID) -> Shape:
    """Return the queue entry of a submission as a dict; ``has_pullkey`` instead of the key.

    Raises:
        SubmissionNotFoundError: when the submission has none.
    """
    with reads() as connection:
        row = connection.execute(_entries().where(Submission.uuid == submission_uuid(uuid))).one_or_none()
    if row is None:
        raise SubmissionNotFoundError(f"Submission {uuid} is in no grader's queue.")
    names = ("queue_name", "queue_key", "grader_file_name", "points_possible", "status", "num_failures")
    return {
        "submission_uuid": str(row.submission_uuid),
        **{name: getattr(row, name) for name in names},
        "has_pullkey": row.pullkey is not None,
        "grader_reply": row.grader_reply,
    }


def _entries() -> Any:
    return select(GraderEntry.__table__, Submission.uuid.label("submission_uuid")).join(
        Submission, Submission.id == GraderEntry.submission_id
    )


def move(uuids: Sequence[str | uuid.UUID], wanted: str) -> int:
    """Move queue entries, named by their submissions, to another state; return how many.

    A move to pulled makes a new key and begins a lease; one to retry or failed counts a failure. All or none.
    Needs an open transaction; does not commit.

    Raises:
        MoveRefused: naming the first entry that cannot go there.
        SubmissionNotFoundError: naming one that has no entry.
        SubmissionRequestError: when there is no such state.
    """
    if wanted not in list(GraderState):
        problem = FieldProblem("invalid_choice", f"A state is one of {', '.join(GraderState)}.")
        raise SubmissionRequestError(field_errors={"status": [problem]})
    keys = [submission_uuid(item) for item in uuids]
    statement = _entries().where(Submission.uuid.in_(keys)).order_by(GraderEntry.id)
    with plain_errors():
        rows = execute(statement.with_for_update(of=GraderEntry)).all()
        if missing := set(keys) - {row.submission_uuid for row in rows}:
            raise SubmissionNotFoundError(f"Submission {missing.pop()} is in no grader's queue.")
        for row in rows:
            _move(row, GraderState(wanted))
    return len(rows)


def _move(row: Any, wanted: GraderState, **more: Any) -> None:
    if wanted not in MOVES[GraderState(row.status)]:
        raise MoveRefused(f"An entry that is {row.status} cannot become {wanted}.")
    now = utc_now()
    values: dict[str, Any] = {"status": wanted, "status_time": now, "lease_until": None, **more}
    if wanted in _FAILURES:
        values["num_failures"] = GraderEntry.num_failures + 1
    if wanted is GraderState.PULLED:
        values |= {"pullkey": str(uuid.uuid4()), "lease_until": now + _lease()}
    execute(update(GraderEntry).where(GraderEntry.id == row.id).values(**values))


def _lease() -> timedelta:
    return timedelta(minutes=get_settings(SubmissionsSettings).grader_lease_minutes)


def pull(queue_name: str) -> Pulled | None:
    """Hand out the entry of a queue that waits longest, with a new key; None when nothing waits.

    Entries are free that are pending, to be tried again, or pulled with a lease that has ended. Graders that ask at
    the same time get different ones. Needs an open transaction; does not commit.
    """
    now, queue = utc_now(), word(queue_name)
    if queue is None:
        return None
    statement = (
        select(
            GraderEntry.__table__,
            Submission.submitted_at,
            Submission.raw_answer,
            StudentItem.student_id,
        )
        .join(Submission, Submission.id == GraderEntry.submission_id)
        .join(StudentItem, StudentItem.id == Submission.student_item_id)
        .where(GraderEntry.queue_name == queue, is_free(now))
        .order_by(GraderEntry.status_time, GraderEntry.id)
        .limit(1)
        .with_for_update(of=GraderEntry, skip_locked=True)
    )
    with plain_errors():
        row = execute(statement).one_or_none()
        if row is None:
            return None
        key = str(uuid.uuid4())
        execute(
            update(GraderEntry)
            .where(GraderEntry.id == row.id)
            .values(status=GraderState.PULLED, status_time=now, pullkey=key, lease_until=now + _lease())
        )
        return Pulled(
            submission_id=row.submission_id,
            key=key,
            grader_payload=row.grader_file_name,
            student_id=row.student_id,
            submitted_at=row.submitted_at,
            raw_answer=row.raw_answer,
            queue_name=row.queue_name,
            files=files_of(row.id),
        )


def put_result(submission_id: int, key: str, fraction: Any, reply: str) -> bool:
    """Take a grader's result: store the score and retire the entry; return whether that worked.

    A result that cannot be stored counts as a failure: the entry is tried again, and after so many failures (see the
    settings) waits for a person. Needs an open transaction; does not commit.

    Args:
        fraction: Of the possible points; rounded half to even.
        reply: The grader's words, kept with the entry.

    Raises:
        SubmissionNotFoundError: when the submission is in no queue.
        WrongKey: when another key was given out since.
        MoveRefused: when the entry is not handed out (any more).
        EntryLocked: when another call works on the entry at this moment.
    """
    with plain_errors():
        statement = _entries().where(GraderEntry.submission_id == submission_id)
        row = execute(statement.with_for_update(of=GraderEntry, skip_locked=True)).one_or_none()
        if row is None and execute(statement).first() is not None:
            raise EntryLocked("Another program is bringing a result for this entry right now.")
        if row is None:
            raise SubmissionNotFoundError(f"Submission {submission_id} is in no grader's queue.")
        if row.pullkey is None or row.pullkey != key:
            raise WrongKey("The entry was handed out with another key.")
        if GraderState.RETIRED not in MOVES[GraderState(row.status)]:
            raise MoveRefused(f"The entry is {row.status}; no result is expected.")
        try:
            with savepoint():
                earned = _points(fraction, row.points_possible)
                set_score(row.submission_uuid, earned, row.points_possible)
                _move(row, GraderState.RETIRED, grader_reply=reply)
        except SubmissionError:
            _count_failure(row)
            return False
    return True


def _points(fraction: Any, possible: int) -> int:
    try:
        return round(float(fraction) * possible)
    except (TypeError, ValueError, OverflowError):
        problem = FieldProblem("invalid", f"{fraction!r} is no share of the points.")
        raise SubmissionRequestError(field_errors={"score": [problem]}) from None


def _count_failure(row: Any) -> None:
    most = get_settings(SubmissionsSettings).grader_failures
    wanted = GraderState.FAILED if row.num_failures + 1 >= most else GraderState.RETRY
    if wanted in MOVES[GraderState(row.status)]:
        _move(row, wanted)
        return
    # A second result for an entry that waits to be tried again: it goes on waiting.
    execute(
        update(GraderEntry)
        .where(GraderEntry.id == row.id)
        .values(status=wanted, num_failures=GraderEntry.num_failures + 1, status_time=utc_now())
    )
