"""Results, errors and tables as the scenario files write them: natural keys only."""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.exc import IntegrityError

from plugins.enrollments import errors
from plugins.enrollments.models import (
    CourseAccessRole,
    CourseAccessRoleAssignment,
    CourseEnrollment,
    IdentityProvider,
    Organization,
    ProgramCourseEnrollment,
    ProgramEnrollment,
)
from portal.kernel.db import db
from portal.sdk import User

#: The first class that fits says what an error means.
MEANINGS: Sequence[tuple[type[Exception], str]] = (
    (errors.MissingField, "missing_field"),
    (errors.ProgramDoesNotExistException, "program_not_found"),
    (errors.OrganizationDoesNotExistException, "organization_not_found"),
    (errors.ProviderDoesNotExistException, "provider_not_found"),
    (errors.ProviderConfigurationException, "provider_ambiguous"),
    (errors.EnrollmentNotFound, "not_found"),
    (errors.SeveralEnrollments, "several_found"),
    (errors.EnrollmentConflict, "integrity"),
    (IntegrityError, "integrity"),
    (errors.NonExistentCourseError, "course_not_found"),
    (errors.CourseEnrollmentException, "refused"),
    (ValueError, "value"),
    (TypeError, "value"),
    (KeyError, "missing_field"),
)
#: What only a database says, in words of its own.
_INTEGRITY = re.compile(r"^IntegrityError: .*", re.DOTALL)


def raised(error: Exception) -> dict[str, str]:
    """Return an error as class, meaning and message."""
    meaning = next((meaning for kind, meaning in MEANINGS if isinstance(error, kind)), "internal")
    return {"raises": type(error).__name__, "meaning": meaning, "message": str(error)}


def result(value: Any) -> Any:
    """Return what a call gave."""
    if isinstance(value, Mapping):
        return {str(key): result(item) for key, item in value.items()}
    if isinstance(value, list) and value and not isinstance(value[0], str):
        return {"rows": _sorted([result(item) for item in value])}
    if isinstance(value, tuple):
        return [list(item) for item in value]
    if isinstance(value, User):
        return {"user": value.sign_in_name}
    if isinstance(value, IdentityProvider):
        return {"provider": value.slug}
    if isinstance(value, Organization):
        return {"organization": value.short_name}
    for kind, (name, shape) in _OBJECTS.items():
        if isinstance(value, kind):
            return {name: shape(value), "saved": bool(inspect(value).persistent)}
    if isinstance(value, uuid.UUID):
        return str(value)
    return _INTEGRITY.sub("IntegrityError: <database message>", value) if isinstance(value, str) else value


def rows_of(value: Any) -> Any:
    """Return the result of a function that gives rows, even when there is none."""
    return {"rows": _sorted([result(item) for item in value])}


def state() -> dict[str, list[Any]]:
    """Return every table that the scenarios look at."""
    names = dict(db.session.execute(select(User.id, User.sign_in_name)).all())
    tables: dict[str, list[Any]] = {
        "program_enrollments": [_learner(row) for row in db.session.scalars(select(ProgramEnrollment))],
        "program_course_enrollments": [
            _row(row) for row in db.session.scalars(select(ProgramCourseEnrollment))
        ],
        "course_enrollments": [_course(row) for row in db.session.scalars(select(CourseEnrollment))],
        "role_assignments": [
            {
                "course": item.program_course_enrollment.course_key,
                "external_user_key": item.program_course_enrollment.program_enrollment.external_user_key,
                "role": item.role,
            }
            for item in db.session.scalars(select(CourseAccessRoleAssignment))
        ],
        "course_access_roles": [
            {"course": item.course_key, "role": item.role, "user": names[item.user_id]}
            for item in db.session.scalars(select(CourseAccessRole))
        ],
    }
    return {name: _sorted(rows) for name, rows in tables.items() if rows}


def _learner(row: ProgramEnrollment) -> dict[str, Any]:
    return {
        "curriculum": str(row.curriculum_uuid),
        "external_user_key": row.external_user_key,
        "program": str(row.program_uuid),
        "status": row.status,
        "user": row.user.sign_in_name if row.user is not None else None,
    }


def _row(row: ProgramCourseEnrollment) -> dict[str, Any]:
    learner, course = row.program_enrollment, row.course_enrollment
    return {
        "course": row.course_key,
        "course_enrollment": {"course": course.course_key, "user": course.user.sign_in_name}
        if course
        else None,
        "curriculum": str(learner.curriculum_uuid),
        "external_user_key": learner.external_user_key,
        "program": str(learner.program_uuid),
        "status": row.status,
    }


def _course(row: CourseEnrollment) -> dict[str, Any]:
    return {
        "course": row.course_key,
        "is_active": row.is_active,
        "mode": row.mode,
        "user": row.user.sign_in_name,
    }


def _sorted(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


_OBJECTS: Mapping[type, tuple[str, Any]] = {
    ProgramEnrollment: ("program_enrollment", _learner),
    ProgramCourseEnrollment: ("program_course_enrollment", _row),
    CourseEnrollment: ("course_enrollment", _course),
}
