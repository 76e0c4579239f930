"""Reading what learners of programs do in course runs; see :mod:`.reading` for the rules of filters."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy.orm import contains_eager

from plugins.enrollments.api.filters import (
    by_enrollments,
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
from plugins.enrollments.api.inputs import current_settings, required_course_key
from plugins.enrollments.models import (
    CourseAccessRole,
    CourseAccessRoleAssignment,
    CourseEnrollmentStatus,
    ProgramCourseEnrollment,
    ProgramEnrollment,
)
from plugins.enrollments.models.vocabulary import CourseRole
from portal.sdk import User, db

WHAT = "program course enrollment"
Rows = Select[ProgramCourseEnrollment]


def get_program_course_enrollment(
    program_uuid: object,
    course_key: object,
    user: User | None = None,
    external_user_key: str | None = None,
    curriculum_uuid: object = None,
) -> ProgramCourseEnrollment:
    """Return the row of a learner, named by user, key or both, in a program and course run.

    Raises:
        InvalidRequest, InvalidCourseKey: neither user nor key, or an id that is none.
        EnrollmentNotFound: there is none.
        SeveralEnrollments: the learner takes it in several curricula; name one.

    Source: program_enrollments of edx-platform, ``api/reading.py``.
    """
    some_learner(user, external_user_key)
    statement = by_key(by_user(_of_program(program_uuid, course_key), user), external_user_key)
    if curriculum_uuid is not None:
        statement = by_uuids(statement, ProgramEnrollment.curriculum_uuid, [curriculum_uuid])
    found: ProgramCourseEnrollment = one(statement, WHAT)
    return found


def select_program_course_enrollments(  # noqa: PLR0913, PLR0917 - the old signature
    program_uuid: object,
    course_key: object,
    curriculum_uuids: Iterable[object] | None = None,
    users: Iterable[User] | None = None,
    external_user_keys: Collection[str] | None = None,
    program_enrollment_statuses: Collection[str] | None = None,
    program_enrollments: Iterable[ProgramEnrollment] | None = None,
    active_only: bool = False,
    inactive_only: bool = False,
    realized_only: bool = False,
    waiting_only: bool = False,
) -> Rows:
    """Return the statement of :func:`fetch_program_course_enrollments`."""
    exclusive(active_only=active_only, inactive_only=inactive_only)
    exclusive(realized_only=realized_only, waiting_only=waiting_only)
    statement = _of_program(program_uuid, course_key)
    statement = by_uuids(statement, ProgramEnrollment.curriculum_uuid, curriculum_uuids)
    statement = by_keys(by_users(statement, users), external_user_keys)
    statement = by_enrollments(by_statuses(statement, program_enrollment_statuses), program_enrollments)
    statement = _by_activity(statement, active_only=active_only, inactive_only=inactive_only)
    return by_realization(statement, realized_only=realized_only, waiting_only=waiting_only)


def fetch_program_course_enrollments(
    program_uuid: object, course_key: object, **filters: Any
) -> Sequence[ProgramCourseEnrollment]:
    """Return the rows of a program in a course run.

    Args:
        filters: ``curriculum_uuids``, ``users``, ``external_user_keys``, ``program_enrollment_statuses``,
            ``program_enrollments``, ``active_only`` or ``inactive_only``, ``realized_only`` or ``waiting_only``.

    Raises:
        InvalidRequest, InvalidCourseKey: two flags that exclude each other (activity is told first), or a wrong id.

    Source: program_enrollments of edx-platform, ``api/reading.py``.
    """
    return _rows(select_program_course_enrollments(program_uuid, course_key, **filters))


def fetch_program_course_enrollments_by_students(  # noqa: PLR0913, PLR0917 - the old signature
    users: Sequence[User] | None = None,
    external_user_keys: Sequence[str] | None = None,
    program_uuids: Iterable[object] | None = None,
    curriculum_uuids: Iterable[object] | None = None,
    course_keys: Iterable[object] | None = None,
    program_enrollment_statuses: Collection[str] | None = None,
    active_only: bool = False,
    inactive_only: bool = False,
    realized_only: bool = False,
    waiting_only: bool = False,
) -> Sequence[ProgramCourseEnrollment]:
    """Return the rows of many learners, named by users, keys or both, in all programs and course runs.

    Raises:
        InvalidRequest, InvalidCourseKey: both lists are empty or None, flags that exclude each other, or a wrong id.

    Source: program_enrollments of edx-platform, ``api/reading.py``.
    """
    some_learners(users, external_user_keys)
    exclusive(active_only=active_only, inactive_only=inactive_only)
    exclusive(realized_only=realized_only, waiting_only=waiting_only)
    statement = by_keys(by_users(_all(), users or None), external_user_keys or None)
    statement = by_uuids(statement, ProgramEnrollment.program_uuid, program_uuids)
    statement = by_uuids(statement, ProgramEnrollment.curriculum_uuid, curriculum_uuids)
    if course_keys is not None:
        settings = current_settings()
        keys = [required_course_key(key, settings) for key in course_keys]
        statement = statement.where(ProgramCourseEnrollment.course_key.in_(keys))
    statement = by_statuses(statement, program_enrollment_statuses)
    statement = _by_activity(statement, active_only=active_only, inactive_only=inactive_only)
    return _rows(by_realization(statement, realized_only=realized_only, waiting_only=waiting_only))


def is_course_staff_enrollment(program_course_enrollment: ProgramCourseEnrollment) -> bool:
    """Say whether the learner is staff of the course run, or will be as soon as there is an account. One statement."""
    row = program_course_enrollment
    if row.user_id is not None:
        condition = exists().where(
            CourseAccessRole.user_id == row.user_id,
            CourseAccessRole.course_key == row.course_key,
            CourseAccessRole.role == CourseRole.STAFF.value,
        )
    else:
        condition = exists().where(
            CourseAccessRoleAssignment.program_course_enrollment_id == row.id,
            CourseAccessRoleAssignment.role == CourseRole.STAFF.value,
        )
    return bool(db.session.scalar(select(condition)))


def staff_rows(rows: Sequence[ProgramCourseEnrollment]) -> set[int]:
    """Return the numbers of the rows whose learners are, or will be, staff of their course runs. One statement."""
    row, role, waiting = ProgramCourseEnrollment, CourseAccessRole, CourseAccessRoleAssignment
    if not rows:
        return set()
    is_staff = exists().where(
        role.user_id == row.user_id, role.course_key == row.course_key, role.role == CourseRole.STAFF.value
    )
    will_be = exists().where(
        waiting.program_course_enrollment_id == row.id, waiting.role == CourseRole.STAFF.value
    )
    numbers = [item.id for item in rows]
    found = select(row.id).where(row.id.in_(numbers), or_(is_staff, and_(row.user_id.is_(None), will_be)))
    return set(db.session.scalars(found))


def _all() -> Rows:
    return (
        select(ProgramCourseEnrollment)
        .join(ProgramCourseEnrollment.program_enrollment)
        .options(contains_eager(ProgramCourseEnrollment.program_enrollment))
    )


def _of_program(program_uuid: object, course_key: object) -> Rows:
    key = required_course_key(course_key, current_settings())
    return by_program(_all(), program_uuid).where(ProgramCourseEnrollment.course_key == key)


def _by_activity(statement: Rows, *, active_only: bool, inactive_only: bool) -> Rows:
    if active_only:
        statement = statement.where(ProgramCourseEnrollment.status == CourseEnrollmentStatus.ACTIVE.value)
    if inactive_only:
        statement = statement.where(ProgramCourseEnrollment.status == CourseEnrollmentStatus.INACTIVE.value)
    return statement


def _rows(statement: Rows) -> Sequence[ProgramCourseEnrollment]:
    return db.session.scalars(statement.order_by(ProgramCourseEnrollment.id)).all()
