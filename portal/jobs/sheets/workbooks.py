"""Reads XLSX sheets, streamed: stored values of formulas, dates as YYYY-MM-DD, numbers as they were typed."""

from collections.abc import Collection, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from zipfile import ZipFile

from openpyxl.reader.excel import ExcelReader

from portal.jobs.sheets.cells import Sheet, SheetRow, with_header
from portal.jobs.sheets.limits import unreadable
from portal.jobs.sheets.number_formats import formats_of
from portal.jobs.sheets.packed import BROKEN, MISUNDERSTOOD, opened_archive
from portal.jobs.sheets.shared_strings import SharedStrings
from portal.jobs.sheets.worksheets import Formats, WorksheetPart
from portal.kernel.errors import InvalidInput


@dataclass(frozen=True, kw_only=True)
class _Workbook:
    """What is known about a workbook before its rows are read."""

    archive: ZipFile
    #: Title → name of the part, of the visible sheets, in order.
    sheets: dict[str, str]
    strings_part: str = ""
    formats: Formats = field(default_factory=Formats)


def read_xlsx(stream: BinaryIO, *, sheet_name: str = "") -> Sheet:
    """Open the first visible sheet of a workbook, or the named one.

    Raises:
        InvalidInput: ``sheet-empty``, ``sheet-header``, ``sheet-too-wide``, ``sheet-unreadable``; also while rows
            are read.
    """
    book = _opened(stream)
    name = sheet_name or next(iter(book.sheets))
    if name not in book.sheets:
        raise unreadable(f"The workbook has no sheet {name!r}.")
    header, rows = with_header(_rows(book, book.sheets[name]))
    return Sheet(
        kind="xlsx",
        header=header,
        rows=rows,
        sheet_name=name,
        other_sheets=tuple(other for other in book.sheets if other != name),
    )


def _opened(stream: BinaryIO) -> _Workbook:
    archive = opened_archive(stream)
    try:
        reader = ExcelReader(stream, read_only=True, data_only=True, keep_links=False)
        reader.read_manifest()
        reader.read_workbook()
        return _described(archive, reader)
    except InvalidInput:
        raise
    except (*BROKEN, *MISUNDERSTOOD) as error:
        raise unreadable(f"The workbook cannot be opened ({error}). Save it again as XLSX or CSV.") from None


def _described(archive: ZipFile, reader: Any) -> _Workbook:
    parts = set(archive.namelist())
    sheets = {
        sheet.name: relation.target
        for sheet, relation in reader.parser.find_sheets()
        if "worksheet" in relation.Type and sheet.state == "visible" and relation.target in parts
    }
    if not sheets:
        raise unreadable("The workbook has no visible sheet. Save the sheet as CSV.")
    styles = _part_named(parts, "xl/styles.xml")
    with archive.open(styles) if styles else nullcontext() as source:
        formats = formats_of(source, reader.wb.epoch)
    strings = _part_named(parts, "xl/sharedstrings.xml")
    return _Workbook(archive=archive, sheets=sheets, strings_part=strings, formats=formats)


def _part_named(parts: Collection[str], name: str) -> str:
    return next((part for part in parts if part.lower() == name), "")


def _rows(book: _Workbook, part_name: str) -> Iterator[SheetRow]:
    with book.archive.open(part_name) as source:
        strings_source = book.archive.open(book.strings_part) if book.strings_part else None
        strings = SharedStrings(strings_source)
        try:
            part = WorksheetPart(strings, book.formats)
            for rows in part.read(source):
                yield from rows
        except BROKEN as error:
            raise unreadable(f"The workbook is damaged ({error}). Save it again as XLSX or CSV.") from None
        finally:
            strings.close()
            if strings_source is not None:
                strings_source.close()
