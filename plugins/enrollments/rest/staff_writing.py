"""``/api/program_enrollments/v1/programs/…``: writing, each row with its own answer."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import Response, jsonify, request
from pydantic import RootModel

from plugins.enrollments.api import write_program_course_enrollments, write_program_enrollments
from plugins.enrollments.models.stamps import changing_through
from plugins.enrollments.models.vocabulary import COURSE_STATUSES, PROGRAM_STATUSES
from plugins.enrollments.permissions import ENROLLMENTS_EDIT
from plugins.enrollments.rest.blueprints import CHANNEL, COURSE_ROWS, PROGRAM_ROWS, classic, mixed_status
from plugins.enrollments.rest.forms import COURSE_ROW, PROGRAM_ROW, STATUS_ROW, schema_of, sent_rows
from plugins.enrollments.rest.places import need_course, need_program
from portal.sdk import run_in_transaction
from portal.sdk.rest import api_route

V = TypeVar("V", bound=Callable[..., Response])
_WRITE_ANSWERS = {
    204: "An empty list was sent.",
    207: "Some rows were written, some not.",
    422: "No row was written.",
}
_WRITE_PROBLEMS = {413: "More rows than a call may bring.", 415: "The body is no JSON."}
#: Method → (may create, may update).
_MODES = {"POST": (True, False), "PATCH": (False, True), "PUT": (True, True)}
_KEY = "external_user_key"


class StatusesOut(RootModel[dict[str, str]]):
    """Student key → its new status, or why the row was not written."""


def _write_program_rows(program_uuid: uuid.UUID) -> Response:
    need_program(program_uuid)
    create, update = _MODES[request.method]
    rows = [{_KEY: row.pop("student_key"), **row} for row in sent_rows(PROGRAM_ROW if create else STATUS_ROW)]
    with changing_through(CHANNEL):
        told = run_in_transaction(lambda: write_program_enrollments(program_uuid, rows, create, update))
    return _statuses(told, PROGRAM_STATUSES)


def _write_course_rows(program_uuid: uuid.UUID, course_key: str) -> Response:
    need_course(program_uuid, course_key)
    create, update = _MODES[request.method]
    rows = [{_KEY: row.pop("student_key"), **row} for row in sent_rows(COURSE_ROW)]
    with changing_through(CHANNEL):
        told = run_in_transaction(
            lambda: write_program_course_enrollments(program_uuid, course_key, rows, create, update)
        )
    return _statuses(told, COURSE_STATUSES)


def _writing(row: Mapping[str, Any]) -> Callable[[V], V]:
    return api_route(
        ENROLLMENTS_EDIT,
        answer=StatusesOut,
        writes=True,
        takes=schema_of(row),
        also=_WRITE_ANSWERS,
        problems=_WRITE_PROBLEMS,
    )


@classic.post(PROGRAM_ROWS)
@_writing(PROGRAM_ROW)
def create_program_rows(program_uuid: uuid.UUID) -> Response:
    """Enroll learners in a program; those who are in it answer ``conflict``."""
    return _write_program_rows(program_uuid)


@classic.patch(PROGRAM_ROWS)
@_writing(STATUS_ROW)
def change_program_rows(program_uuid: uuid.UUID) -> Response:
    """Set the status of a program's learners; others answer ``not-in-program``."""
    return _write_program_rows(program_uuid)


@classic.put(PROGRAM_ROWS)
@_writing(PROGRAM_ROW)
def put_program_rows(program_uuid: uuid.UUID) -> Response:
    """Enroll learners in a program, or set the status of those who are in it."""
    return _write_program_rows(program_uuid)


@classic.post(COURSE_ROWS)
@_writing(COURSE_ROW)
def create_course_rows(program_uuid: uuid.UUID, course_key: str) -> Response:
    """Enroll a program's learners in a course run; those who are in it answer ``conflict``."""
    return _write_course_rows(program_uuid, course_key)


@classic.patch(COURSE_ROWS)
@_writing(COURSE_ROW)
def change_course_rows(program_uuid: uuid.UUID, course_key: str) -> Response:
    """Set the status of a program's learners in a course run; others answer ``not-found``."""
    return _write_course_rows(program_uuid, course_key)


@classic.put(COURSE_ROWS)
@_writing(COURSE_ROW)
def put_course_rows(program_uuid: uuid.UUID, course_key: str) -> Response:
    """Enroll a program's learners in a course run, or set the status of those who are in it."""
    return _write_course_rows(program_uuid, course_key)


def _statuses(told: Mapping[Any, str], good: frozenset[str]) -> Response:
    answer = jsonify({str(key): status for key, status in told.items()})
    answer.status_code = mixed_status([status in good for status in told.values()])
    return answer
