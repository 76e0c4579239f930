"""``/api/v1/submissions/grader-…``: the queue of external graders for new programs; older ones have ``/xqueue/``."""

import json
import uuid
from typing import Any

from flask import url_for
from sqlalchemy import select

from plugins.submissions.api.grader_files import file_of
from plugins.submissions.api.grading import create_external_grader_detail, pull, put_result
from plugins.submissions.api.inputs import submission_uuid
from plugins.submissions.api.queue import queue_counts
from plugins.submissions.models import GraderEntry, Submission
from plugins.submissions.permissions import ANSWERS_CREATE, GRADERS_SERVE, GRADERS_VIEW
from plugins.submissions.rest.answers import LARGEST_ID, of_words, submissions
from plugins.submissions.rest.shapes import (
    EntryListOut,
    EntryOut,
    EntryQuery,
    HandedOut,
    NewEntryIn,
    PulledOut,
    QueueListOut,
    QueueOut,
    ResultIn,
    TakenOut,
)
from portal.sdk import NotFound, db, run_in_transaction
from portal.sdk.rest import PageOrder, api_route, list_page, narrowed_select
from portal.sdk.web import send_blob

_REFUSED = {
    403: "The permission is missing, or the entry was handed out with another key since.",
    404: "The submission is in no grader's queue.",
    409: "The entry is not handed out, or another call works on it at this moment.",
}
_COLUMNS = (
    GraderEntry.id,
    Submission.uuid.label("submission_uuid"),
    GraderEntry.queue_name,
    GraderEntry.status,
    GraderEntry.points_possible,
    GraderEntry.num_failures,
    GraderEntry.lease_until,
    GraderEntry.status_time,
    GraderEntry.created_at,
)


def _entry_out(row: Any) -> EntryOut:
    return EntryOut(**{name: getattr(row, name) for name in EntryOut.model_fields})


@submissions.get("/grader-queues")
@api_route(GRADERS_VIEW, answer=QueueListOut)
def list_queues() -> Any:
    """List the queues of external graders with the number of their entries by state."""
    found = queue_counts()
    made = [
        QueueOut(queue_name=name, entries={str(state): number for state, number in counts.items()})
        for name, counts in found.items()
    ]
    return QueueListOut(items=made)


@submissions.get("/grader-entries")
@api_route(GRADERS_VIEW, query=EntryQuery, answer=EntryListOut)
def list_entries(query: EntryQuery) -> Any:
    """List the entries of the queues, newest first."""
    statement = (
        narrowed_select(GraderEntry, GRADERS_VIEW)
        .join(Submission, Submission.id == GraderEntry.submission_id)
        .with_only_columns(*_COLUMNS)
    )
    statement = of_words(statement, [(GraderEntry.queue_name, query.queue_name)])
    if query.status is not None:
        statement = statement.where(GraderEntry.status == query.status)
    order = PageOrder(columns=(GraderEntry.created_at, GraderEntry.id), descending=True)
    return list_page(statement, order, query, _entry_out)


@submissions.post("/grader-entries")
@api_route(ANSWERS_CREATE, body=NewEntryIn, answer=EntryOut, status=201, writes=True)
def create_entry(body: NewEntryIn) -> Any:
    """Hand an answer in and put it into the queue of an external grader."""

    def create() -> EntryOut:
        made = create_external_grader_detail(
            body.student_item.model_dump(),
            body.answer,
            body.queue_name,
            body.queue_key,
            body.grader_payload,
            body.points_possible,
        )
        key = submission_uuid(made["submission_uuid"])
        statement = (
            select(*_COLUMNS)
            .select_from(Submission)
            .join(GraderEntry, Submission.id == GraderEntry.submission_id)
        )
        return _entry_out(db.session.execute(statement.where(Submission.uuid == key)).one())

    return run_in_transaction(create), 201


@submissions.post("/grader-queues/<queue_name>/pulls")
@api_route(GRADERS_SERVE, answer=PulledOut, status=201, writes=True)
def pull_entry(queue_name: str) -> Any:
    """Take the entry of a queue that waits longest, with a new key and a lease; null when none waits.

    Bring the result before the lease ends: afterwards the entry is handed out anew and the key is worth nothing.
    """
    found = run_in_transaction(lambda: pull(queue_name))
    if found is None:
        return PulledOut(entry=None), 201
    place = f"{submissions.name}.get_grader_file"
    files = {name: url_for(place, file_uuid=key) for name, key in found.files.items()}
    return PulledOut(entry=HandedOut.of(found, json.loads(found.raw_answer), files)), 201


@submissions.post(f"/grader-entries/<int(max={LARGEST_ID}):submission_id>/results")
@api_route(GRADERS_SERVE, body=ResultIn, answer=TakenOut, status=201, writes=True, problems=_REFUSED)
def bring_result(submission_id: int, body: ResultIn) -> Any:
    """Bring a result: the score is set and the entry is done.

    A score that cannot be stored counts as a failure of the entry, which is then handed out anew.
    """
    is_scored = run_in_transaction(lambda: put_result(submission_id, body.key, body.score, body.reply))
    return TakenOut(is_scored=is_scored), 201


@submissions.get("/grader-files/<uuid:file_uuid>")
@api_route(GRADERS_SERVE, files=("application/octet-stream",))
def get_grader_file(file_uuid: uuid.UUID) -> Any:
    """Fetch a file that goes to the grader with an answer."""
    found = file_of(file_uuid)
    if found is None:
        raise NotFound("grader-file-missing", "There is no such file.")
    sha256, name = found
    return send_blob(sha256, "application/octet-stream", name)
