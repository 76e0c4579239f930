"""The job ``enrollments.write_program_course_enrollments``: a sheet of a program's learners for one course run."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from plugins.enrollments.api.course_rows import write_course_requests
from plugins.enrollments.api.course_undoing import WrittenCourse, check_undo_course_rows, undo_course_rows
from plugins.enrollments.api.plans import Action as Planned
from plugins.enrollments.api.plans import CourseChange, RowPlan
from plugins.enrollments.jobs.program_rows import NO_KEY, written_outcome
from plugins.enrollments.jobs.wording import (
    BRAKE,
    KEY_COLUMN,
    MODES,
    WriteMode,
    compared,
    kept_problems,
    plan_of,
    program_choices,
    program_title,
    refused,
    seen_versions,
    undone,
)
from plugins.enrollments.models import ProgramCourseEnrollment
from plugins.enrollments.models.columns import LONGEST_KEY
from plugins.enrollments.models.vocabulary import COURSE_STATUSES
from plugins.enrollments.permissions import ENROLLMENTS_UPLOAD
from portal.sdk.jobs import (
    SHEET,
    Brake,
    Column,
    Outcome,
    Plan,
    Problem,
    RowState,
    SheetJob,
    SourceRow,
    UndoWork,
    Work,
)

_STAFF_WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
COLUMNS = (
    KEY_COLUMN,
    Column(
        name="status",
        title="Status",
        required=True,
        description="Whether the student takes the course run.",
        examples=("active",),
        choices=tuple(sorted(COURSE_STATUSES)),
    ),
    Column(
        name="course_staff",
        title="Course staff",
        description="yes gives the staff role, no takes it, empty leaves it.",
        choices=("yes", "no"),
        aliases=("staff",),
    ),
)


class CourseParams(BaseModel):
    """Which program and course run, and what may be done."""

    program: uuid.UUID = Field(title="Program")
    course_key: str = Field(
        min_length=1,
        max_length=LONGEST_KEY,
        title="Course run",
        description="Its key, such as course-v1:ORG+COURSE+RUN.",
    )
    mode: WriteMode = Field(WriteMode.BOTH, title="What to do")


class CourseRow(BaseModel):
    """One learner of the sheet, as text."""

    number: int
    external_user_key: str
    status: str
    course_staff: str = ""

    def request(self) -> dict[str, Any]:
        """Return the row as the API takes it."""
        staff = _STAFF_WORDS.get(self.course_staff.lower())
        return {"external_user_key": self.external_user_key, "status": self.status, "course_staff": staff}


class WriteCourseEnrollments(SheetJob[CourseParams, CourseRow]):
    """Puts the learners of a sheet, who are in a program, into a course run, or changes their status there."""

    name: ClassVar[str] = "enrollments.write_program_course_enrollments"
    title: ClassVar[str] = "Enroll in a course run"
    introduction: ClassVar[str] = "One row for each student of the program; who has no account yet waits."
    Params = CourseParams
    Row = CourseRow
    chunk_rows: ClassVar[int] = 1_000
    seconds_per_row: ClassVar[float] = 0.0008
    brake: ClassVar[Brake | None] = BRAKE
    record_model: ClassVar[type[Any] | None] = ProgramCourseEnrollment
    input_files: ClassVar[Mapping[str, str]] = {
        SHEET: "CSV or XLSX, one student a row; the first row names the columns."
    }

    def permission(self, params: CourseParams) -> str:
        return ENROLLMENTS_UPLOAD

    def explain(self, params: CourseParams) -> str:
        return f"{self.title}: {params.course_key}, {program_title(params.program)}"

    def param_choices(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        return {"mode": MODES, "program": program_choices()}

    def columns(self, params: CourseParams) -> Sequence[Column]:
        return COLUMNS

    def source_row(
        self, values: Mapping[str, str], number: int, params: CourseParams
    ) -> SourceRow[CourseRow]:
        key, staff = values["external_user_key"], values.get("course_staff", "")
        label = key[:200] or f"Row {number}"
        if staff and staff.lower() not in _STAFF_WORDS:
            message = f"Row {number}, column course_staff, value {staff[:80]!r}: write yes, no or nothing."
            problem = Problem(code="invalid-course-staff", message=message)
            return SourceRow(row=None, key=f"row {number}", label=label, problem=problem)
        row = CourseRow(number=number, external_user_key=key, status=values["status"], course_staff=staff)
        return SourceRow(row=row, key=compared(key) or f"row {number}", label=label)

    def plan(self, rows: Sequence[CourseRow], params: CourseParams) -> Sequence[Plan]:
        found = _written(rows, params, apply=False)
        return [_plan(item, row) for item, row in zip(found, rows, strict=True)]

    def apply(
        self, work: Sequence[Work[CourseRow]], prepared: Any, params: CourseParams
    ) -> Sequence[Outcome]:
        rows = [item.row for item in work]
        found = _written(rows, params, apply=True, seen=seen_versions(work))
        return [_outcome(item, row) for item, row in zip(found, rows, strict=True)]

    def check_undo(
        self, rows: Sequence[UndoWork[CourseRow]], params: CourseParams
    ) -> Sequence[Problem | None]:
        return kept_problems(check_undo_course_rows([_to_undo(item) for item in rows]))

    def undo(self, rows: Sequence[UndoWork[CourseRow]], params: CourseParams) -> Sequence[Outcome]:
        """Remove what was new, set the rest as it was, course enrollments too; staff roles stay as they are."""
        items = [_to_undo(item) for item in rows]
        return [
            undone(row.record_id, kept, "Removed again" if item.status is None else "As it was before")
            for row, item, kept in zip(rows, items, undo_course_rows(items), strict=True)
        ]

    def record_endpoint(self) -> str | None:
        return "enrollments_program_course_enrollment.details_view"


def _written(
    rows: Sequence[CourseRow],
    params: CourseParams,
    *,
    apply: bool,
    seen: Mapping[Any, int | None] | None = None,
) -> list[RowPlan]:
    named = [row for row in rows if row.external_user_key]
    found = write_course_requests(
        params.program,
        params.course_key,
        [row.request() for row in named],
        create=params.mode.creates,
        update=params.mode.updates,
        apply=apply,
        seen=seen,
    )
    answers = dict(zip((row.number for row in named), found, strict=True))
    return [answers.get(row.number, NO_KEY) for row in rows]


def _plan(found: RowPlan, row: CourseRow) -> Plan:
    staff = row.request()["course_staff"]
    if found.action is not Planned.REFUSE and staff is not None:
        # A row that only gives or takes the role is work too.
        action = Planned.UPDATE if found.action is Planned.UNCHANGED else found.action
        found = found._replace(action=action, after={**(found.after or {}), "course_staff": staff})
    return plan_of(found, row.number, row.request())


def _outcome(found: RowPlan, row: CourseRow) -> Outcome:
    if found.action is Planned.REFUSE:
        return refused(found, row.number, row.request())
    if found.action is Planned.UNCHANGED and row.request()["course_staff"] is not None:
        facts = {"status": found.code, "course": None}
        return Outcome(
            state=RowState.DONE, record_id=str(found.record_id), version=str(found.version), undo_facts=facts
        )
    return written_outcome(found)


def _to_undo(item: UndoWork[CourseRow]) -> WrittenCourse:
    facts = item.undo_facts or {}
    course = facts.get("course")
    return WrittenCourse(
        int(item.record_id or 0),
        int(item.version or 0),
        facts.get("status"),
        CourseChange(course[0], tuple(course[1]) if course[1] else None, tuple(course[2]))
        if course
        else None,
        item.label,
    )
