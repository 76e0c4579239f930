"""Finds course rows that do not agree with what they belong to, and mends them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import and_, case, exists, func, or_, select, update
from sqlalchemy.orm import aliased

from plugins.enrollments.api.catalog import first_author
from plugins.enrollments.api.course_facts import ACTIVE_WORD
from plugins.enrollments.api.inputs import required_uuid
from plugins.enrollments.api.link_engine import Pair, Problem, link_pairs
from plugins.enrollments.api.rowsets import rowset
from plugins.enrollments.api.stamping import note, stamp
from plugins.enrollments.models import CourseEnrollment, ProgramCourseEnrollment, ProgramEnrollment
from plugins.enrollments.models.columns import Key
from portal.sdk import db

CHUNK_ROWS = 500
_ROWS: Any = ProgramCourseEnrollment.__table__
_LEARNERS: Any = ProgramEnrollment.__table__
_NUMBER = {"number": Key}


class DriftKind(StrEnum):
    """In what a row differs."""

    #: User, key or organization are not those of the program enrollment and its program.
    STALE_COPY = "stale-copy"
    #: The learner has an account but no course enrollment.
    NOT_ENROLLED = "not-enrolled"
    #: The course enrollment belongs to somebody else or to another course run.
    WRONG_COURSE_ENROLLMENT = "wrong-course-enrollment"
    #: The row says active and the course enrollment is not, or the other way round.
    ACTIVITY = "activity"


class Drift(NamedTuple):
    """A row that differs, and in what first."""

    row_id: int
    enrollment_id: int
    kind: DriftKind
    program_uuid: Any
    course_key: str
    status: str
    user_id: int | None


def find_drift(program_uuid: object = None, *, after: int = 0, most: int = CHUNK_ROWS) -> list[Drift]:
    """Return course rows that differ, by number, beyond ``after``; of one program or of all. One statement, reads only.

    Raises:
        InvalidRequest: the program is no UUID.
    """
    row, learner, course = ProgramCourseEnrollment, ProgramEnrollment, CourseEnrollment
    kind = _kind().label("kind")
    statement = (
        select(row.id, learner.id, kind, learner.program_uuid, row.course_key, row.status, learner.user_id)
        .join(learner, learner.id == row.program_enrollment_id)
        .outerjoin(course, course.id == row.course_enrollment_id)
        .where(row.id > after, kind.is_not(None))
        .order_by(row.id)
        .limit(most)
    )
    if program_uuid is not None:
        statement = statement.where(learner.program_uuid == required_uuid(program_uuid))
    return [
        Drift(values[0], values[1], DriftKind(values[2]), *values[3:])
        for values in db.session.execute(statement)
    ]


def repair_drift(drifts: Sequence[Drift]) -> dict[int, Problem]:
    """Mend rows, at most 500; return enrollment to problem for those that cannot be. The rows decide, not the courses.

    Copies are made again; learners with an account get their course enrollments, by the table of the masters track.
    At most eleven statements. Needs an open transaction; does not commit.

    Raises:
        IntegrityError: right copies would make a learner active in a course run twice; repair rows one by one.
    """
    if not drifts:
        return {}
    db.session.flush()
    given = rowset("given", _NUMBER, [(number,) for number in sorted({drift.row_id for drift in drifts})])
    db.session.execute(
        update(_ROWS)
        .where(_ROWS.c.id == given.c.number, _LEARNERS.c.id == _ROWS.c.program_enrollment_id)
        .values(
            user_id=_LEARNERS.c.user_id,
            external_key=_LEARNERS.c.external_key,
            organization_key=func.coalesce(first_author(_LEARNERS.c.program_uuid), ""),
            course_enrollment_id=case(
                (_LEARNERS.c.user_id.is_(None), None), else_=_ROWS.c.course_enrollment_id
            ),
            version=_ROWS.c.version + 1,
            **stamp(),
        )
    )
    pairs = {drift.enrollment_id: drift.user_id for drift in drifts if drift.user_id is not None}
    problems = link_pairs([Pair(number, user_id, user_id) for number, user_id in sorted(pairs.items())])
    facts = {"repaired": len(drifts) - len(problems)}
    note("repair-drift", _ROWS.name, drifts[0].row_id, facts)
    db.session.expire_all()
    return problems


def _kind() -> Any:
    row, learner, course = ProgramCourseEnrollment, ProgramEnrollment, CourseEnrollment
    stale = or_(
        row.user_id.is_distinct_from(learner.user_id),
        row.external_key.is_distinct_from(learner.external_key),
        row.organization_key != func.coalesce(first_author(learner.program_uuid), ""),
    )
    missing = and_(learner.user_id.is_not(None), row.course_enrollment_id.is_(None))
    wrong = and_(
        row.course_enrollment_id.is_not(None),
        or_(course.user_id.is_distinct_from(learner.user_id), course.course_key != row.course_key),
    )
    other = aliased(ProgramCourseEnrollment)
    used_elsewhere = exists().where(
        other.user_id == row.user_id,
        other.course_key == row.course_key,
        other.status == ACTIVE_WORD,
        other.id != row.id,
    )
    activity = or_(
        and_(row.status == "active", course.is_active.is_(False)),
        and_(row.status != "active", course.is_active.is_(True), ~used_elsewhere),
    )
    return case(
        (stale, DriftKind.STALE_COPY.value),
        (missing, DriftKind.NOT_ENROLLED.value),
        (wrong, DriftKind.WRONG_COURSE_ENROLLMENT.value),
        (activity, DriftKind.ACTIVITY.value),
    )
