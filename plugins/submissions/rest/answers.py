"""``/api/v1/submissions/…``: student items, and what was handed in for them."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from flask import url_for
from sqlalchemy import false

from plugins.submissions import api
from plugins.submissions.api.inputs import word
from plugins.submissions.api.shapes import IS_ACTIVE
from plugins.submissions.errors import SubmissionNotFoundError
from plugins.submissions.models import StudentItem, Submission
from plugins.submissions.permissions import (
    ANSWERS_CREATE,
    ANSWERS_VIEW,
    ITEMS_VIEW,
)
from plugins.submissions.rest.shapes import (
    ItemListOut,
    ItemOut,
    ItemQuery,
    NewSubmissionIn,
    SubmissionListOut,
    SubmissionOut,
    SubmissionQuery,
    WholeSubmissionOut,
)
from portal.sdk import run_in_transaction
from portal.sdk.rest import (
    PageOrder,
    api_blueprint,
    api_route,
    etag_of,
    find_visible,
    list_page,
    narrowed_select,
    quoted,
)

LARGEST_ID = 2**63 - 1
submissions = api_blueprint(
    "submissions", "Submissions", "What students hand in, the ledger of their scores, and external graders."
)
ITEM_ORDER = PageOrder(columns=(StudentItem.course_id, StudentItem.item_id, StudentItem.student_id))
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def item_out(row: Any) -> ItemOut:
    """Return a student item; ``row`` is one, or has its words and id."""
    return ItemOut(**{name: getattr(row, name) for name in ItemOut.model_fields})


def of_words(statement: Any, columns: Iterable[tuple[Any, str | None]]) -> Any:
    """Return the statement for rows with these words; None leaves a column open, what can be no word matches nothing."""
    for column, given in columns:
        if given is not None:
            name = word(given)
            statement = statement.where(column == name if name is not None else false())
    return statement


def of_items(statement: Any, query: ItemQuery) -> Any:
    """Return the statement for the student items that a query means."""
    names = ("course_id", "item_id", "student_id", "item_type")
    return of_words(statement, [(getattr(StudentItem, name), getattr(query, name)) for name in names])


@submissions.get("/items")
@api_route(ITEMS_VIEW, query=ItemQuery, answer=ItemListOut)
def list_items(query: ItemQuery) -> Any:
    """List student items, by course, item and student in the order of code points."""
    return list_page(of_items(narrowed_select(StudentItem, ITEMS_VIEW), query), ITEM_ORDER, query, item_out)


@submissions.get(f"/items/<int(max={LARGEST_ID}):item_key>")
@api_route(ITEMS_VIEW, answer=ItemOut, etag=True)
def show_item(item_key: int) -> Any:
    """Show a student item."""
    found = item_out(find_item(item_key, ITEMS_VIEW))
    return found, 200, {"ETag": quoted(etag_of(found))}


def find_item(key: int, permission: str) -> StudentItem:
    """Return a student item that the caller may see.

    Raises:
        SubmissionNotFoundError: when there is none.
    """
    found: StudentItem | None = find_visible(StudentItem, permission, key)
    if found is None:
        raise SubmissionNotFoundError(f"There is no student item {key}, or you may not see it.")
    return found


@submissions.get("/submissions")
@api_route(ITEMS_VIEW, query=SubmissionQuery, answer=SubmissionListOut)
def list_submissions(query: SubmissionQuery) -> Any:
    """List active submissions without their answers, newest first."""
    columns = (
        Submission.uuid,
        Submission.id,
        Submission.student_item_id.label("student_item"),
        Submission.course_id,
        Submission.item_type,
        Submission.attempt_number,
        Submission.submitted_at,
        Submission.created_at,
    )
    statement = narrowed_select(Submission, ITEMS_VIEW).with_only_columns(*columns).where(IS_ACTIVE)
    named = [(Submission.course_id, query.course_id), (Submission.item_type, query.item_type)]
    statement = of_words(statement, named)
    if query.student_item is not None:
        statement = statement.where(Submission.student_item_id == query.student_item)
    if query.submitted_from is not None:
        statement = statement.where(Submission.submitted_at >= _moment(query.submitted_from))
    if query.submitted_before is not None:
        statement = statement.where(Submission.submitted_at < _moment(query.submitted_before))
    order = PageOrder(columns=(Submission.submitted_at, Submission.id), descending=True)
    return list_page(statement, order, query, _submission_out)


def _submission_out(row: Any) -> SubmissionOut:
    return SubmissionOut(**{name: getattr(row, name) for name in SubmissionOut.model_fields})


def _moment(given: datetime) -> datetime:
    """Return the moment in UTC; one beyond the calendar becomes its end, which selects the same."""
    try:
        return given.astimezone(UTC)
    except OverflowError:
        return _FIRST if given.year == 1 else _LAST


@submissions.get("/submissions/<uuid:submission_uuid>")
@api_route(ANSWERS_VIEW, answer=WholeSubmissionOut, etag=True)
def show_submission(submission_uuid: uuid.UUID) -> Any:
    """Show an active submission with its answer."""
    found = _whole(submission_uuid)
    return found, 200, {"ETag": quoted(etag_of(found))}


def _whole(key: uuid.UUID | str) -> WholeSubmissionOut:
    shape = api.get_submission(key)
    item = {**api.get_submission_and_student(key)["student_item"], "id": shape["student_item"]}
    return WholeSubmissionOut(**{**shape, "student_item": ItemOut(**item)})


@submissions.post("/submissions")
@api_route(
    ANSWERS_CREATE,
    body=NewSubmissionIn,
    answer=WholeSubmissionOut,
    status=201,
    writes=True,
    location=True,
    example={
        "student_item": {
            "student_id": "a1b2",
            "course_id": "biology-1",
            "item_id": "essay-3",
            "item_type": "essay",
        },
        "answer": {"text": "…"},
    },
)
def create_submission(body: NewSubmissionIn) -> Any:
    """Hand an answer in; the attempt number is the next one unless it is given."""

    def create() -> WholeSubmissionOut:
        given = (body.student_item.model_dump(), body.answer, body.submitted_at, body.attempt_number)
        return _whole(api.create_submission(*given)["uuid"])

    made = run_in_transaction(create)
    place = url_for(f"{submissions.name}.show_submission", submission_uuid=made.uuid)
    return made, 201, {"Location": place}
