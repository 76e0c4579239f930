"""The job ``submissions.export_course``: what was handed in for a course, with scores, as one table."""

import json
import re
import tempfile
from collections.abc import Sequence
from typing import Any, BinaryIO, ClassVar

from pydantic import BaseModel, Field

from plugins.submissions.api.courses import count_submissions_of, course_lines
from plugins.submissions.api.inputs import LONGEST
from plugins.submissions.api.shapes import Shape
from plugins.submissions.permissions import EXPORT
from portal.sdk import InvalidInput, current_store, record, run_in_transaction, utc_now
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

#: Hours after which the file is removed: it holds what students wrote.
KEEP_HOURS = 24
MAX_BYTES = 4_000_000_000
CHUNK = 500
HEADER = (
    "course_id",
    "item_id",
    "item_type",
    "student_id",
    "submission_uuid",
    "attempt_number",
    "submitted_at",
    "team_submission_uuid",
    "points_earned",
    "points_possible",
    "scored_at",
    "scored_by",
    "kind_of_score",
    "reason",
)


class ExportParams(BaseModel):
    """What to export."""

    course_id: str = Field(min_length=1, max_length=LONGEST["course_id"], title="Course")
    item_id: str | None = Field(
        None, max_length=LONGEST["item_id"], title="Item", description="Only this item; all when empty."
    )
    format: Format = Field("csv", title="Format")
    with_answers: bool = Field(
        True, title="With answers", description="The answers as JSON, in a last column."
    )


class ExportCourse(TaskJob[ExportParams]):
    """Writes a course's submissions with their scores to a file, in constant memory."""

    name: ClassVar[str] = "submissions.export_course"
    title: ClassVar[str] = "Export a course"
    Params = ExportParams

    def permission(self, params: ExportParams) -> str:
        return EXPORT

    def explain(self, params: ExportParams) -> str:
        told = " · ".join(name for name in (params.course_id, params.item_id) if name)
        return f"Export submissions: {told}, {params.format.upper()}"

    def run(self, params: ExportParams, progress: Progress) -> TaskResult:
        with tempfile.TemporaryFile() as file:
            rows = write_course(params, file, progress)
            file.seek(0)
            stored = current_store().put_stream(file, MAX_BYTES)
        changes = {"course_id": params.course_id, "item_id": params.item_id, "rows": rows}
        run_in_transaction(lambda: record("export", "submissions_submission", "", changes))
        made = ResultFile(
            name=file_name(params),
            sha256=stored.sha256,
            size_bytes=stored.size_bytes,
            media_type=MEDIA_TYPES[params.format],
            keep_hours=KEEP_HOURS,
        )
        return TaskResult(facts={"rows": rows}, files=(made,))


def file_name(params: ExportParams) -> str:
    """Return the name of the file: course, day and format."""
    course = re.sub(r"[^A-Za-z0-9._-]+", "-", params.course_id).strip("-.")[:80] or "course"
    return f"submissions-{course}-{utc_now():%Y-%m-%d}.{params.format}"


def write_course(params: ExportParams, file: BinaryIO, progress: Progress) -> int:
    """Write the table to a binary file and return the number of its rows. Two statements per 500 submissions.

    Raises:
        InvalidInput: ``course-unknown`` when nothing is handed in for the course.
    """
    written, read, total = 0, 0, count_submissions_of(params.course_id, EXPORT)
    if not total:
        message = f"Nothing is handed in for the course {params.course_id[:80]!r}. Compare it with the list of items."
        raise InvalidInput("course-unknown", message, {"field": "course_id"})
    header = (*HEADER, "answer") if params.with_answers else HEADER
    progress(0, total)
    with table_file(file, params.format, header) as table:
        for chunk in chunked(course_lines(params.course_id, EXPORT), CHUNK):
            wanted = [line for line in chunk if params.item_id in (None, "", line[0]["item_id"])]
            table.write(_cells(*line, with_answer=params.with_answers) for line in wanted)
            written, read = written + len(wanted), read + len(chunk)
            progress(read, max(total, read))
    return written


def _cells(item: Shape, submission: Shape, score: Shape, *, with_answer: bool) -> Sequence[Cell]:
    cells = [
        *(item[name] for name in ("course_id", "item_id", "item_type", "student_id")),
        submission["uuid"],
        submission["attempt_number"],
        submission["submitted_at"].isoformat(timespec="seconds"),
        _text(submission["team_submission_uuid"]),
        *_score_cells(score),
    ]
    return [*cells, json.dumps(submission["answer"], ensure_ascii=False)] if with_answer else cells


def _score_cells(score: Shape) -> Sequence[Cell]:
    if not score:
        return [""] * 6
    told = score["annotations"][-1] if score["annotations"] else {}
    return [
        score["points_earned"],
        score["points_possible"],
        score["created_at"].isoformat(timespec="seconds"),
        *(told.get(name, "") for name in ("creator", "annotation_type", "reason")),
    ]


def _text(value: Any) -> str:
    return "" if value is None else str(value)
