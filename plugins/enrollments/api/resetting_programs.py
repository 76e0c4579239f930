"""Deletes all enrollments of programs, where a setting allows it: for test installations."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, exists, func, select

from plugins.enrollments.api.inputs import required_uuid
from plugins.enrollments.api.resetting import require_reset_allowed
from plugins.enrollments.api.stamping import note
from plugins.enrollments.models import (
    CourseEnrollment,
    ProgramCourseEnrollment,
    ProgramCourseEnrollmentHistory,
    ProgramEnrollment,
    ProgramEnrollmentHistory,
)
from portal.sdk import db

_TABLE: Any = ProgramEnrollment.__table__
_ROWS: Any = ProgramCourseEnrollment.__table__
_COURSES: Any = CourseEnrollment.__table__
_HISTORY: Any = ProgramEnrollmentHistory.__table__
_ROWS_HISTORY: Any = ProgramCourseEnrollmentHistory.__table__


class ResetCounts(NamedTuple):
    """How many program enrollments there are, and course enrollments that only they lead to."""

    enrollments: int
    courses: int


def count_reset(program_uuids: Sequence[object]) -> ResetCounts:
    """Return what :func:`reset_programs` would delete. Two statements; reads only.

    Raises:
        ResetForbidden: the setting ``allow_reset`` is off; asked first.
        InvalidRequest: one is no UUID.
    """
    programs = _allowed(program_uuids)
    learners = select(func.count()).select_from(_TABLE).where(_TABLE.c.program_uuid.in_(programs))
    courses = select(func.count()).select_from(_COURSES).where(_is_theirs(programs))
    return ResetCounts(db.session.scalar(learners) or 0, db.session.scalar(courses) or 0)


def reset_programs(program_uuids: Sequence[object]) -> ResetCounts:
    """Delete all enrollments of the programs, with the course enrollments made through them; return how many.

    A course enrollment that another program's row uses stays. Five statements. Needs an open transaction; does not
    commit.

    Raises:
        ResetForbidden, InvalidRequest: as :func:`count_reset`.

    Source: ``reset_enrollment_data`` of edx-platform, which asked after deleting.
    """
    programs = _allowed(program_uuids)
    mine = select(_TABLE.c.id).where(_TABLE.c.program_uuid.in_(programs))
    courses = db.session.execute(delete(_COURSES).where(_is_theirs(programs)))
    db.session.execute(delete(_ROWS_HISTORY).where(_ROWS_HISTORY.c.program_enrollment_id.in_(mine)))
    learners = db.session.execute(delete(_TABLE).where(_TABLE.c.program_uuid.in_(programs)))
    db.session.execute(delete(_HISTORY).where(_HISTORY.c.program_uuid.in_(programs)))
    found = ResetCounts(_number(learners), _number(courses))
    if found.enrollments:
        note("reset-programs", _TABLE.name, programs[0], found._asdict())
        db.session.expire_all()
    return found


def _is_theirs(programs: Sequence[Any]) -> Any:
    """Say of a course enrollment whether a row of these programs leads to it, and none of another one."""
    of_programs = (
        exists()
        .where(_ROWS.c.course_enrollment_id == _COURSES.c.id)
        .where(_ROWS.c.program_enrollment_id == _TABLE.c.id)
    )
    return of_programs.where(_TABLE.c.program_uuid.in_(programs)) & ~of_programs.where(
        _TABLE.c.program_uuid.not_in(programs)
    )


def _allowed(program_uuids: Sequence[object]) -> list[Any]:
    require_reset_allowed()
    return [required_uuid(item) for item in program_uuids]


def _number(result: Any) -> int:
    count: int = result.rowcount
    return count
