"""Sheets of scores, and the jobs that read them, for the tests."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from portal.sdk import SYSTEM, transaction
from portal.sdk.jobs import (
    Job,
    RowState,
    draft_sheet,
    get_job,
    list_rows,
    run_inline,
    start,
    store_upload,
    submit,
    undo,
)


def line(student: str = "ann", earned: object = 8, possible: object = 10, **more: str) -> dict[str, str]:
    """Return a row of a sheet, of the item that ``handed_in`` uses."""
    row = {"course_id": "c1", "item_id": "i1", "item_type": "essay", "student_id": student}
    return {**row, "points_earned": str(earned), "points_possible": str(possible), **more}


def sheet(rows: Sequence[Mapping[str, str]]) -> bytes:
    """Return the rows as CSV."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def uploaded(data: bytes, before_start: Callable[[], None] | None = None, **params: Any) -> Job:
    """Run an upload of scores in this process; with ``before_start`` it is previewed first, then started."""
    upload = store_upload(io.BytesIO(data), "scores.csv")
    request = draft_sheet("submissions.upload_scores", params, SYSTEM, upload)
    with transaction():
        job_id = submit(request, apply=before_start is None).id
    if before_start is not None:
        run_inline(job_id)
        before_start()
        with transaction():
            start(job_id, SYSTEM)
    run_inline(job_id)
    return get_job(job_id)


def undone(job: Job) -> Job:
    """Undo a job in this process."""
    with transaction():
        undo_id = undo(job.id, SYSTEM).id
    run_inline(undo_id)
    with transaction():
        start(undo_id, SYSTEM)
    run_inline(undo_id)
    return get_job(undo_id)


def messages(job: Job, *states: RowState) -> list[tuple[str, str]]:
    """Return code and message of the rows in these states (all without any), in order."""
    rows = list_rows(job.id, limit=1000)
    return [(row.code, row.message) for row in rows if not states or row.state in states]
