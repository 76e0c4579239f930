"""Tables as files: CSV or XLSX, written row by row with constant memory, safe to open in a spreadsheet program."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol, get_args

from portal.kernel.errors import InvalidInput

if TYPE_CHECKING:
    import xlsxwriter

Format = Literal["csv", "xlsx"]
Cell = str | int | float | Decimal
FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
#: A cell that begins with one of these is run by spreadsheet programs as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
#: What a worksheet holds: rows, and letters in a cell. More rows go on in another sheet.
SHEET_ROWS = 1_000_000
CELL_LETTERS = 32_767
#: Whole numbers beyond are rounded by spreadsheet programs, so they are written as text.
LARGEST_NUMBER = 10**15
_WIDEST, _NARROWEST = 40, 10


class Table(Protocol):
    """A table that is being written."""

    def write(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Add rows below those that are there."""
        ...


@contextmanager
def table_file(target: BinaryIO, form: Format, header: Sequence[str]) -> Iterator[Table]:
    """Write a table with this header to a binary file; it is whole when the block ends.

    CSV is UTF-8 with BOM, as spreadsheet programs want it, and formulas are escaped. In XLSX text is text, whatever
    it begins with; numbers are numbers while a spreadsheet program holds them exactly.
    """
    if form == "csv":
        target.write(b"\xef\xbb\xbf")
        csv_table = _CsvTable(target)
        csv_table.write([header])
        yield csv_table
        return
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    # A large library that most processes never need.
    import xlsxwriter

    with xlsxwriter.Workbook(target, options) as book:
        yield _XlsxTable(book, header)


def escaped(cell: str) -> str:
    """Return the cell so that no spreadsheet program runs it; numbers and phone numbers stay as they are."""
    if cell.startswith(FORMULA_STARTS) and not cell[1:].replace("-", "").replace(".", "").isdigit():
        return "'" + cell
    return cell


def csv_line(cells: Sequence[Cell]) -> bytes:
    """Return one line of CSV, formulas escaped."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow([escaped(cell) if isinstance(cell, str) else cell for cell in cells])
    return buffer.getvalue().encode()


def checked_format(text: str) -> Format:
    """Return the format if it is one.

    Raises:
        InvalidInput: ``format-unknown``.
    """
    for form in FORMATS:
        if form == text:
            return form
    raise InvalidInput(
        "format-unknown", f"A list is exported as {' or '.join(FORMATS)}, not as {text[:20]!r}."
    )


class _CsvTable:
    def __init__(self, target: BinaryIO) -> None:
        self._target = target

    def write(self, rows: Iterable[Sequence[Cell]]) -> None:
        for row in rows:
            self._target.write(csv_line(row))


class _XlsxTable:
    def __init__(self, book: "xlsxwriter.Workbook", header: Sequence[str]) -> None:
        self._book, self._header = book, header
        self._bold = book.add_format({"bold": True})
        self._begin_sheet()

    def write(self, rows: Iterable[Sequence[Cell]]) -> None:
        for row in rows:
            if self._row > SHEET_ROWS:
                self._begin_sheet()
            for column, cell in enumerate(row):
                self._write_cell(column, cell)
            self._row += 1

    def _begin_sheet(self) -> None:
        self._sheet = self._book.add_worksheet()
        self._sheet.freeze_panes(1, 0)
        for column, title in enumerate(self._header):
            self._sheet.set_column(column, column, min(max(len(title) + 4, _NARROWEST), _WIDEST))
            self._sheet.write_string(0, column, title[:CELL_LETTERS], self._bold)
        self._row = 1

    def _write_cell(self, column: int, cell: Cell) -> None:
        if cell == "":
            return
        if isinstance(cell, str) or not abs(float(cell)) < LARGEST_NUMBER:
            self._sheet.write_string(self._row, column, str(cell)[:CELL_LETTERS])
        else:
            self._sheet.write_number(self._row, column, cell)
