"""The job ``enrollments.write_program_enrollments``: a sheet of learners of one program."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from plugins.enrollments.api.plans import Action as Planned
from plugins.enrollments.api.plans import RowPlan
from plugins.enrollments.api.program_rows import write_rows
from plugins.enrollments.api.undoing import Kept, Written, check_undo_program_rows, undo_program_rows
from plugins.enrollments.jobs.wording import (
    BRAKE,
    KEY_COLUMN,
    MODES,
    WriteMode,
    compared,
    enrollments_count,
    kept_problems,
    plan_of,
    program_choices,
    program_title,
    refused,
    seen_versions,
    undone,
)
from plugins.enrollments.models import ProgramEnrollment
from plugins.enrollments.models.vocabulary import PROGRAM_STATUSES
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

STATUS_COLUMN = Column(
    name="status",
    title="Status",
    required=True,
    description="Where the student stands in the program.",
    examples=("enrolled",),
    choices=tuple(sorted(PROGRAM_STATUSES)),
)
CURRICULUM_COLUMN = Column(
    name="curriculum_uuid",
    title="Curriculum",
    description="UUID of the curriculum of new students; empty: the one chosen above.",
    aliases=("curriculum", "curriculum uuid"),
)


class ProgramParams(BaseModel):
    """Which program, and what may be done."""

    program: uuid.UUID = Field(title="Program")
    mode: WriteMode = Field(WriteMode.BOTH, title="What to do")
    curriculum: uuid.UUID | None = Field(
        None, title="Curriculum", description="UUID; of new students whose row names none."
    )


class ProgramRow(BaseModel):
    """One learner of the sheet, as text."""

    number: int
    external_user_key: str
    status: str
    curriculum_uuid: str = ""
    #: Of a whole sheet: this one is in the program and not in the sheet.
    is_missing: bool = False

    def request(self) -> dict[str, str]:
        """Return the row as the API takes it."""
        return {
            "external_user_key": self.external_user_key,
            "status": self.status,
            "curriculum_uuid": self.curriculum_uuid,
        }


class WriteProgramEnrollments(SheetJob[ProgramParams, ProgramRow]):
    """Enrolls the learners of a sheet in a program, or changes their status."""

    name: ClassVar[str] = "enrollments.write_program_enrollments"
    title: ClassVar[str] = "Enroll in a program"
    introduction: ClassVar[str] = (
        "One row for each student; keys that belong to an account are linked at once."
    )
    Params = ProgramParams
    Row = ProgramRow
    chunk_rows: ClassVar[int] = 1_000
    seconds_per_row: ClassVar[float] = 0.0005
    brake: ClassVar[Brake | None] = BRAKE
    record_model: ClassVar[type[Any] | None] = ProgramEnrollment
    input_files: ClassVar[Mapping[str, str]] = {
        SHEET: "CSV or XLSX, one student a row; the first row names the columns."
    }

    def permission(self, params: ProgramParams) -> str:
        return ENROLLMENTS_UPLOAD

    def explain(self, params: ProgramParams) -> str:
        return f"{self.title}: {program_title(params.program)}"

    def param_choices(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        return {"mode": MODES, "program": program_choices()}

    def columns(self, params: ProgramParams) -> Sequence[Column]:
        return (KEY_COLUMN, STATUS_COLUMN, CURRICULUM_COLUMN)

    def source_row(
        self, values: Mapping[str, str], number: int, params: ProgramParams
    ) -> SourceRow[ProgramRow]:
        key = values["external_user_key"]
        curriculum = values.get("curriculum_uuid") or str(params.curriculum or "")
        row = ProgramRow(
            number=number, external_user_key=key, status=values["status"], curriculum_uuid=curriculum
        )
        return SourceRow(row=row, key=compared(key) or f"row {number}", label=key[:200] or f"Row {number}")

    def plan(self, rows: Sequence[ProgramRow], params: ProgramParams) -> Sequence[Plan]:
        found = _written(rows, params, apply=False)
        return [plan_of(item, row.number, row.request()) for item, row in zip(found, rows, strict=True)]

    def apply(
        self, work: Sequence[Work[ProgramRow]], prepared: Any, params: ProgramParams
    ) -> Sequence[Outcome]:
        rows = [item.row for item in work]
        found = _written(rows, params, apply=True, seen=seen_versions(work))
        return [_outcome(item, row) for item, row in zip(found, rows, strict=True)]

    def existing_count(self, params: ProgramParams) -> int:
        return enrollments_count(params.program)

    def check_undo(
        self, rows: Sequence[UndoWork[ProgramRow]], params: ProgramParams
    ) -> Sequence[Problem | None]:
        return kept_problems(check_undo_program_rows([to_undo(item) for item in rows]))

    def undo(self, rows: Sequence[UndoWork[ProgramRow]], params: ProgramParams) -> Sequence[Outcome]:
        """Remove who was new, give the others their status from before; leave alone what was changed since."""
        found = undo_program_rows([to_undo(item) for item in rows])
        return [undone_row(item, kept) for item, kept in zip(rows, found, strict=True)]

    def record_endpoint(self) -> str | None:
        return "enrollments_program_enrollment.details_view"


def _written(
    rows: Sequence[ProgramRow],
    params: ProgramParams,
    *,
    apply: bool,
    seen: Mapping[Any, int | None] | None = None,
) -> list[RowPlan]:
    """Plan or write the rows; those without a key are refused here, because nobody could be told about them."""
    named = [row for row in rows if row.external_user_key]
    found = write_rows(
        params.program,
        [row.request() for row in named],
        create=params.mode.creates,
        update=params.mode.updates,
        apply=apply,
        seen=seen,
    )
    answers = dict(zip((row.number for row in named), found, strict=True))
    return [answers.get(row.number, NO_KEY) for row in rows]


NO_KEY = RowPlan("", Planned.REFUSE, "invalid-key", "The key is missing. Write it into the row.")


def _outcome(found: RowPlan, row: ProgramRow) -> Outcome:
    if found.action is Planned.REFUSE:
        return refused(found, row.number, row.request())
    return written_outcome(found)


def written_outcome(found: RowPlan) -> Outcome:
    """Return the outcome of an enrollment that was made or changed, with what an undo needs."""
    record_id = str(found.record_id)
    if found.action is Planned.UNCHANGED:
        return Outcome(state=RowState.UNCHANGED, record_id=record_id)
    return Outcome(
        state=RowState.DONE,
        record_id=record_id,
        version=str((found.version or 0) + 1),
        before=found.before,
        after=found.after,
        undo_facts={
            "status": found.before["status"] if found.before is not None else None,
            "course": found.course,
        },
    )


def to_undo(item: UndoWork[Any]) -> Written:
    """Return what the API needs to know of an enrollment that the job has written."""
    return Written(
        int(item.record_id or 0), int(item.version or 0), (item.undo_facts or {}).get("status"), item.label
    )


def undone_row(item: UndoWork[Any], kept: Kept | None) -> Outcome:
    """Return what became of an enrollment that was to be undone."""
    was_new = to_undo(item).status is None
    return undone(item.record_id, kept, "Removed again" if was_new else "The status from before is set again")
