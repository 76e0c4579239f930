"""The job ``enrollments.export``: who is in a program, with the course runs, as one table."""

import tempfile
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, ClassVar

from pydantic import BaseModel, Field
from sqlalchemy import Select, func, select

from plugins.enrollments.jobs.wording import program_choices, program_title
from plugins.enrollments.models import CourseEnrollment, ProgramCourseEnrollment, ProgramEnrollment
from plugins.enrollments.permissions import ENROLLMENTS_EXPORT
from portal.sdk import User, current_actor, current_store, db, narrow, record, run_in_transaction, utc_now
from portal.sdk.jobs import (
    MEDIA_TYPES,
    Cell,
    Format,
    Progress,
    ResultFile,
    TaskJob,
    TaskResult,
    chunked,
    table_file,
)

#: Hours after which the file is removed: it names people.
KEEP_HOURS = 24
MAX_BYTES = 4_000_000_000
CHUNK = 1_000
PROGRAM_HEADER = ("external_user_key", "username", "status", "curriculum_uuid", "created_at", "modified_at")
COURSE_HEADER = (*PROGRAM_HEADER[:3], "course_key", "course_status", "mode", "is_active")


class ExportParams(BaseModel):
    """What to export."""

    program: uuid.UUID = Field(title="Program")
    with_courses: bool = Field(
        False, title="With course runs", description="One row for each course run of each student."
    )
    format: Format = Field("csv", title="Format")


class ExportProgram(TaskJob[ExportParams]):
    """Writes the enrollments of a program to a file, in constant memory; an upload takes the file back as it is."""

    name: ClassVar[str] = "enrollments.export"
    title: ClassVar[str] = "Export a program"
    Params = ExportParams

    def permission(self, params: ExportParams) -> str:
        return ENROLLMENTS_EXPORT

    def explain(self, params: ExportParams) -> str:
        what = "course runs" if params.with_courses else "enrollments"
        return f"Export {what}: {program_title(params.program)}, {params.format.upper()}"

    def param_choices(self) -> dict[str, Sequence[tuple[str, str]]]:
        """Return value and title of what can be chosen."""
        return {"program": program_choices()}

    def run(self, params: ExportParams, progress: Progress) -> TaskResult:
        with tempfile.TemporaryFile() as file:
            rows = write_program(params, file, progress)
            file.seek(0)
            stored = current_store().put_stream(file, MAX_BYTES)
        facts = {"rows": rows, "with_courses": params.with_courses}
        run_in_transaction(
            lambda: record("export", ProgramEnrollment.__tablename__, str(params.program), facts)
        )
        made = ResultFile(
            name=f"enrollments-{params.program}-{utc_now():%Y-%m-%d}.{params.format}",
            sha256=stored.sha256,
            size_bytes=stored.size_bytes,
            media_type=MEDIA_TYPES[params.format],
            keep_hours=KEEP_HOURS,
        )
        return TaskResult(facts={"rows": rows}, files=(made,))


def write_program(params: ExportParams, file: BinaryIO, progress: Progress) -> int:
    """Write the table to a binary file and return the number of its rows. One statement per 1,000 enrollments."""
    counted = select(func.count()).where(ProgramEnrollment.program_uuid == params.program)
    total = db.session.scalar(_visible(counted)) or 0
    done = 0
    progress(0, total)
    with table_file(file, params.format, COURSE_HEADER if params.with_courses else PROGRAM_HEADER) as table:
        for chunk in chunked(_lines(params), CHUNK):
            table.write(chunk)
            done += len(chunk)
            progress(done, max(total, done))
    return done


def _lines(params: ExportParams) -> Iterator[Sequence[Cell]]:
    last = 0
    while page := _page(params, last):
        for row in page:
            yield [_cell(value) for value in row[1:]]
        last = page[-1][0]


def _page(params: ExportParams, after: int) -> Sequence[Any]:
    """Return the lines of up to 1,000 enrollments, led by the enrollment's number."""
    learner = ProgramEnrollment
    page = (
        _visible(select(learner.id).where(learner.program_uuid == params.program, learner.id > after))
        .order_by(learner.id)
        .limit(CHUNK)
    )
    named = (learner.external_user_key, User.sign_in_name, learner.status)
    if not params.with_courses:
        statement = select(
            learner.id, *named, learner.curriculum_uuid, learner.created_at, learner.modified_at
        )
    else:
        statement = _with_courses(named)
    statement = statement.outerjoin(User, User.id == learner.user_id).where(
        learner.id.in_(page.subquery().select())
    )
    return db.session.execute(statement.order_by(learner.id)).all()


def _visible(statement: Select[Any]) -> Select[Any]:
    return narrow(statement, current_actor(), ENROLLMENTS_EXPORT, ProgramEnrollment)


def _with_courses(named: Sequence[Any]) -> Any:
    """Enrollments without course run have one line too, so a page never ends early."""
    row, course = ProgramCourseEnrollment, CourseEnrollment
    return (
        select(ProgramEnrollment.id, *named, row.course_key, row.status, course.mode, course.is_active)
        .select_from(ProgramEnrollment)
        .outerjoin(row, row.program_enrollment_id == ProgramEnrollment.id)
        .outerjoin(course, course.id == row.course_enrollment_id)
    )


def _cell(value: Any) -> Cell:
    if value is None:
        return ""
    return value.isoformat(timespec="seconds") if hasattr(value, "isoformat") else str(value)
