"""``/api/program_enrollments/v1/programs/…`` for the partner's programs: list, write, grades, reset."""

import uuid
from collections.abc import Sequence
from typing import Any

from flask import Response, jsonify, request
from pydantic import BaseModel, RootModel
from sqlalchemy.orm import contains_eager, joinedload

from plugins.enrollments.api.course_reading import select_program_course_enrollments, staff_rows
from plugins.enrollments.api.grades import Grade, ProgramCourseGradeError, grades_of
from plugins.enrollments.api.reading import select_program_enrollments
from plugins.enrollments.api.resetting import require_reset_allowed
from plugins.enrollments.api.resetting_organizations import reset_organization
from plugins.enrollments.models import ProgramCourseEnrollment, ProgramEnrollment
from plugins.enrollments.models.stamps import changing_through
from plugins.enrollments.permissions import (
    ENROLLMENTS_RESET,
    ENROLLMENTS_VIEW,
    GRADES_VIEW,
)
from plugins.enrollments.rest.blueprints import CHANNEL, COURSE_ROWS, PROGRAM_ROWS, classic, mixed_status
from plugins.enrollments.rest.forms import (
    RowsInvalid,
)
from plugins.enrollments.rest.paging import ClassicList, ClassicPage, classic_page
from plugins.enrollments.rest.places import need_course, need_program
from portal.sdk import current_actor, narrow, run_in_transaction
from portal.sdk.rest import api_route, order_of


class LearnerOut(BaseModel):
    """An enrollment of a program."""

    student_key: str | None
    status: str
    account_exists: bool
    curriculum_uuid: uuid.UUID
    username: str
    email: str


class LearnersOut(ClassicList):
    """Enrollments of a program, oldest first."""

    results: list[LearnerOut]


class TakerOut(BaseModel):
    """A learner of a program in a course run."""

    student_key: str | None
    status: str
    account_exists: bool
    curriculum_uuid: uuid.UUID
    course_staff: bool


class TakersOut(ClassicList):
    """Learners of a program in a course run, oldest first."""

    results: list[TakerOut]


class GradeOut(BaseModel):
    """A grade, or why there is none."""

    student_key: str | None
    passed: bool | None = None
    percent: float | None = None
    letter_grade: str | None = None
    error: str | None = None


class GradesOut(ClassicList):
    """Grades of a program's learners in a course run."""

    results: list[GradeOut]


class ResetOut(RootModel[dict[str, int]]):
    """What was deleted → how many."""


@classic.get(PROGRAM_ROWS)
@api_route(ENROLLMENTS_VIEW, query=ClassicPage, answer=LearnersOut)
def list_program_enrollments(program_uuid: uuid.UUID, query: ClassicPage) -> Response:
    """List the enrollments of a program, oldest first."""
    need_program(program_uuid)
    statement = select_program_enrollments(program_uuid).options(joinedload(ProgramEnrollment.user))
    statement = narrow(statement, current_actor(), ENROLLMENTS_VIEW, ProgramEnrollment)
    return jsonify(classic_page(statement, order_of(ProgramEnrollment), _learners))


@classic.get(COURSE_ROWS)
@api_route(ENROLLMENTS_VIEW, query=ClassicPage, answer=TakersOut)
def list_course_enrollments(program_uuid: uuid.UUID, course_key: str, query: ClassicPage) -> Response:
    """List a program's learners in a course run, oldest first."""
    need_course(program_uuid, course_key)
    statement = narrow(
        select_program_course_enrollments(program_uuid, course_key),
        current_actor(),
        ENROLLMENTS_VIEW,
        ProgramCourseEnrollment,
    )
    return jsonify(classic_page(statement, order_of(ProgramCourseEnrollment), _takers))


@classic.get("/programs/<uuid:program_uuid>/courses/<path:course_key>/grades/")
@api_route(
    GRADES_VIEW,
    query=ClassicPage,
    answer=GradesOut,
    also={204: "Nobody with an account takes it.", 207: "Some grades failed.", 422: "All grades failed."},
)
def list_grades(program_uuid: uuid.UUID, course_key: str, query: ClassicPage) -> Response:
    """List the grades of a program's learners in a course run; learners without account are left out."""
    need_course(program_uuid, course_key)
    grades: list[Grade] = []

    def graded(rows: Sequence[ProgramCourseEnrollment]) -> list[dict[str, Any]]:
        grades.extend(grades_of(rows))
        return [_grade(grade) for grade in grades]

    loaded = contains_eager(ProgramCourseEnrollment.program_enrollment)
    statement = select_program_course_enrollments(program_uuid, course_key, realized_only=True)
    answer = jsonify(classic_page(statement.options(loaded), order_of(ProgramCourseEnrollment), graded))
    answer.status_code = mixed_status([not grade.is_error for grade in grades])
    return answer


@classic.post("/integration-reset")
@api_route(
    ENROLLMENTS_RESET,
    answer=ResetOut,
    writes=True,
    takes={
        "type": "object",
        "properties": {"organization": {"type": "string"}},
        "required": ["organization"],
    },
    problems={
        404: "There is no such organization.",
        415: "The body is no JSON.",
        501: "A setting forbids it.",
    },
)
def reset() -> Response:
    """Delete the enrollments of an organization's programs and the identities of its providers; for trials only."""
    require_reset_allowed()
    sent = request.get_json()
    key = sent.get("organization") if isinstance(sent, dict) else None
    if not isinstance(key, str) or not key:
        raise RowsInvalid("organization is required: the short name of an organization.")
    with changing_through(CHANNEL):
        return jsonify(run_in_transaction(lambda: reset_organization(key)))


def _learners(rows: Sequence[ProgramEnrollment]) -> list[dict[str, Any]]:
    return [
        {
            "student_key": row.external_user_key,
            "status": row.status,
            "account_exists": row.user is not None,
            "curriculum_uuid": str(row.curriculum_uuid),
            "username": row.user.sign_in_name if row.user is not None else "",
            "email": (row.user.email or "") if row.user is not None else "",
        }
        for row in rows
    ]


def _takers(rows: Sequence[ProgramCourseEnrollment]) -> list[dict[str, Any]]:
    staff = staff_rows(rows)
    return [
        {
            "student_key": row.program_enrollment.external_user_key,
            "status": row.status,
            "account_exists": row.user_id is not None,
            "curriculum_uuid": str(row.program_enrollment.curriculum_uuid),
            "course_staff": row.id in staff,
        }
        for row in rows
    ]


def _grade(grade: Grade) -> dict[str, Any]:
    key = grade.program_course_enrollment.program_enrollment.external_user_key
    if isinstance(grade, ProgramCourseGradeError):
        return {"student_key": key, "error": grade.error}
    return {
        "student_key": key,
        "passed": grade.passed,
        "percent": grade.percent,
        "letter_grade": grade.letter_grade,
    }
