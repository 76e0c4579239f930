"""The result file: the uploaded columns untouched and in order, then what became of each row."""

import csv
import io
from collections.abc import Iterator

from portal.jobs.models import Job
from portal.jobs.queries import stream_rows

RESULT_COLUMNS = ("_row", "_status", "_code", "_message", "_id")
#: A cell that begins with one of these is run by spreadsheet programs as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def result_lines(job: Job) -> Iterator[bytes]:
    """Give the result file as CSV (UTF-8 with BOM, as spreadsheet programs want it), streamed.

    Jobs without an uploaded sheet give a ``_label`` column in place of the uploaded ones.
    """
    header = tuple(job.header or ("_label",))
    yield b"\xef\xbb\xbf" + _line((*header, *RESULT_COLUMNS))
    for row in stream_rows(job.id):
        cells = row.cells if row.cells is not None else [row.label]
        ours = (str(row.position), row.state, row.code, row.message, row.record_id or "")
        yield _line((*cells[: len(header)], *cells[len(header) :], *ours))


def escaped(cell: str) -> str:
    """Return the cell so that no spreadsheet program runs it; numbers and phone numbers stay as they are."""
    if cell.startswith(FORMULA_STARTS) and not cell[1:].replace("-", "").replace(".", "").isdigit():
        return "'" + cell
    return cell


def _line(cells: tuple[str, ...]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([escaped(str(cell)) for cell in cells])
    return buffer.getvalue().encode()
