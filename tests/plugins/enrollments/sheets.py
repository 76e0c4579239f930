"""Sheets of learners, and the jobs that read them, for the tests."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from portal.sdk import SYSTEM, db, transaction
from portal.sdk.jobs import (
    Job,
    JobRow,
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
from tests.plugins.enrollments.partner import CURRICULUM, PROGRAM

PROGRAMS, COURSES = "enrollments.write_program_enrollments", "enrollments.write_program_course_enrollments"
LINK, SYNC = "enrollments.link", "enrollments.sync_program"


def sheet(rows: Sequence[Mapping[str, str]]) -> bytes:
    """Return the rows as CSV."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def line(key: str, status: str = "enrolled", **more: str) -> dict[str, str]:
    """Return a row of a sheet of learners."""
    return {"external_user_key": key, "status": status, **more}


def uploaded(
    kind: str,
    rows: Sequence[Mapping[str, str]],
    before_start: Callable[[], None] | None = None,
    **params: Any,
) -> Job:
    """Run a sheet's job in this process; with ``before_start`` it is previewed first, then started."""
    upload = store_upload(io.BytesIO(sheet(rows)), "learners.csv")
    if kind in (PROGRAMS, SYNC):
        params = {"curriculum": str(CURRICULUM), **params}
    request = draft_sheet(kind, {"program": str(PROGRAM), **params}, SYSTEM, upload)
    with transaction():
        job_id = submit(request, apply=before_start is None).id
    if before_start is not None:
        run_inline(job_id)
        before_start()
        with transaction():
            start(job_id, SYSTEM)
    run_inline(job_id)
    db.session.rollback()
    return get_job(job_id)


def undone(job: Job) -> Job:
    """Undo a job in this process."""
    with transaction():
        undo_id = undo(job.id, SYSTEM).id
    run_inline(undo_id)
    with transaction():
        start(undo_id, SYSTEM)
    run_inline(undo_id)
    db.session.rollback()
    return get_job(undo_id)


def rows_of(job: Job) -> Sequence[JobRow]:
    """Return the rows of a job, in order."""
    return list_rows(job.id, limit=1000)


def codes(job: Job) -> list[tuple[str, str]]:
    """Return state and code of every row, in order."""
    return [(RowState(row.state).value, row.code) for row in rows_of(job)]
