"""The job ``submissions.upload_scores``: a sheet of scores, one student item a row."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from plugins.submissions.api.inputs import LONGEST
from plugins.submissions.api.score_undo import ScoreToUndo, check_score_undo, undo_scores
from plugins.submissions.api.score_upload import (
    JudgedScore,
    Refusal,
    ScoreOutcome,
    ScoreRow,
    judge_scores,
    write_scores,
)
from plugins.submissions.models import StudentItem
from plugins.submissions.permissions import SCORES_UPLOAD
from portal.sdk import current_actor
from portal.sdk.jobs import (
    SHEET,
    Action,
    Column,
    Outcome,
    Plan,
    Problem,
    RowState,
    SheetJob,
    SourceRow,
    UndoWork,
    Work,
    check_required,
)

#: The same for every row when the sheet has no such column.
_GIVEN = ("course_id", "item_id", "points_possible")


class UploadParams(BaseModel):
    """What holds for the rows of a sheet that do not say it themselves."""

    course_id: str | None = Field(
        None, max_length=LONGEST["course_id"], title="Course", description="Of rows that name none."
    )
    item_id: str | None = Field(
        None, max_length=LONGEST["item_id"], title="Item", description="Of rows that name none."
    )
    points_possible: int | None = Field(
        None, ge=0, le=2_147_483_647, title="Points possible", description="Of rows that do not say it."
    )


def row_key(course_id: str, item_id: str, student_id: str) -> str:
    """Return what a row about this student item is known by."""
    named = json.dumps([course_id, item_id, student_id])
    # Words of any length, and a key has an end.
    return hashlib.sha256(named.encode(errors="surrogatepass")).hexdigest()


class UploadScores(SheetJob[UploadParams, ScoreRow]):
    """Sets one score a row, for what the student handed in last. Undoing it sets the earlier scores again."""

    name: ClassVar[str] = "submissions.upload_scores"
    title: ClassVar[str] = "Upload scores"
    introduction: ClassVar[str] = "One row for each student and item; the newest submission gets the score."
    Params = UploadParams
    Row = ScoreRow
    # An undo writes up to three scores a row; with these their insert is one statement.
    chunk_rows: ClassVar[int] = 300
    seconds_per_row: ClassVar[float] = 0.001
    record_model: ClassVar[type[Any] | None] = StudentItem
    input_files: ClassVar[Mapping[str, str]] = {
        SHEET: "CSV or XLSX, one score a row; the first row names the columns."
    }

    def permission(self, params: UploadParams) -> str:
        return SCORES_UPLOAD

    def explain(self, params: UploadParams) -> str:
        told = " · ".join(name for name in (params.course_id, params.item_id) if name)
        return f"{self.title}: {told}" if told else self.title

    def columns(self, params: UploadParams) -> Sequence[Column]:
        return tuple(
            Column(name=name, required=name in _NEEDED and _default(params, name) is None, **facts)
            for name, facts in _COLUMNS.items()
        )

    def check_fields(self, fields: Collection[str], params: UploadParams) -> None:
        check_required(fields, self.columns(params))

    def source_row(self, values: Mapping[str, str], number: int, params: UploadParams) -> SourceRow[ScoreRow]:
        filled = {name: values.get(name) or _default(params, name) or "" for name in _COLUMNS}
        row = ScoreRow(number=number, **filled)
        key = row_key(row.course_id, row.item_id, row.student_id)
        label = " · ".join(word for word in (row.student_id, row.item_id, row.course_id) if word)
        return SourceRow(row=row, key=key, subject=key, label=label[:200] or f"Row {number}")

    def plan(self, rows: Sequence[ScoreRow], params: UploadParams) -> Sequence[Plan]:
        return [_plan(item) for item in judge_scores(rows)]

    def apply(self, work: Sequence[Work[ScoreRow]], prepared: Any, params: UploadParams) -> Sequence[Outcome]:
        seen = {item.row.number: item.seen_version for item in work if item.binding}

        def still_as_seen(number: int, version: str) -> bool:
            return number not in seen or seen[number] == version

        rows = [item.row for item in work]
        return [_outcome(result) for result in write_scores(rows, still_as_seen, current_actor().name)]

    def check_undo(
        self, rows: Sequence[UndoWork[ScoreRow]], params: UploadParams
    ) -> Sequence[Problem | None]:
        refusals = check_score_undo([_to_undo(item) for item in rows])
        return [Problem(code=item.code, message=item.message) if item else None for item in refusals]

    def undo(self, rows: Sequence[UndoWork[ScoreRow]], params: UploadParams) -> Sequence[Outcome]:
        """Set what was before as new scores; leave alone what was scored or reset since."""
        reason = f"Undo of: {self.explain(params)}"
        refusals = undo_scores([_to_undo(item) for item in rows], current_actor().name, reason)
        return [_undone(item, refusal) for item, refusal in zip(rows, refusals, strict=True)]

    def record_endpoint(self) -> str | None:
        return "submissions_student_item.details_view"


_NEEDED = ("course_id", "item_id", "student_id", "points_earned", "points_possible")
_COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "course_id": {"title": "Course", "aliases": ("course", "course key")},
    "item_id": {"title": "Item", "aliases": ("item", "assignment", "item key")},
    "item_type": {
        "title": "Item type",
        "description": "May stay empty; otherwise it must be the item's.",
        "examples": ("openassessment",),
        "aliases": ("type",),
    },
    "student_id": {
        "title": "Student",
        "description": "As the lists of submissions show it.",
        "is_identifier": True,
        "aliases": ("student", "learner", "anonymous user id", "user id"),
    },
    "points_earned": {
        "title": "Points earned",
        "description": "A whole number from 0.",
        "examples": ("8",),
        "aliases": ("earned", "points", "score", "grade", "marks"),
    },
    "points_possible": {
        "title": "Points possible",
        "description": "A whole number from 0; with 0 the score is hidden.",
        "examples": ("10",),
        "aliases": ("possible", "maximum", "max points", "out of"),
    },
    "reason": {
        "title": "Reason",
        "description": "Kept with the score, for those who see its history.",
        "aliases": ("annotation", "annotation reason", "comment", "remark"),
    },
    "annotation_type": {
        "title": "Kind of score",
        "description": "Kept with the score; score_upload when empty.",
        "in_template": False,
        "aliases": ("annotation type",),
    },
}


def _default(params: UploadParams, name: str) -> str | None:
    found = getattr(params, name) if name in _GIVEN else None
    return str(found).strip() or None if found is not None else None


def _plan(item: JudgedScore) -> Plan:
    if item.refusal is not None or item.standing is None:
        refusal = item.refusal or Refusal(code="", message="")
        return Plan(action=Action.REFUSE, code=refusal.code, message=refusal.message)
    record = str(item.standing.item)
    version = item.standing.version
    if item.is_unchanged:
        return Plan(action=Action.UNCHANGED, version=version, record_id=record)
    earned, possible = item.points
    shown = item.standing.shown_points
    return Plan(
        action=Action.UPDATE if shown is not None else Action.CREATE,
        before={"points_earned": shown[0], "points_possible": shown[1]} if shown is not None else None,
        after={"points_earned": earned, "points_possible": possible},
        version=version,
        warning=item.warning,
        record_id=record,
    )


def _outcome(result: ScoreOutcome) -> Outcome:
    item = result.judged
    record = str(item.standing.item) if item.standing is not None else None
    if item.refusal is not None:
        return Outcome(
            state=RowState.REFUSED, code=item.refusal.code, message=item.refusal.message, record_id=record
        )
    if item.is_unchanged:
        return Outcome(state=RowState.UNCHANGED, record_id=record)
    return Outcome(
        state=RowState.DONE, record_id=record, version=str(result.score_id), undo_facts=result.before
    )


def _to_undo(item: UndoWork[ScoreRow]) -> ScoreToUndo:
    return ScoreToUndo(
        item=int(item.record_id or 0),
        score_id=int(item.version or 0),
        label=item.label,
        before=item.undo_facts,
    )


def _undone(item: UndoWork[ScoreRow], refusal: Refusal | None) -> Outcome:
    if refusal is not None:
        return Outcome(
            state=RowState.REFUSED, code=refusal.code, message=refusal.message, record_id=item.record_id
        )
    message = "The score from before is set again" if item.before else "Reset: there was no score before"
    return Outcome(state=RowState.DONE, message=message, record_id=item.record_id)
