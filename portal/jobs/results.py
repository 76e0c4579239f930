"""The result file: the uploaded columns untouched and in order, then what became of each row."""

import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from portal.jobs.models import Job, JobRow
from portal.jobs.queries import stream_rows
from portal.jobs.tables import csv_line, table_file
from portal.kernel.errors import Conflict

RESULT_COLUMNS = ("_row", "_status", "_code", "_message", "_id")
#: A larger result is CSV only: that is sent while it is read, a workbook must be finished first.
MAX_WORKBOOK_ROWS = 100_000


def result_lines(job: Job) -> Iterator[bytes]:
    """Give the result file as CSV (UTF-8 with BOM, as spreadsheet programs want it), streamed.

    Jobs without an uploaded sheet give a ``_label`` column in place of the uploaded ones.
    """
    yield b"\xef\xbb\xbf" + csv_line((*_header(job), *RESULT_COLUMNS))
    for row in stream_rows(job.id):
        yield csv_line(_cells(row))


def result_workbook(job: Job) -> BinaryIO:
    """Return the result file as XLSX, at its beginning; every cell is text, as it was uploaded. The caller closes it.

    Raises:
        Conflict: ``result-too-large``, beyond :data:`MAX_WORKBOOK_ROWS` rows.
    """
    if job.rows_count > MAX_WORKBOOK_ROWS:
        raise Conflict(
            "result-too-large",
            f"A result of more than {MAX_WORKBOOK_ROWS:,} rows is too large for a workbook. Take it as CSV.",
        )
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    with table_file(file, "xlsx", (*_header(job), *RESULT_COLUMNS)) as table:
        table.write(_cells(row) for row in stream_rows(job.id))
    file.seek(0)
    return file


def _header(job: Job) -> tuple[str, ...]:
    return tuple(job.header or ("_label",))


def _cells(row: JobRow) -> tuple[str, ...]:
    cells = row.cells if row.cells is not None else [row.label]
    return (*map(str, cells), str(row.position), row.state, row.code, row.message, row.record_id or "")
