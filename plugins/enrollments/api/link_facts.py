"""Reads all that is to know about enrollments that shall get users: three statements for any number of them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Integer, and_, case, exists, false, or_, select
from sqlalchemy.orm import aliased

from plugins.enrollments.api.course_facts import ACTIVE_WORD
from plugins.enrollments.api.masters_track import AUDIT, CourseState
from plugins.enrollments.api.rowsets import rowset
from plugins.enrollments.models import (
    CourseAccessRoleAssignment,
    CourseEnrollment,
    CourseMode,
    CourseRun,
    ProgramCourseEnrollment,
    ProgramEnrollment,
)
from plugins.enrollments.models.columns import Key
from portal.sdk import User, db

_PAIR = {"enrollment_id": Key, "user_id": Integer()}


class LearnerFact(NamedTuple):
    """A program enrollment that shall get a user."""

    id: int
    user_id: int | None
    username: str | None
    external_user_key: str | None
    external_key: str | None
    program_uuid: Any
    curriculum_uuid: Any
    version: int
    #: Another enrollment that holds the user's place in the same curriculum.
    rival_id: int | None


class RowFact(NamedTuple):
    """A program-course row of such an enrollment, with the course enrollments of the new and the old user."""

    id: int
    enrollment_id: int
    course_key: str
    status: str
    version: int
    user_id: int | None
    course_exists: bool
    has_roles: bool
    course_id: int | None
    mode: str | None
    is_active: bool | None
    course_version: int | None
    rival_id: int | None
    old_course_id: int | None
    old_mode: str | None
    old_is_active: bool | None
    old_version: int | None
    #: Another program's active row that uses the old user's course enrollment.
    old_rival_id: int | None
    offers_audit: bool

    @property
    def course_state(self) -> CourseState | None:
        return None if self.mode is None else CourseState(self.mode, bool(self.is_active))


def learner_facts(pairs: Sequence[tuple[int, int | None]], *, lock: bool) -> dict[int, LearnerFact]:
    """Return enrollment number to facts. One statement.

    Args:
        pairs: (enrollment number, user id that it shall get) each.
        lock: Keep the enrollments from changing until the transaction ends, in the order of their numbers.
    """
    given = rowset("given", _PAIR, pairs)
    learner, rival = ProgramEnrollment, aliased(ProgramEnrollment)
    statement = (
        select(
            learner.id,
            learner.user_id,
            User.sign_in_name,
            learner.external_user_key,
            learner.external_key,
            learner.program_uuid,
            learner.curriculum_uuid,
            learner.version,
            rival.id,
        )
        .select_from(given)
        .join(learner, learner.id == given.c.enrollment_id)
        .outerjoin(User, User.id == learner.user_id)
        .outerjoin(
            rival,
            and_(
                rival.user_id == given.c.user_id,
                rival.program_uuid == learner.program_uuid,
                rival.curriculum_uuid == learner.curriculum_uuid,
                rival.id != learner.id,
            ),
        )
        .order_by(learner.id)
    )
    if lock:
        statement = statement.with_for_update(of=learner)
    rows = db.session.connection().execute(statement).all()
    return {row[0]: LearnerFact._make(row) for row in rows}


def row_facts(pairs: Sequence[tuple[int, int | None]]) -> list[RowFact]:
    """Return the program-course rows of enrollments, by number, with all that linking needs. One statement."""
    given = rowset("given", _PAIR, pairs)
    row, course, old = ProgramCourseEnrollment, CourseEnrollment, aliased(CourseEnrollment)
    rival, old_rival = aliased(ProgramCourseEnrollment), aliased(ProgramCourseEnrollment)
    statement = (
        select(
            row.id,
            row.program_enrollment_id,
            row.course_key,
            row.status,
            row.version,
            row.user_id,
            exists().where(CourseRun.course_key == row.course_key),
            exists().where(CourseAccessRoleAssignment.program_course_enrollment_id == row.id),
            course.id,
            course.mode,
            course.is_active,
            course.version,
            rival.id,
            old.id,
            old.mode,
            old.is_active,
            old.version,
            old_rival.id,
            # Asked for old users only: the others have nothing that would move.
            case((row.user_id.is_not(None), _offers_audit(row.course_key)), else_=false()),
        )
        .select_from(given)
        .join(row, row.program_enrollment_id == given.c.enrollment_id)
        .outerjoin(course, and_(course.user_id == given.c.user_id, course.course_key == row.course_key))
        .outerjoin(rival, _active_row_of(rival, given.c.user_id, row))
        .outerjoin(old, old.id == row.course_enrollment_id)
        .outerjoin(old_rival, _active_row_of(old_rival, row.user_id, row))
        .order_by(row.id)
    )
    return [tuple.__new__(RowFact, values) for values in db.session.connection().execute(statement).all()]


def _active_row_of(other: Any, user_id: Any, row: Any) -> Any:
    return and_(
        other.user_id == user_id,
        other.course_key == row.course_key,
        other.status == ACTIVE_WORD,
        other.id != row.id,
    )


def _offers_audit(course_key: Any) -> Any:
    """A course run without any mode counts as one with audit."""
    modes = (
        select(CourseMode.id)
        .join(CourseRun, CourseRun.id == CourseMode.course_run_id)
        .where(CourseRun.course_key == course_key)
    )
    return or_(~exists(modes), exists(modes.where(CourseMode.mode == AUDIT)))
