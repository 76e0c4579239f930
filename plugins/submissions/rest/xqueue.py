"""``/xqueue/…``: the queue of external graders as programs written for XQueue know it.

Every answer is ``{"return_code": 0 or 1, "content": …}`` with a fitting status.
"""

import json
import uuid
from typing import Any

from flask import Response, jsonify, request, url_for
from werkzeug.exceptions import HTTPException

from plugins.submissions.api.grader_files import file_of
from plugins.submissions.api.grading import Pulled, pull, put_result
from plugins.submissions.api.waiting import waiting
from plugins.submissions.errors import (
    EntryLocked,
    MoveRefused,
    SubmissionNotFoundError,
    SubmissionRequestError,
    WrongKey,
)
from plugins.submissions.permissions import GRADERS_SERVE
from portal.sdk import NotFound, PortalError, public_route, requires, run_in_transaction
from portal.sdk.rest import program_blueprint, sign_in_program, sign_out_program
from portal.sdk.web import send_blob

LARGEST_ID = 2**63 - 1
#: What a refused result is told, and with which status.
_REFUSED: dict[type[PortalError], tuple[str, int]] = {
    SubmissionNotFoundError: ("Submission does not exist", 404),
    EntryLocked: ("Submission is being processed by another call", 409),
    MoveRefused: ("No result is expected for this submission", 409),
    WrongKey: ("Incorrect key for submission", 403),
}
xqueue = program_blueprint("submissions")


def reply(content: object, status: int = 200, *, code: int | None = None) -> Response:
    """Return an answer; the return code is 1 for every status but 200 unless it is given."""
    response = jsonify(return_code=code if code is not None else int(status != 200), content=content)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


@xqueue.errorhandler(PortalError)
def refused(error: PortalError) -> Response:
    """Answer what the portal refuses; whoever is not signed in is simply not allowed, as of old."""
    response = reply(error.message, 403 if error.status == 401 else error.status)
    if seconds := getattr(error, "retry_after_seconds", None):
        response.headers["Retry-After"] = str(seconds)
    return response


@xqueue.errorhandler(HTTPException)
def not_understood(error: HTTPException) -> Response:
    """Answer what is no call of the protocol."""
    return reply(error.name, error.code or 500)


@xqueue.get("/login/")
@public_route
def greeting() -> Response:
    """Answer programs that look at the login page first."""
    return reply("")


@xqueue.post("/login/")
@public_route
def login() -> Response:
    """Sign in with ``username`` and ``password``."""
    name, password = request.form.get("username"), request.form.get("password")
    if not name or not password:
        return reply("Insufficient login info", 400)
    if not sign_in_program(name, password):
        return reply("Incorrect login credentials", 401)
    return reply("Logged in")


@xqueue.post("/logout/")
@public_route
def logout() -> Response:
    """Sign out."""
    sign_out_program()
    return reply("Goodbye")


@xqueue.post("/status/")
@requires(GRADERS_SERVE)
def status() -> Response:
    """Say that the queue is there."""
    return reply("OK")


@xqueue.get("/get_queuelen/")
@requires(GRADERS_SERVE)
def get_queuelen() -> Response:
    """Say how many entries of ``queue_name`` could be handed out now."""
    queue_name = request.args.get("queue_name")
    if not queue_name:
        return reply("'get_queuelen' must provide parameter 'queue_name'", 400)
    return reply(waiting(queue_name))


@xqueue.get("/get_submission/")
@requires(GRADERS_SERVE)
def get_submission() -> Response:
    """Hand out the entry of ``queue_name`` that waits longest. A GET that writes, because the protocol has it so."""
    queue_name = request.args.get("queue_name")
    if not queue_name:
        return reply("'get_submission' must provide parameter 'queue_name'", 400)
    entry = run_in_transaction(lambda: pull(queue_name))
    if entry is None:
        return reply(f"Queue '{queue_name}' is empty", code=1)
    return reply(_content(entry))


def _content(entry: Pulled) -> str:
    student = {
        "anonymous_student_id": entry.student_id,
        "submission_time": str(int(entry.submitted_at.timestamp())),
        "random_seed": 1,
    }
    header = {"submission_id": entry.submission_id, "submission_key": entry.key}
    body = {
        "grader_payload": json.dumps({"grader": entry.grader_payload}),
        "student_info": json.dumps(student),
        "student_response": json.loads(entry.raw_answer),
    }
    files = {
        name: url_for(f"{xqueue.name}.get_file", file_uuid=key, _external=True)
        for name, key in entry.files.items()
    }
    parts = {"xqueue_header": header, "xqueue_body": body, "xqueue_files": files}
    return json.dumps({name: json.dumps(part) for name, part in parts.items()})


@xqueue.get("/files/<uuid:file_uuid>/")
@requires(GRADERS_SERVE)
def get_file(file_uuid: uuid.UUID) -> Any:
    """Give a file that goes to the grader with an answer."""
    found = file_of(file_uuid)
    if found is None:
        raise NotFound("grader-file-missing", "There is no such file.")
    sha256, name = found
    return send_blob(sha256, "application/octet-stream", name)


@xqueue.post("/put_result/")
@requires(GRADERS_SERVE)
def put() -> Response:
    """Take a result; one whose score cannot be stored counts as a failure of the entry and is answered as received."""
    header, body = _parsed("xqueue_header"), _parsed("xqueue_body")
    if header is None or body is None or "score" not in body:
        return reply("Incorrect reply format", 400)
    submission_id, key = _id(header.get("submission_id")), header.get("submission_key")
    if submission_id is None or not isinstance(key, str):
        return reply("Incorrect reply format", 400)
    sent = request.form["xqueue_body"]
    try:
        run_in_transaction(lambda: put_result(submission_id, key, body["score"], sent))
    except tuple(_REFUSED) as error:
        words, status_code = next(told for kind, told in _REFUSED.items() if isinstance(error, kind))
        return reply(words, status_code)
    except SubmissionRequestError as error:
        return reply(error.message, 400)
    return reply("")


def _parsed(field: str) -> dict[str, Any] | None:
    """Return the JSON object of a form field; None when it holds none."""
    try:
        found = json.loads(request.form.get(field, ""))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _id(given: object) -> int | None:
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) < 20:
        given = int(given)
    return (
        given if isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= LARGEST_ID else None
    )
