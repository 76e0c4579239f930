"""Turns the rows of a sheet into values by field: dates in one form, cells that cannot be used named."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from portal.jobs.rows import Problem
from portal.jobs.sheets.cells import Sheet, SheetRow
from portal.jobs.sheets.columns import Column
from portal.jobs.sheets.dates import DateOrder, iso_date
from portal.jobs.sheets.guards import mangled_id
from portal.jobs.sheets.opening import open_sheet
from portal.jobs.sheets.reading import Reading
from portal.jobs.states import RowState

STATUS_COLUMN = "_status"
#: Rows of a result file that need nothing any more.
_SETTLED = frozenset({RowState.DONE.value, RowState.UNCHANGED.value})
#: What a result file puts an apostrophe before, so that spreadsheets do not run it.
_ESCAPED = ("'=", "'+", "'-", "'@", "'\t", "'\r")
_LABEL_CELLS = 3


@dataclass(frozen=True, kw_only=True)
class ReadRow:
    """One row of a sheet, by field; ``problem`` says why it cannot be used."""

    number: int
    cells: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=dict)
    problem: Problem | None = None

    @property
    def label(self) -> str:
        """How people recognise a row that means nothing yet: its first cells."""
        filled = [cell.strip()[:60] for cell in self.cells if cell.strip()]
        return " ".join(filled[:_LABEL_CELLS]) or f"Row {self.number}"


def read_values(stream: BinaryIO, reading: Reading, columns: Sequence[Column]) -> Iterator[ReadRow]:
    """Give the rows of a sheet as it was understood, streamed.

    Rows that a result file shows as done or unchanged are left out, and its apostrophes are taken off again.

    Raises:
        InvalidInput: ``sheet-unreadable`` and others, in the middle of it too.
    """
    sheet = open_sheet(stream, as_read=reading)
    status = sheet.header.index(STATUS_COLUMN) if STATUS_COLUMN in sheet.header else None
    reader = _Reader(sheet, reading, columns)
    for row in sheet.rows:
        if reading.is_given:
            yield reader.read(replace(row, number=row.number - 1))
        elif status is None:
            yield reader.read(row)
        elif row.cells[status].strip().lower() not in _SETTLED:
            yield reader.read(replace(row, cells=_unescaped(row.cells)))


def _unescaped(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(cell[1:] if cell.startswith(_ESCAPED) else cell for cell in cells)


class _Reader:
    def __init__(self, sheet: Sheet, reading: Reading, columns: Sequence[Column]) -> None:
        self._header = sheet.header
        self._places = [
            (index, reading.fields[name]) for index, name in enumerate(sheet.header) if name in reading.fields
        ]
        kinds = {column.name: column for column in columns}
        read = set(reading.fields.values())
        self._dates = {
            name: reading.dates.get(name, DateOrder.ISO)
            for name in read
            if name in kinds and kinds[name].is_date
        }
        self._ids = {
            name
            for name in read
            if name in kinds and kinds[name].is_identifier and name not in reading.confirmed
        }

    def read(self, row: SheetRow) -> ReadRow:
        """Return the row by field."""
        values = {name: row.cells[index].strip() for index, name in self._places}
        problem = self._shape_problem(row) or self._fault(row) or self._value_problem(row, values)
        return ReadRow(number=row.number, cells=row.cells, values=values, problem=problem)

    def _shape_problem(self, row: SheetRow) -> Problem | None:
        width = len(self._header)
        if len(row.cells) > width:
            message = (
                f"Row {row.number} has {len(row.cells)} cells, the header {width}. "
                "Quote cells that hold the separator."
            )
            return Problem(code="row-too-long", message=message)
        if tuple(cell.strip() for cell in row.cells) == self._header:
            message = f"Row {row.number} repeats the header: two sheets were joined. Remove this row."
            return Problem(code="header-again", message=message)
        return None

    def _fault(self, row: SheetRow) -> Problem | None:
        for index, _ in self._places:
            if index in row.faults:
                message = f"Row {row.number}, column {self._header[index]}: {row.faults[index]}."
                return Problem(code="cell-unusable", message=message)
        return None

    def _value_problem(self, row: SheetRow, values: dict[str, str]) -> Problem | None:
        """Put dates into the one form; return what nobody can know about a date or an id."""
        for name, order in self._dates.items():
            if not (cell := values[name]):
                continue
            written = iso_date(cell, order)
            if written is None:
                message = (
                    f"Row {row.number}, column {self._named(name)}, value {cell[:80]!r}: day and month cannot be told "
                    "apart. Say how this column writes dates, or write YYYY-MM-DD."
                )
                return Problem(code="date-unclear", message=message)
            values[name] = written
        for name in self._ids:
            if why := mangled_id(values[name]):
                message = (
                    f"Row {row.number}, column {self._named(name)}, value {values[name][:80]!r}: {why}. "
                    "Format the column as text, type the number again, and upload the sheet again."
                )
                return Problem(code="id-mangled", message=message)
        return None

    def _named(self, field_name: str) -> str:
        return next(self._header[index] for index, name in self._places if name == field_name)
