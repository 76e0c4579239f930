"""Takes back what a job wrote into a course run: rows, and the course enrollments that they changed."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from plugins.enrollments.api import course_statements as statements
from plugins.enrollments.api.masters_track import CourseState
from plugins.enrollments.api.plans import CourseChange
from plugins.enrollments.api.rowsets import rowset
from plugins.enrollments.api.stamping import note, stamp
from plugins.enrollments.api.undoing import Kept
from plugins.enrollments.models import CourseEnrollment, ProgramCourseEnrollment
from plugins.enrollments.models.columns import Key
from portal.sdk import db, savepoint

_ROWS: Any = ProgramCourseEnrollment.__table__
_COURSES: Any = CourseEnrollment.__table__
_NUMBER = {"number": Key}
_STATUS = {"id": Key, "status": _ROWS.c.status.type}


class WrittenCourse(NamedTuple):
    """A program-course row that was written.

    Args:
        id: Its number.
        version: That it got by being written; with another one it was changed since.
        status: From before; None: it was made.
        course: What it did to the course enrollment, if anything.
        label: How people know the learner.
    """

    id: int
    version: int
    status: str | None
    course: CourseChange | None
    label: str


class _Now(NamedTuple):
    id: int
    version: int
    course_key: str
    mode: str | None
    is_active: bool | None
    course_version: int | None


def check_undo_course_rows(items: Sequence[WrittenCourse]) -> list[Kept | None]:
    """Return for each why it will be kept, or None. One statement; reads only."""
    now = _now(items, lock=False)
    return [_kept(item, now.get(item.id)) for item in items]


def undo_course_rows(items: Sequence[WrittenCourse]) -> list[Kept | None]:
    """Take the writes back; return for each why it was kept, or None.

    A course enrollment gets its mode and activity from before; one that the row made is switched off and keeps its
    history. What was changed since is kept. Staff roles stay. At most seven statements, two of them savepoints. Needs
    an open transaction; does not commit.
    """
    now = _now(items, lock=True)
    found = [_kept(item, now.get(item.id)) for item in items]
    free = [item for item, kept in zip(items, found, strict=True) if kept is None]
    if not free:
        return found
    try:
        with savepoint():
            _take_back(free, now)
    except (statements.Collision, IntegrityError):
        if len(items) == 1:
            message = f"{free[0].label} takes the course run in another way since; the row stays as it is."
            return [Kept("changed-since", message)]
        # Whoever stands against it must not keep the others.
        return [kept for item in items for kept in undo_course_rows([item])]
    facts = {"taken_back": len(free), "kept": len(items) - len(free)}
    note("undo-program-course-enrollments", _ROWS.name, free[0].id, facts)
    db.session.expire_all()
    return found


def _take_back(items: Sequence[WrittenCourse], now: Mapping[int, _Now]) -> None:
    statements.write_courses(
        [
            statements.course_write(
                item.course.user_id,
                now[item.id].course_key,
                _state_before(item.course),
                now[item.id].course_version,
            )
            for item in items
            if item.course is not None
        ]
    )
    made = sorted(item.id for item in items if item.status is None)
    if made:
        given = rowset("given", _NUMBER, [(number,) for number in made])
        db.session.execute(delete(_ROWS).where(_ROWS.c.id.in_(select(given.c.number))))
    changed = sorted((item.id, item.status) for item in items if item.status is not None)
    if changed:
        given = rowset("given", _STATUS, changed)
        db.session.connection().execute(
            update(_ROWS)
            .where(_ROWS.c.id == given.c.id)
            .values(status=given.c.status, version=_ROWS.c.version + 1, **stamp())
        )


def _state_before(change: CourseChange) -> CourseState:
    if change.before is not None:
        return CourseState(*change.before)
    return CourseState(change.after[0], is_active=False)


def _now(items: Sequence[WrittenCourse], *, lock: bool) -> dict[int, _Now]:
    given = rowset("given", _NUMBER, [(number,) for number in sorted(item.id for item in items)])
    columns = (
        _ROWS.c.id,
        _ROWS.c.version,
        _ROWS.c.course_key,
        _COURSES.c.mode,
        _COURSES.c.is_active,
        _COURSES.c.version,
    )
    statement = (
        select(*columns)
        .select_from(_ROWS.outerjoin(_COURSES, _COURSES.c.id == _ROWS.c.course_enrollment_id))
        .where(_ROWS.c.id.in_(select(given.c.number)))
        .order_by(_ROWS.c.id)
    )
    if lock:
        statement = statement.with_for_update(of=_ROWS)
    return {row[0]: _Now._make(row) for row in db.session.connection().execute(statement)}


def _kept(item: WrittenCourse, now: _Now | None) -> Kept | None:
    if now is None:
        return Kept(
            "gone", f"{item.label} has no row for this course run any more; there is nothing to take back."
        )
    course = (now.mode, bool(now.is_active))
    if now.version != item.version or (item.course is not None and course != tuple(item.course.after)):
        return Kept(
            "changed-since", f"What {item.label} does in the course run was changed since; it stays as it is."
        )
    return None
