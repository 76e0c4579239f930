"""Reads all that is to know about learners of a program and one course run, in one statement."""

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, String, and_, exists, func, literal_column, select
from sqlalchemy.orm import aliased

from plugins.enrollments.api.catalog import first_author
from plugins.enrollments.api.masters_track import CourseState
from plugins.enrollments.api.rowsets import looked_up, rowset, was_found
from plugins.enrollments.models import CourseEnrollment, CourseRun, ProgramCourseEnrollment, ProgramEnrollment
from plugins.enrollments.models.columns import Identifier
from portal.sdk import db

_FORM = {"form": Identifier}
#: Written out, so that the database knows its partial indexes to apply.
ACTIVE_WORD: Any = literal_column("'active'", String())


class CourseFact(NamedTuple):
    """A learner's program enrollment with the row, course enrollment and rivals in one course run."""

    external_key: str
    enrollment_id: int
    user_id: int | None
    row_id: int | None
    status: str | None
    row_version: int | None
    linked_course_id: int | None
    course_id: int | None
    mode: str | None
    is_active: bool | None
    course_version: int | None
    rival_of_key: int | None
    rival_of_user: int | None
    organization_key: str
    course_exists: bool

    @property
    def course_state(self) -> CourseState | None:
        return None if self.mode is None else CourseState(self.mode, bool(self.is_active))

    @property
    def has_course_enrollment(self) -> bool:
        """Whether the row leads to the user's course enrollment."""
        return self.linked_course_id is not None and self.linked_course_id == self.course_id

    @property
    def is_active_elsewhere(self) -> bool:
        """Whether another row makes the learner, or the user, active in the course run."""
        return self.rival_of_key is not None or self.rival_of_user is not None


def course_facts(
    program_uuid: uuid.UUID, course_key: str, forms: Sequence[str], *, lock: bool
) -> dict[str, CourseFact]:
    """Return compared key to facts, for learners of the program; one statement for any number of keys.

    A key in several curricula: the one that has a row in the course run, else the one that was made last.

    Args:
        lock: Keep the program enrollments from changing until the transaction ends.
    """
    found: dict[str, CourseFact] = {}
    for values in (
        db.session.connection().execute(_statement(program_uuid, course_key, forms, lock=lock)).all()
    ):
        fact = tuple.__new__(CourseFact, values)
        known = found.get(fact.external_key)
        if known is None or (fact.row_id or 0) >= (known.row_id or 0):
            found[fact.external_key] = fact
    return found


def _statement(program_uuid: uuid.UUID, course_key: str, forms: Sequence[str], *, lock: bool) -> Select[Any]:
    given = rowset("given", _FORM, [(form,) for form in forms])
    learner, row, course = ProgramEnrollment, ProgramCourseEnrollment, CourseEnrollment
    of_key, of_user = aliased(ProgramCourseEnrollment), aliased(ProgramCourseEnrollment)
    organization = func.coalesce(first_author(program_uuid), "")
    is_wanted = and_(learner.program_uuid == program_uuid, learner.external_key == given.c.form)
    statement = (
        select(
            given.c.form,
            learner.id,
            learner.user_id,
            row.id,
            row.status,
            row.version,
            row.course_enrollment_id,
            course.id,
            course.mode,
            course.is_active,
            course.version,
            of_key.id,
            of_user.id,
            organization,
            exists().where(CourseRun.course_key == course_key),
        )
        .select_from(looked_up(given, learner, is_wanted))
        .outerjoin(row, and_(row.program_enrollment_id == learner.id, row.course_key == course_key))
        .outerjoin(course, and_(course.user_id == learner.user_id, course.course_key == course_key))
        .outerjoin(
            of_key,
            and_(
                of_key.external_key == given.c.form,
                of_key.organization_key == organization,
                _is_rival(of_key, course_key),
            ),
        )
        .outerjoin(of_user, and_(of_user.user_id == learner.user_id, _is_rival(of_user, course_key)))
        .where(was_found(learner.id))
        .order_by(learner.id)
    )
    return statement.with_for_update(of=learner) if lock else statement


def _is_rival(row: Any, course_key: str) -> ColumnElement[bool]:
    """Return the condition that a row makes somebody active in the course run by another program enrollment."""
    return and_(
        row.course_key == course_key,
        row.status == ACTIVE_WORD,
        row.program_enrollment_id != ProgramEnrollment.id,
    )
