"""An opened sheet, whatever its format: a header, and rows of text that are read once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from portal.jobs.sheets.limits import MAX_COLUMNS, MAX_ROWS, too_many_rows, too_wide
from portal.kernel.errors import InvalidInput

SheetKind = Literal["csv", "xlsx"]


@dataclass(frozen=True, kw_only=True)
class SheetRow:
    """One row: ``number`` counts rows as a spreadsheet does (the header is 1, usually).

    ``faults`` says by column index why a cell has no usable value (a formula that was never calculated).
    """

    number: int
    cells: tuple[str, ...]
    faults: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """An opened sheet: its header as uploaded, how it was understood, and its rows, to be read once.

    ``encoding`` and ``delimiter`` are empty for a workbook; ``sheet_name`` and ``other_sheets`` for a CSV file.
    """

    kind: SheetKind
    header: tuple[str, ...]
    rows: Iterator[SheetRow]
    encoding: str = ""
    delimiter: str = ""
    sheet_name: str = ""
    other_sheets: tuple[str, ...] = ()


def with_header(raw: Iterable[SheetRow]) -> tuple[tuple[str, ...], Iterator[SheetRow]]:
    """Take the header off a stream of raw rows; rows without any text are left out, short ones filled up.

    Raises:
        InvalidInput: ``sheet-empty``, ``sheet-header`` (a column without name or twice), ``sheet-too-wide``;
            while rows are read also ``sheet-too-large``.
    """
    rows = (row for row in raw if row.faults or any(cell.strip() for cell in row.cells))
    first = next(rows, None)
    header = _checked(_without_empty_end([cell.strip() for cell in first.cells]) if first is not None else [])
    return header, _filled(rows, len(header))


def _without_empty_end(cells: Sequence[str]) -> list[str]:
    """Return the cells without the empty ones that spreadsheets leave behind the last column."""
    last = max((index for index, cell in enumerate(cells) if cell), default=-1)
    return list(cells[: last + 1])


def _checked(header: Sequence[str]) -> tuple[str, ...]:
    if not header:
        raise InvalidInput("sheet-empty", "The sheet is empty: its first row must name the columns.")
    if len(header) > MAX_COLUMNS:
        raise too_wide(len(header))
    places: dict[str, int] = {}
    for index, cell in enumerate(header):
        if not cell:
            message = f"Column {index + 1} has no name in the first row. Name or remove it."
            raise InvalidInput("sheet-header", message)
        if (other := places.setdefault(cell.casefold(), index)) != index:
            message = f"The column {cell!r} is there twice (columns {other + 1} and {index + 1}). Remove or rename one."
            raise InvalidInput("sheet-header", message)
    return tuple(header)


def _filled(rows: Iterator[SheetRow], width: int) -> Iterator[SheetRow]:
    for count, row in enumerate(rows, 1):
        if count > MAX_ROWS:
            raise too_many_rows()
        missing = width - len(row.cells)
        cells = row.cells + ("",) * missing if missing > 0 else _cut(row.cells, width)
        yield SheetRow(number=row.number, cells=cells, faults=row.faults)


def _cut(cells: tuple[str, ...], width: int) -> tuple[str, ...]:
    """Return the cells without empty ones beyond the header; one with text stays, for somebody to see."""
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    return cells
