"""The statements about course enrollments and program-course rows: one each for any number of rows.

Every upsert carries the version that it expects. A row that somebody changed meanwhile is left as it is and missing in
the answer, so the caller plans again from what is there now.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Boolean, Integer, String, delete, exists, literal, select, true, update

from plugins.enrollments.api.masters_track import CourseState
from plugins.enrollments.api.rowsets import insert_into, rowset
from plugins.enrollments.api.stamping import stamp
from plugins.enrollments.models import (
    CourseAccessRole,
    CourseAccessRoleAssignment,
    CourseEnrollment,
    ProgramCourseEnrollment,
)
from plugins.enrollments.models.columns import Identifier, Key
from plugins.enrollments.models.vocabulary import CourseRole
from portal.sdk import db

_COURSES: Any = CourseEnrollment.__table__
_ROWS: Any = ProgramCourseEnrollment.__table__
_ROLES: Any = CourseAccessRole.__table__
_ASSIGNMENTS: Any = CourseAccessRoleAssignment.__table__

_COURSE = {
    "user_id": Integer(),
    "course_key": Identifier,
    "mode": String(),
    "is_active": Boolean(),
    "version": Integer(),
}
_ROW = {
    "program_enrollment_id": Key,
    "course_enrollment_id": Key,
    "course_key": Identifier,
    "status": String(),
    "user_id": Integer(),
    "external_key": Identifier,
    "organization_key": String(),
    "version": Integer(),
}
_LINK = {"id": Key, "course_enrollment_id": Key, "user_id": Integer(), "version": Integer()}
_ROLE = {"user_id": Integer(), "course_key": Identifier}
_NUMBER = {"number": Key}


class Collision(Exception):
    """Another writer changed a row between reading and writing; what was written must be undone and planned anew."""


class CourseWrite(NamedTuple):
    """A course enrollment as it shall be; ``version`` is the one seen plus one (a new row: 1)."""

    user_id: int
    course_key: str
    mode: str
    is_active: bool
    version: int


class RowWrite(NamedTuple):
    """A program-course row as it shall be; of an existing one only the status is changed."""

    program_enrollment_id: int
    course_enrollment_id: int | None
    course_key: str
    status: str
    user_id: int | None
    external_key: str | None
    organization_key: str
    version: int


class LinkWrite(NamedTuple):
    """A program-course row gets (or loses) user and course enrollment; ``version`` is the one that was seen."""

    id: int
    course_enrollment_id: int | None
    user_id: int | None
    version: int


def course_write(user_id: int, course_key: str, state: CourseState, seen_version: int | None) -> CourseWrite:
    """Return the write that brings a course enrollment into a state."""
    return CourseWrite(user_id, course_key, state.mode, state.is_active, (seen_version or 0) + 1)


def write_courses(writes: Sequence[CourseWrite]) -> dict[tuple[int, str], int]:
    """Insert or change course enrollments; return (user id, course key) to number.

    Raises:
        Collision: a row is not as it was seen.
    """
    if not writes:
        return {}
    given = rowset("given", _COURSE, sorted(writes), joined=False)
    values = stamp()
    columns = _columns(_COURSES, given, _COURSE, values)
    insert = insert_into(CourseEnrollment).from_select(list(columns), select(*columns.values()).where(true()))
    changed = ("mode", "is_active", "version", *values)
    statement = insert.on_conflict_do_update(
        index_elements=[_COURSES.c.user_id, _COURSES.c.course_key],
        set_={name: insert.excluded[name] for name in changed},
        where=_COURSES.c.version == insert.excluded.version - 1,
    ).returning(_COURSES.c.user_id, _COURSES.c.course_key, _COURSES.c.id)
    found = {(user_id, key): uid for user_id, key, uid in db.session.connection().execute(statement).all()}
    if len(found) != len(writes):
        raise Collision
    return found


def write_course_rows(writes: Sequence[RowWrite]) -> dict[int, int]:
    """Insert program-course rows of one course run, or change their status; return program enrollment to number.

    Raises:
        Collision: a row is not as it was seen.
        IntegrityError: another program's writer made the learner active in the course run meanwhile.
    """
    if not writes:
        return {}
    ordered = sorted(writes, key=attrgetter("program_enrollment_id"))
    given = rowset("given", _ROW, ordered, joined=False)
    values = stamp()
    columns = _columns(_ROWS, given, _ROW, values)
    insert = insert_into(ProgramCourseEnrollment).from_select(
        list(columns), select(*columns.values()).where(true())
    )
    changed = ("status", "version", *values)
    statement = insert.on_conflict_do_update(
        index_elements=[_ROWS.c.program_enrollment_id, _ROWS.c.course_key],
        set_={name: insert.excluded[name] for name in changed},
        where=_ROWS.c.version == insert.excluded.version - 1,
    ).returning(_ROWS.c.program_enrollment_id, _ROWS.c.id)
    found = dict(db.session.connection().execute(statement).all())
    if len(found) != len(writes):
        raise Collision
    return found


def link_course_rows(writes: Sequence[LinkWrite]) -> None:
    """Give program-course rows their users and course enrollments, or take them, in one statement.

    Raises:
        Collision: a row is not as it was seen.
        IntegrityError: the user became active in the course run through another program meanwhile.
    """
    if not writes:
        return
    given = rowset("given", _LINK, sorted(writes))
    done = db.session.connection().execute(
        update(_ROWS)
        .where(_ROWS.c.id == given.c.id, _ROWS.c.version == given.c.version)
        .values(
            course_enrollment_id=given.c.course_enrollment_id,
            user_id=given.c.user_id,
            version=_ROWS.c.version + 1,
            **stamp(),
        )
        .returning(_ROWS.c.id)
    )
    if len(done.all()) != len(writes):
        raise Collision


def set_staff(course_key: str, wanted: Sequence[tuple[bool, int | None, int | None]]) -> None:
    """Give (True) or take the staff role of users; without user, of the program-course rows they wait in.

    Args:
        wanted: (give or take, user id or None, number of the program-course row) each. At most four statements.
    """
    for value, realized, waiting in (
        (True, give_staff_roles, assign_staff),
        (False, take_staff_roles, drop_assignments),
    ):
        users = [
            (user_id, course_key) for given, user_id, _ in wanted if given is value and user_id is not None
        ]
        numbers = [
            number
            for given, user_id, number in wanted
            if given is value and user_id is None and number is not None
        ]
        if users:
            realized(users)
        if numbers:
            waiting(numbers)


def give_staff_roles(places: Iterable[tuple[int, str]]) -> None:
    """Make users staff of course runs, (user id, course key) each; who is already stays. One statement."""
    given = rowset("given", _ROLE, sorted(set(places)))
    source = select(given.c.user_id, given.c.course_key, literal(CourseRole.STAFF.value)).where(true())
    db.session.connection().execute(
        insert_into(CourseAccessRole)
        .from_select(["user_id", "course_key", "role"], source)
        .on_conflict_do_nothing()
    )


def take_staff_roles(places: Iterable[tuple[int, str]]) -> None:
    """End the staff role of users in course runs, (user id, course key) each. One statement."""
    given = rowset("given", _ROLE, sorted(set(places)))
    db.session.connection().execute(
        delete(_ROLES).where(
            _ROLES.c.role == CourseRole.STAFF.value,
            exists().where(given.c.user_id == _ROLES.c.user_id, given.c.course_key == _ROLES.c.course_key),
        )
    )


def assign_staff(row_ids: Iterable[int]) -> None:
    """Let waiting learners become staff when they get an account; given by program-course rows. One statement."""
    given = rowset("given", _NUMBER, [(number,) for number in sorted(set(row_ids))])
    source = select(given.c.number, literal(CourseRole.STAFF.value)).where(true())
    db.session.connection().execute(
        insert_into(CourseAccessRoleAssignment)
        .from_select(["program_course_enrollment_id", "role"], source)
        .on_conflict_do_nothing()
    )


def drop_assignments(row_ids: Iterable[int]) -> None:
    """Delete every role that waits at program-course rows. One statement."""
    given = rowset("given", _NUMBER, [(number,) for number in sorted(set(row_ids))])
    db.session.connection().execute(
        delete(_ASSIGNMENTS).where(_ASSIGNMENTS.c.program_course_enrollment_id.in_(select(given.c.number)))
    )


def _columns(table: Any, given: Any, types: Any, values: dict[str, Any]) -> dict[str, Any]:
    created = literal(values["modified_at"], table.c.created_at.type)
    stamped = {name: literal(value, table.c[name].type) for name, value in values.items()}
    return {**{name: given.c[name] for name in types}, "created_at": created, **stamped}
