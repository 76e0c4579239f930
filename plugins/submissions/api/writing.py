"""Hands answers in: each becomes a submission with the next attempt number of its student item."""

import json
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from plugins.submissions.api.inputs import (
    LARGEST_INTEGER,
    ItemKey,
    answer_limit,
    answer_text,
    check_entry,
    checked_fields,
    entry_list,
    item_key,
    moment,
    whole_number,
)
from plugins.submissions.api.items import locked_item, locked_items, triple
from plugins.submissions.api.metrics import count_submissions
from plugins.submissions.api.sessions import execute, plain_errors
from plugins.submissions.api.shapes import IS_ACTIVE, Shape
from plugins.submissions.errors import FieldProblem, SubmissionRequestError
from plugins.submissions.hooks import CreatedSubmission, SubmissionsCreated
from plugins.submissions.models import Submission, SubmissionStatus
from portal.sdk import emit_notice, utc_now

MOST_AT_ONCE = 500
_ENTRY = ("student_item", "answer", "submitted_at", "attempt_number")


@dataclass(frozen=True, kw_only=True)
class Handed:
    """One answer to hand in, checked. ``attempt_number`` None: the next one."""

    item: ItemKey
    raw_answer: str
    submitted_at: datetime
    attempt_number: int | None
    team_submission_id: int | None = None
    team_submission_uuid: uuid.UUID | None = None


def create_submission(
    student_item_dict: Mapping[str, Any],
    answer: Any,
    submitted_at: datetime | str | None = None,
    attempt_number: int | None = None,
) -> Shape:
    """Hand one answer in and return its Submission shape.

    At most four statements. Needs an open transaction; does not commit. Source: edx-submissions ``create_submission``.

    Args:
        student_item_dict: Exactly ``student_id``, ``course_id``, ``item_id``, ``item_type``.
        answer: Any JSON value but null, up to the limit of the settings (102,400 characters).
        submitted_at: When it was handed in; a datetime or ISO text; now when absent.
        attempt_number: The largest active one plus one when absent, unique under any concurrency.

    Raises:
        SubmissionRequestError: with ``field_errors``; nothing is written.
        SubmissionInternalError: when the database refuses.
    """
    entry = {
        "student_item": student_item_dict,
        "answer": answer,
        "submitted_at": submitted_at,
        "attempt_number": attempt_number,
    }
    return hand_in([checked(entry, answer_limit())])[0]


def create_submissions(entries: Sequence[Mapping[str, Any]]) -> list[Shape]:
    """Hand 1 to 500 answers in and return their Submission shapes in order.

    At most four statements for any number. Needs an open transaction; does not commit.

    Args:
        entries: Each with ``student_item``, ``answer`` and, where wanted, ``submitted_at``, ``attempt_number``, as
            for :func:`create_submission`.

    Raises:
        SubmissionRequestError: naming every wrong entry by its place (from 0) and field; nothing is written.
    """
    found, problems = [], {}
    limit = answer_limit()
    for place, entry in enumerate(entry_list(entries, MOST_AT_ONCE)):
        try:
            found.append(checked(entry, limit))
        except SubmissionRequestError as error:
            fields = error.field_errors or {"student_item": [error.message]}
            problems.update({f"{place}.{name}": list(items) for name, items in fields.items()})
    if problems:
        raise SubmissionRequestError(field_errors=problems)
    return hand_in(found)


def checked(entry: Mapping[str, Any], limit: int) -> Handed:
    """Return an entry whose every value can be stored, its answer of at most ``limit`` characters; reads nothing.

    Raises:
        SubmissionRequestError: with a problem per field.
    """
    check_entry(entry, _ENTRY)
    number = entry.get("attempt_number")
    key = item_key(entry.get("student_item"))
    values = checked_fields(
        {
            "answer": partial(answer_text, entry.get("answer"), limit),
            "submitted_at": partial(moment, entry.get("submitted_at")),
            "attempt_number": partial(whole_number, number) if number is not None else lambda: None,
        },
        SubmissionRequestError,
    )
    return Handed(item=key, raw_answer=values.pop("answer"), **values)


def hand_in(answers: Sequence[Handed]) -> list[Shape]:
    """Store checked answers and return their Submission shapes in order; three statements."""
    if not answers:
        return []
    now = utc_now()
    with plain_errors():
        items = locked_items([answer.item for answer in answers])
        numbers = _next_numbers(set(items.values()))
        rows = [_row(answer, items[triple(answer.item)], numbers, now) for answer in answers]
        execute(_STORING, rows)
    _tell(answers, rows)
    return [
        {
            "uuid": str(row["uuid"]),
            "student_item": row["student_item_id"],
            "attempt_number": row["attempt_number"],
            "submitted_at": row["submitted_at"],
            "created_at": row["created_at"],
            "answer": json.loads(row["raw_answer"]),
            "team_submission_uuid": answer.team_submission_uuid,
        }
        for answer, row in zip(answers, rows, strict=True)
    ]


_LARGEST = (
    select(Submission.student_item_id, func.max(Submission.attempt_number))
    .where(Submission.student_item_id.in_(bindparam("items", expanding=True)), IS_ACTIVE)
    .group_by(Submission.student_item_id)
)
_STORING = insert(Submission)


def _next_numbers(items: set[int]) -> dict[int, int]:
    largest = {row[0]: row[1] for row in execute(_LARGEST, {"items": list(items)})}
    return defaultdict(lambda: 1, {item: number + 1 for item, number in largest.items()})


def _row(answer: Handed, item: int, numbers: dict[int, int], now: datetime) -> dict[str, Any]:
    given = answer.attempt_number
    number = given if given is not None else numbers[item]
    if number > LARGEST_INTEGER:
        problem = FieldProblem(
            "max_value", "The item has the largest possible attempt number; give one yourself."
        )
        raise SubmissionRequestError(field_errors={"attempt_number": [problem]})
    numbers[item] = max(numbers[item], number + 1)
    return {
        "uuid": uuid.uuid4(),
        "student_item_id": item,
        "course_id": answer.item.course_id,
        "item_type": answer.item.item_type,
        "attempt_number": number,
        "numbered": given is None,
        "submitted_at": answer.submitted_at,
        "created_at": now,
        "raw_answer": answer.raw_answer,
        "status": SubmissionStatus.ACTIVE,
        "team_submission_id": answer.team_submission_id,
    }


def _tell(answers: Sequence[Handed], rows: Sequence[dict[str, Any]]) -> None:
    count_submissions([(answer.item, len(answer.raw_answer)) for answer in answers])
    emit_notice(
        "submissions_created",
        event=SubmissionsCreated(
            submissions=tuple(
                CreatedSubmission(
                    uuid=str(row["uuid"]),
                    attempt_number=row["attempt_number"],
                    submitted_at=row["submitted_at"],
                    **vars(answer.item),
                )
                for answer, row in zip(answers, rows, strict=True)
            )
        ),
    )


def restore_submissions(student_id: str, course_id: str, item_id: str) -> int:
    """Bring back the submissions of a student item that a reset with ``clear_state`` deleted; return how many.

    Their scores stay reset: set one again where it should count. A number that was given anew meanwhile is then there
    twice; the next automatic number is larger than both. Needs an open transaction; does not commit.
    """
    with plain_errors():
        item = locked_item(student_id, course_id, item_id)
        if item is None:
            return 0
        taken = select(Submission.attempt_number).where(Submission.student_item_id == item.id, IS_ACTIVE)
        deleted = (
            Submission.student_item_id == item.id,
            Submission.status == SubmissionStatus.DELETED,
        )
        execute(
            update(Submission).where(*deleted, Submission.attempt_number.in_(taken)).values(numbered=False)
        )
        again = _twice_deleted(item.id)
        if again:
            execute(update(Submission).where(Submission.id.in_(again)).values(numbered=False))
        result = execute(update(Submission).where(*deleted).values(status=SubmissionStatus.ACTIVE))
    return int(result.rowcount)


def _twice_deleted(item: int) -> list[int]:
    """Return deleted submissions whose number a later deleted one has too (the item was cleared more than once)."""
    later = (
        func.row_number()
        .over(partition_by=Submission.attempt_number, order_by=Submission.id.desc())
        .label("later")
    )
    ranked = (
        select(Submission.id, later)
        .where(
            Submission.student_item_id == item,
            Submission.status == SubmissionStatus.DELETED,
            Submission.numbered,
        )
        .subquery()
    )
    return list(execute(select(ranked.c.id).where(ranked.c.later > 1)).scalars())
