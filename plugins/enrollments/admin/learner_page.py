"""What the page of one program enrollment shows beside the record."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from plugins.enrollments.models import (
    Curriculum,
    Program,
    ProgramCourseEnrollment,
    ProgramEnrollment,
    ProgramEnrollmentHistory,
)
from portal.sdk import User, db

#: Of each list on the page.
MOST_ROWS = 200


@dataclass(frozen=True, kw_only=True)
class LearnerFacts:
    """An enrollment with everything around it."""

    user: User | None
    program: Program | None
    curriculum: Curriculum | None
    courses: Sequence[ProgramCourseEnrollment]
    history: Sequence[ProgramEnrollmentHistory]


def facts_of(enrollment: ProgramEnrollment) -> LearnerFacts:
    """Collect what the page shows: six statements at most. Reads only."""
    courses = (
        select(ProgramCourseEnrollment)
        .options(joinedload(ProgramCourseEnrollment.course_enrollment))
        .where(ProgramCourseEnrollment.program_enrollment_id == enrollment.id)
        .order_by(ProgramCourseEnrollment.course_key)
        .limit(MOST_ROWS)
    )
    history = (
        select(ProgramEnrollmentHistory)
        .where(ProgramEnrollmentHistory.record_id == enrollment.id)
        .order_by(ProgramEnrollmentHistory.id.desc())
        .limit(MOST_ROWS)
    )
    return LearnerFacts(
        user=db.session.get(User, enrollment.user_id) if enrollment.user_id is not None else None,
        program=db.session.get(Program, enrollment.program_uuid),
        curriculum=db.session.get(Curriculum, enrollment.curriculum_uuid),
        courses=db.session.scalars(courses).all(),
        history=db.session.scalars(history).all(),
    )
