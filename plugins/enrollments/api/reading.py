"""Reading enrollments of programs. Every function is one statement and reads only.

Filters that are None do not filter, an empty list finds nothing, several filters are joined by AND; keys are compared
as the setting says. Rows come by number, oldest first. The ``select_…`` twins give the statement itself, for pages and
exports that add order, limits or columns.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Select, select

from plugins.enrollments.api.filters import (
    by_course,
    by_key,
    by_keys,
    by_program,
    by_realization,
    by_statuses,
    by_user,
    by_users,
    by_uuids,
    exclusive,
    one,
    some_learner,
    some_learners,
)
from plugins.enrollments.models import ProgramEnrollment
from portal.sdk import User, db

WHAT = "program enrollment"
Enrollments = Select[ProgramEnrollment]


def get_program_enrollment(
    program_uuid: object,
    user: User | None = None,
    external_user_key: str | None = None,
    curriculum_uuid: object = None,
) -> ProgramEnrollment:
    """Return the enrollment of a learner, named by user, key or both, in a program.

    Raises:
        InvalidRequest: neither user nor key, or a UUID that is none.
        EnrollmentNotFound: there is none.
        SeveralEnrollments: the learner is in several curricula; name one.

    Source: program_enrollments of edx-platform, ``api/reading.py``.
    """
    some_learner(user, external_user_key)
    statement = by_program(_all(), program_uuid)
    statement = by_key(by_user(statement, user), external_user_key)
    if curriculum_uuid is not None:
        statement = by_uuids(statement, ProgramEnrollment.curriculum_uuid, [curriculum_uuid])
    found: ProgramEnrollment = one(statement, WHAT)
    return found


def select_program_enrollments(
    program_uuid: object,
    curriculum_uuids: Iterable[object] | None = None,
    users: Iterable[User] | None = None,
    external_user_keys: Collection[str] | None = None,
    program_enrollment_statuses: Collection[str] | None = None,
    realized_only: bool = False,
    waiting_only: bool = False,
) -> Enrollments:
    """Return the statement of :func:`fetch_program_enrollments`."""
    exclusive(realized_only=realized_only, waiting_only=waiting_only)
    statement = by_program(_all(), program_uuid)
    statement = by_uuids(statement, ProgramEnrollment.curriculum_uuid, curriculum_uuids)
    statement = by_keys(by_users(statement, users), external_user_keys)
    statement = by_statuses(statement, program_enrollment_statuses)
    return by_realization(statement, realized_only=realized_only, waiting_only=waiting_only)


def fetch_program_enrollments(program_uuid: object, **filters: Any) -> Sequence[ProgramEnrollment]:
    """Return the enrollments of a program.

    Args:
        filters: ``curriculum_uuids``, ``users``, ``external_user_keys``, ``program_enrollment_statuses``,
            ``realized_only`` (with user) or ``waiting_only`` (without).

    Raises:
        InvalidRequest: both of the last two, or a UUID that is none.

    Source: program_enrollments of edx-platform, ``api/reading.py``.
    """
    return _rows(select_program_enrollments(program_uuid, **filters))


def select_program_enrollments_by_student(
    user: User | None = None,
    external_user_key: str | None = None,
    program_uuids: Iterable[object] | None = None,
    curriculum_uuids: Iterable[object] | None = None,
    program_enrollment_statuses: Collection[str] | None = None,
    realized_only: bool = False,
    waiting_only: bool = False,
) -> Enrollments:
    """Return the statement of :func:`fetch_program_enrollments_by_student`."""
    some_learner(user, external_user_key)
    exclusive(realized_only=realized_only, waiting_only=waiting_only)
    statement = by_key(by_user(_all(), user), external_user_key)
    statement = by_uuids(statement, ProgramEnrollment.program_uuid, program_uuids)
    statement = by_uuids(statement, ProgramEnrollment.curriculum_uuid, curriculum_uuids)
    statement = by_statuses(statement, program_enrollment_statuses)
    return by_realization(statement, realized_only=realized_only, waiting_only=waiting_only)


def fetch_program_enrollments_by_student(
    user: User | None = None, external_user_key: str | None = None, **filters: Any
) -> Sequence[ProgramEnrollment]:
    """Return the enrollments of one learner, named by user, key or both, in all programs.

    Args:
        filters: ``program_uuids``, ``curriculum_uuids``, ``program_enrollment_statuses``, ``realized_only``,
            ``waiting_only``.

    Raises:
        InvalidRequest: neither user nor key (told first), both of the last two, or a UUID that is none.

    Source: program_enrollments of edx-platform, ``api/reading.py``.
    """
    return _rows(select_program_enrollments_by_student(user, external_user_key, **filters))


def fetch_program_enrollments_by_students(
    users: Sequence[User] | None = None,
    external_user_keys: Sequence[str] | None = None,
    program_enrollment_statuses: Collection[str] | None = None,
    realized_only: bool = False,
    waiting_only: bool = False,
) -> Sequence[ProgramEnrollment]:
    """Return the enrollments of many learners, named by users, keys or both, in all programs.

    Raises:
        InvalidRequest: both lists are empty or None, or both flags.

    Source: program_enrollments of edx-platform, ``api/reading.py``.
    """
    some_learners(users, external_user_keys)
    exclusive(realized_only=realized_only, waiting_only=waiting_only)
    statement = by_keys(by_users(_all(), users or None), external_user_keys or None)
    statement = by_statuses(statement, program_enrollment_statuses)
    return _rows(by_realization(statement, realized_only=realized_only, waiting_only=waiting_only))


def get_external_key_by_user_and_course(user: User, course_key: object) -> str | None:
    """Return the key under which a user takes a course run: of the active row, else of the newest; None without one.

    Raises:
        InvalidCourseKey: the text is no course key.

    Source: program_enrollments of edx-platform, ``api/reading.py``.
    """
    return db.session.scalar(by_course(user, course_key))


def _all() -> Enrollments:
    return select(ProgramEnrollment)


def _rows(statement: Enrollments) -> Sequence[ProgramEnrollment]:
    return db.session.scalars(statement.order_by(ProgramEnrollment.id)).all()
