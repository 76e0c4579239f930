"""What an uploaded sheet is, before anything runs: format, header, samples, what its columns mean, what looks wrong."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pydantic import BaseModel

from portal.files.store import current_store
from portal.jobs.kinds import Column, SheetJob
from portal.jobs.sheets.cells import Sheet, SheetKind, SheetRow
from portal.jobs.sheets.columns import IGNORE, Suggestion, fields_of, suggestions
from portal.jobs.sheets.dates import DateFacts, DateOrder
from portal.jobs.sheets.guards import IdFacts, SheetWarning, is_garbled
from portal.jobs.sheets.opening import open_sheet
from portal.jobs.sheets.reading import Decisions, Reading
from portal.jobs.uploads import Upload
from portal.kernel.errors import InvalidInput

SAMPLE_ROWS = 10
#: Rows that are looked at before anything runs; the guards on single cells go on to the last row.
CSV_ROWS = 20_000
XLSX_ROWS = 5_000


AnySheetJob = SheetJob[Any, Any]


@dataclass(frozen=True, kw_only=True)
class Understanding:
    """What was understood of a sheet.

    ``mapping`` is column of the sheet → field, with ``ignore`` for a column that is not read; ``suggestions`` says how
    sure that is. ``dates`` is the order of each date field that shows it; ``unclear_dates`` those that a person has
    to decide, with examples. ``rows_seen`` is how many rows were looked at, ``is_complete`` whether those were all.
    """

    sheet_kind: SheetKind
    encoding: str
    delimiter: str
    sheet_name: str
    other_sheets: tuple[str, ...]
    header: tuple[str, ...]
    sample: tuple[SheetRow, ...]
    mapping: Mapping[str, str]
    suggestions: Mapping[str, Suggestion]
    rows_seen: int
    is_complete: bool
    dates: Mapping[str, DateOrder] = field(default_factory=dict)
    unclear_dates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: tuple[SheetWarning, ...] = ()

    @property
    def fields(self) -> dict[str, str]:
        """Column → field of the columns that are read."""
        return {column: name for column, name in self.mapping.items() if name not in ("", IGNORE)}


def sheet_header(upload: Upload) -> tuple[str, ...]:
    """Return the header of an uploaded sheet.

    Raises:
        InvalidInput: for what cannot be read as a sheet at all.
    """
    with closing(current_store().open(upload.sha256)) as stream:
        return open_sheet(stream).header


def understand_upload(
    kind: AnySheetJob,
    params: BaseModel,
    upload: Upload,
    *,
    mapping: Mapping[str, str] | None = None,
    remembered: Mapping[str, str] | None = None,
) -> Understanding:
    """Look at the first rows of an uploaded sheet. Reads only; memory and time do not grow with the sheet.

    Args:
        mapping: Column → field (or ``ignore``), as somebody chose; None suggests one.
        remembered: Plain name of a column → field, as for :func:`suggestions`.

    Raises:
        InvalidInput: for what cannot be read as a sheet at all.
    """
    columns = kind.columns(params)

    def chosen(header: Sequence[str]) -> dict[str, str]:
        found = suggestions(header, columns, remembered)
        wanted = {name: found[name].field for name in header} | dict(mapping or {})
        return {name: wanted[name] or IGNORE for name in header}

    return _understood(upload, columns, chosen, remembered)


def reading_of(
    kind: AnySheetJob,
    params: BaseModel,
    upload: Upload,
    *,
    mapping: Mapping[str, str] | None = None,
    decisions: Decisions | None = None,
) -> Reading:
    """Decide how a sheet is read, or refuse it by name. Reads only.

    Args:
        mapping: Column → field or ``ignore``; columns that it leaves open are found by name.
        decisions: What a person chose where the sheet does not say it.

    Raises:
        InvalidInput: ``column-unknown``, ``column-twice``, ``column-missing``, ``ids-mangled``, ``dates-unclear``,
            and what cannot be read as a sheet.
    """
    columns = kind.columns(params)
    decided = decisions or Decisions()

    def chosen(header: Sequence[str]) -> dict[str, str]:
        fields = fields_of(header, columns, mapping)
        kind.check_fields(frozenset(fields.values()), params)
        return {name: fields.get(name, IGNORE) for name in header}

    found = _understood(upload, columns, chosen, None)
    for warning in found.warnings:
        settled = decided.confirmed if warning.code == "ids-mangled" else decided.dates
        if warning.stops and warning.field not in settled:
            raise _undecided(warning)
    return Reading(
        kind=found.sheet_kind,
        header=found.header,
        fields=found.fields,
        dates={**found.dates, **decided.dates},
        confirmed=tuple(sorted(decided.confirmed)),
        encoding=found.encoding,
        delimiter=found.delimiter,
        sheet_name=found.sheet_name,
    )


def _undecided(warning: SheetWarning) -> InvalidInput:
    examples = "; ".join(warning.examples)
    facts = {"field": warning.field, "column": warning.column, "examples": list(warning.examples)}
    remedy = (
        "Format the column as text, correct the numbers and upload the sheet again, or confirm that they are right"
        if warning.code == "ids-mangled"
        else "Or write them YYYY-MM-DD"
    )
    return InvalidInput(warning.code, f"{warning.message} Such as {examples}. {remedy}.", facts)


def _understood(
    upload: Upload,
    columns: Sequence[Column],
    chosen: Callable[[Sequence[str]], dict[str, str]],
    remembered: Mapping[str, str] | None,
) -> Understanding:
    with closing(current_store().open(upload.sha256)) as stream:
        sheet = open_sheet(stream)
        mapping = chosen(sheet.header)
        look = _Look(sheet, columns, mapping)
        look.at(sheet.rows, CSV_ROWS if sheet.kind == "csv" else XLSX_ROWS)
    return Understanding(
        sheet_kind=sheet.kind,
        encoding=sheet.encoding,
        delimiter=sheet.delimiter,
        sheet_name=sheet.sheet_name,
        other_sheets=sheet.other_sheets,
        header=sheet.header,
        sample=tuple(look.sample),
        mapping=mapping,
        suggestions=suggestions(sheet.header, columns, remembered),
        rows_seen=look.rows_seen,
        is_complete=look.is_complete,
        dates={name: order for name, facts in look.dates.items() if (order := facts.order) is not None},
        unclear_dates={name: facts.examples for name, facts in look.dates.items() if facts.order is None},
        warnings=tuple(look.warnings()),
    )


class _Look:
    """One pass over the first rows."""

    def __init__(self, sheet: Sheet, columns: Sequence[Column], mapping: Mapping[str, str]) -> None:
        kinds = {column.name: column for column in columns}
        read = [
            (index, name, kinds[mapping[name]])
            for index, name in enumerate(sheet.header)
            if mapping.get(name, IGNORE) in kinds
        ]
        self._header = sheet.header
        self._ids = [
            (index, name, column.name, IdFacts()) for index, name, column in read if column.is_identifier
        ]
        self.dates = {column.name: DateFacts() for _, _, column in read if column.is_date}
        self._date_places = [(index, self.dates[column.name]) for index, _, column in read if column.is_date]
        self._read = {index for index, _, _ in read}
        self._date_columns = {column.name: name for _, name, column in read if column.is_date}
        self._faults: list[str] = []
        self._garbled: list[str] = []
        self._headers_again: list[str] = []
        self.sample: list[SheetRow] = []
        self.rows_seen, self.is_complete = 0, False

    def at(self, rows: Iterable[SheetRow], most: int) -> None:
        """Look at up to ``most`` rows."""
        for row in islice(rows, most):
            self.rows_seen += 1
            if len(self.sample) < SAMPLE_ROWS:
                self.sample.append(row)
            self._add(row)
        self.is_complete = next(iter(rows), None) is None

    def _add(self, row: SheetRow) -> None:
        cells = row.cells
        for index, _, _, facts in self._ids:
            if cell := cells[index].strip():
                facts.add(row.number, cell)
        for index, dates in self._date_places:
            if cell := cells[index].strip():
                dates.add(cell)
        if cells[0].strip() == self._header[0] and tuple(cell.strip() for cell in cells) == self._header:
            self._headers_again.append(f"row {row.number}")
        for index in self._read & row.faults.keys():
            self._faults.append(f"row {row.number}, {self._header[index]}: {row.faults[index]}")
        if len(self._garbled) < 4 and (cell := next(filter(is_garbled, cells), "")):
            self._garbled.append(f"row {row.number}: {cell[:60]}")

    def warnings(self) -> Iterable[SheetWarning]:
        for _, name, target, facts in self._ids:
            if (found := facts.warning(name, target)) is not None:
                yield found
        for target, dates in self.dates.items():
            if dates.order is None:
                yield _dates_unclear(self._date_columns[target], target, dates)
        if self._headers_again:
            message = (
                "The header comes again further down: two sheets were joined. Those rows will be refused."
            )
            yield _whole_sheet("header-again", message, self._headers_again)
        if self._faults:
            message = "Some cells hold no value that could be used. Their rows will be refused."
            yield _whole_sheet("cells-unusable", message, self._faults)
        if self._garbled:
            message = (
                "Some letters look garbled, as if the sheet had been saved in the wrong encoding. "
                "Look at the names below; if they are wrong, export the sheet again as UTF-8 or XLSX."
            )
            yield _whole_sheet("text-garbled", message, self._garbled)


def _dates_unclear(column: str, target: str, facts: DateFacts) -> SheetWarning:
    why = (
        "has dates with the day first and dates with the month first"
        if facts.day_first and facts.month_first
        else "has dates that can be read two ways"
    )
    message = f"The column {column!r} {why}. Choose how its dates are written."
    return SheetWarning(
        code="dates-unclear",
        message=message,
        column=column,
        field=target,
        examples=facts.examples,
        stops=True,
    )


def _whole_sheet(code: str, message: str, examples: Sequence[str]) -> SheetWarning:
    more = f" ({len(examples):,} places)" if len(examples) > 4 else ""
    return SheetWarning(code=code, message=f"{message}{more}", examples=tuple(examples[:4]))
