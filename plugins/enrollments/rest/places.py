"""What the addresses of older programs name: a program, and a course run of it; both must be there."""

import uuid
from typing import Any

from sqlalchemy import exists, select

from plugins.enrollments.models import CourseRun, Curriculum, CurriculumCourse, Program
from portal.sdk import NotFound, db


class PlaceMissing(NotFound):
    """There is no such program or course run here, in the words that older programs look for."""

    def __init__(self, error_code: str, message: str) -> None:
        super().__init__(error_code.replace("_", "-"), message)
        self.members = {"developer_message": message, "error_code": error_code}


def need_program(program_uuid: uuid.UUID) -> None:
    """Refuse a program that is not in the catalog. One statement.

    Raises:
        PlaceMissing: ``program_does_not_exist``.
    """
    if not db.session.scalar(select(exists().where(Program.id == program_uuid))):
        raise PlaceMissing("program_does_not_exist", f"no program exists with key {program_uuid}")


def need_course(program_uuid: uuid.UUID, course_key: str) -> None:
    """Refuse a program that is not there, and a course run that is not there or not in its active curricula.

    One statement.

    Raises:
        PlaceMissing: ``program_does_not_exist``, ``course_does_not_exist`` or ``course_not_in_program``.
    """
    is_program, is_course, is_in_program = db.session.execute(
        select(
            exists().where(Program.id == program_uuid),
            exists().where(CourseRun.course_key == course_key),
            courses_of(program_uuid).where(CurriculumCourse.course_key == course_key).exists(),
        )
    ).one()
    if not is_program:
        raise PlaceMissing("program_does_not_exist", f"no program exists with key {program_uuid}")
    if not is_course:
        raise PlaceMissing("course_does_not_exist", f"no course run exists with key {course_key}")
    if not is_in_program:
        words = f"the program's curriculum does not contain the given course: {course_key}"
        raise PlaceMissing("course_not_in_program", words)


def courses_of(program_uuid: Any) -> Any:
    """Return the statement of the keys of the course runs in a program's active curricula."""
    return (
        select(CurriculumCourse.course_key)
        .join(Curriculum, Curriculum.id == CurriculumCourse.curriculum_id)
        .where(Curriculum.program_id == program_uuid, Curriculum.is_active)
    )
