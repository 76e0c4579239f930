"""Grades of a program's learners in a course run; other plugins know them (``enrollments_course_grades``)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy.orm import contains_eager

from plugins.enrollments.api.course_reading import select_program_course_enrollments
from plugins.enrollments.hooks import CourseGrade, GradesWanted
from plugins.enrollments.models import ProgramCourseEnrollment, ProgramEnrollment
from portal.sdk import db, emit_reaction

UNKNOWN_ERROR = "Unknown error"
USERS_PER_QUESTION = 500
Rows = Sequence[ProgramCourseEnrollment]


@dataclass(frozen=True, kw_only=True)
class ProgramCourseGradeOk:
    """A learner's grade; ``percent`` is 0 to 1."""

    is_error: ClassVar[bool] = False
    program_course_enrollment: ProgramCourseEnrollment
    passed: bool
    percent: float
    letter_grade: str | None


@dataclass(frozen=True, kw_only=True)
class ProgramCourseGradeError:
    """Why a learner's grade cannot be told."""

    is_error: ClassVar[bool] = True
    program_course_enrollment: ProgramCourseEnrollment
    error: str


Grade = ProgramCourseGradeOk | ProgramCourseGradeError


def iter_program_course_grades(
    program_uuid: object, course_key: object, paginate_fn: Callable[[Rows], Rows] | None = None
) -> Iterator[Grade]:
    """Give the grade, or the error, of every realized learner of a program in a course run, oldest row first.

    Reads only; one statement, and those of the plugins that know grades, once per 500 learners.

    Args:
        paginate_fn: Takes the rows and returns those to be graded.

    Raises:
        InvalidRequest, InvalidCourseKey: an id that is none.

    Source: program_enrollments of edx-platform, ``api/grades.py``.
    """
    statement = (
        select_program_course_enrollments(program_uuid, course_key, realized_only=True)
        .options(
            contains_eager(ProgramCourseEnrollment.program_enrollment).joinedload(ProgramEnrollment.user)
        )
        .order_by(ProgramCourseEnrollment.id)
    )
    rows: Rows = db.session.scalars(statement).all()
    if paginate_fn is not None:
        rows = paginate_fn(rows)
    yield from grades_of(rows)


def grades_of(rows: Rows) -> Iterator[Grade]:
    """Give the grade, or the error, of every row; all of one course run and realized. Asks once per 500 learners."""
    for first in range(0, len(rows), USERS_PER_QUESTION):
        yield from _graded(rows[first : first + USERS_PER_QUESTION])


def _graded(rows: Rows) -> Iterator[Grade]:
    user_ids = tuple(dict.fromkeys(row.user_id for row in rows if row.user_id is not None))
    known: dict[int, CourseGrade] = {}
    event = GradesWanted(course_key=rows[0].course_key, user_ids=user_ids)
    for _, answer in emit_reaction("enrollments_course_grades", event=event):
        known = {**answer, **known}
    for row in rows:
        grade = known.get(row.user_id or 0)
        if grade is None or grade.error is not None:
            error = (grade.error if grade is not None else None) or UNKNOWN_ERROR
            yield ProgramCourseGradeError(program_course_enrollment=row, error=error)
        else:
            yield ProgramCourseGradeOk(
                program_course_enrollment=row,
                passed=grade.passed,
                percent=grade.percent,
                letter_grade=grade.letter,
            )
