"""Writing what learners of programs do in course runs, many at once or one. Nothing here commits."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import set_committed_value

from plugins.enrollments.api import course_statements as statements
from plugins.enrollments.api.catalog import first_author
from plugins.enrollments.api.course_rows import ATTEMPTS, write_course_requests
from plugins.enrollments.api.entries import refused_entries
from plugins.enrollments.api.inputs import current_settings, required_course_key
from plugins.enrollments.api.masters_track import CourseState, is_entering, target_state
from plugins.enrollments.api.plans import RowPlan, statuses
from plugins.enrollments.errors import (
    CONFLICT,
    INVALID_STATUS,
    EnrollmentConflict,
    EnrollmentsBusy,
    InvalidRequest,
    NonExistentCourseError,
)
from plugins.enrollments.models import CourseEnrollment, CourseRun, ProgramCourseEnrollment, ProgramEnrollment
from plugins.enrollments.models.vocabulary import COURSE_STATUSES, CourseEnrollmentStatus
from portal.sdk import User, db, savepoint

Request = Mapping[str, Any]


def write_program_course_enrollments(
    program_uuid: object,
    course_key: object,
    enrollment_requests: Sequence[Request],
    create: bool,
    update: bool,
) -> dict[str, str]:
    """Put learners of a program into a course run, or change their status there; return key to status or error.

    Realized learners get a course enrollment by the table of the masters track; waiting ones get it when they are
    linked. Rows are judged in this order: ``duplicated``, ``invalid-key``, ``invalid-status``, ``not-in-program``,
    ``conflict`` (active in another program, or under another key of the same user), ``conflict`` without ``update``,
    ``not-found`` without ``create``; and what a plugin refuses: ``course-full``, ``enrollment-closed``,
    ``already-enrolled``, ``enrollment-not-allowed``, ``enrollment-refused``. One bad row never harms another one.

    Needs an open transaction; does not commit. At most eight statements for up to 5,000 rows without ``course_staff``.

    Args:
        program_uuid: UUID or its text; the catalog is not asked.
        course_key: ``course-v1:ORG+COURSE+RUN`` as text, or an object whose text it is.
        enrollment_requests: Mappings with ``external_user_key``, ``status`` (active or inactive) and optionally
            ``course_staff``: True gives, False takes the staff role, anything else leaves it.
        create: Make missing rows.
        update: Set the status of existing rows; their course enrollment is switched on or off, its mode stays.

    Raises:
        InvalidRequest, InvalidCourseKey, MissingField: as for :func:`write_program_enrollments`.
        NonExistentCourseError: a row would be created in a course run that does not exist; nothing was written.
        EnrollmentsBusy: other writers were quicker too often; repeat the transaction.

    Source: program_enrollments of edx-platform, ``api/writing.py``.
    """
    return statuses(
        write_course_requests(
            program_uuid, course_key, list(enrollment_requests), create=create, update=update
        )
    )


def plan_program_course_enrollments(
    program_uuid: object,
    course_key: object,
    enrollment_requests: Sequence[Request],
    create: bool,
    update: bool,
) -> list[RowPlan]:
    """Return what :func:`write_program_course_enrollments` would do to each request. Reads only; same errors."""
    return write_course_requests(
        program_uuid, course_key, list(enrollment_requests), create=create, update=update, apply=False
    )


def create_program_course_enrollment(
    program_enrollment: ProgramEnrollment, course_key: object, status: str, save: bool = True
) -> ProgramCourseEnrollment:
    """Put one learner into a course run and return the row. Needs an open transaction; does not commit.

    Args:
        save: False: return the row unsaved; the course enrollment of a realized learner is saved all the same.

    Raises:
        InvalidCourseKey, InvalidRequest: no course key, no such status.
        NonExistentCourseError: there is no such course run.
        CourseEnrollmentException: a plugin refused the user.
        EnrollmentConflict: the learner has this course run already, or is active in it through another program.

    Source: program_enrollments of edx-platform, ``api/writing.py``.
    """
    key = required_course_key(course_key, current_settings())
    _require_course(key)
    _require_status(status)
    row = ProgramCourseEnrollment(
        course_key=key,
        status=str(status),
        user_id=program_enrollment.user_id,
        external_key=program_enrollment.external_key,
        organization_key=db.session.scalar(select(first_author(program_enrollment.program_uuid))) or "",
    )
    if not save:
        row.course_enrollment = _course_enrollment(program_enrollment, key, status)
        row.program_enrollment_id = program_enrollment.id
        # Without telling the other side, which would save the row with its next flush.
        set_committed_value(row, "program_enrollment", program_enrollment)
        return row
    try:
        with savepoint() as session:
            row.course_enrollment = _course_enrollment(program_enrollment, key, status)
            row.program_enrollment_id = program_enrollment.id
            session.add(row)
            session.flush()
    except IntegrityError as error:
        raise EnrollmentConflict(
            f"The learner takes {key} already, or is active in it through another program.",
            {"course_key": key},
        ) from error
    db.session.expire(program_enrollment, ["course_rows"])
    return row


def change_program_course_enrollment_status(
    program_course_enrollment: ProgramCourseEnrollment, new_status: str | None
) -> str:
    """Set the status of a row and return it; its course enrollment is switched on or off, its mode stays.

    Returns ``invalid-status``, or ``conflict`` when the learner is active in the course run through another program;
    then nothing is changed. Needs an open transaction; does not commit.

    Source: program_enrollments of edx-platform, ``api/writing.py``.
    """
    row = program_course_enrollment
    if new_status == row.status:
        return str(new_status)
    if new_status not in COURSE_STATUSES:
        return INVALID_STATUS
    try:
        with savepoint() as session:
            row.status = str(new_status)
            if row.course_enrollment is not None:
                row.course_enrollment.is_active = new_status == CourseEnrollmentStatus.ACTIVE
            session.add(row)
            session.flush()
    except IntegrityError:
        return CONFLICT
    return str(new_status)


def enroll_in_masters_track(user: User, course_key: object, status: str) -> CourseEnrollment:
    """Bring a user's course enrollment to the masters track and return it; see :mod:`.masters_track`.

    Needs an open transaction; does not commit.

    Raises:
        InvalidCourseKey: no course key.
        NonExistentCourseError: there is no such course run (told before a wrong status).
        InvalidRequest: the status is neither active nor inactive.
        CourseEnrollmentException: a plugin refused the user.
        EnrollmentsBusy: other writers were quicker too often.

    Source: program_enrollments of edx-platform, ``api/writing.py``.
    """
    key = required_course_key(course_key, current_settings())
    _require_course(key)
    _require_status(status)
    wanted = select(CourseEnrollment).where(
        CourseEnrollment.user_id == user.id, CourseEnrollment.course_key == key
    )
    db.session.flush()
    for _ in range(ATTEMPTS):
        found = db.session.scalar(wanted.execution_options(populate_existing=True))
        current = CourseState(found.mode, found.is_active) if found is not None else None
        if is_entering(current):
            for refusal in refused_entries([(user.id, key)]).values():
                raise refusal
        state = target_state(current, status)
        if found is not None and state == current:
            return found
        write = statements.course_write(user.id, key, state, found.version if found is not None else None)
        try:
            statements.write_courses([write])
        except statements.Collision:
            continue
        return db.session.scalars(wanted.execution_options(populate_existing=True)).one()
    raise EnrollmentsBusy


def _course_enrollment(
    program_enrollment: ProgramEnrollment, course_key: str, status: str
) -> CourseEnrollment | None:
    if program_enrollment.user is None:
        return None
    return enroll_in_masters_track(program_enrollment.user, course_key, status)


def _require_course(course_key: str) -> None:
    if not db.session.scalar(select(exists().where(CourseRun.course_key == course_key))):
        raise NonExistentCourseError(course_key=course_key)


def _require_status(status: str | None) -> None:
    if status not in COURSE_STATUSES:
        raise InvalidRequest(f"invalid ProgramCourseEnrollmentStatus: {status}")
