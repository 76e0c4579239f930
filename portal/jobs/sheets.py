"""Reads uploaded CSV sheets, streamed: what was sent is understood, or refused with the reason."""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from portal.kernel.errors import InvalidInput

#: Longest line that is read; a longer one is no sheet.
MAX_LINE_CHARACTERS = 1_000_000
MAX_COLUMNS = 500
SAMPLE_BYTES = 64 * 1024
DELIMITERS = ",;\t|"


@dataclass(frozen=True, kw_only=True)
class SheetRow:
    """One row: ``number`` counts rows as a spreadsheet does (the header is 1)."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """An opened sheet: its header as uploaded, how it was understood, and its rows, to be read once."""

    header: tuple[str, ...]
    encoding: str
    delimiter: str
    rows: Iterator[SheetRow]


def read_csv(stream: BinaryIO) -> Sheet:
    """Open a CSV sheet: UTF-8 with or without BOM, UTF-16 with BOM, else Windows-1252; ``, ; tab |`` between cells.

    Raises:
        InvalidInput: ``sheet-empty``, ``sheet-header`` (a column without name or twice), ``sheet-too-wide``,
            ``sheet-unreadable`` (NUL bytes, a line of over a million characters); also while rows are read.
    """
    sample = stream.read(SAMPLE_BYTES)
    stream.seek(0)
    encoding = _encoding_of(sample)
    text = io.TextIOWrapper(stream, encoding=encoding, errors="strict", newline="")
    first = sample.decode(encoding, errors="ignore").partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count) if any(mark in first for mark in DELIMITERS) else ","
    reader = csv.reader(_lines(text), delimiter=delimiter)
    header = _header(reader)
    return Sheet(header=header, encoding=encoding, delimiter=delimiter, rows=_rows(reader, len(header)))


def _encoding_of(sample: bytes) -> str:
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in sample:
        raise InvalidInput(
            "sheet-unreadable", "The file holds NUL bytes, so it is no text. Save the sheet as CSV."
        )
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        decoder.decode(sample, final=len(sample) < SAMPLE_BYTES)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    number = 0
    try:
        while line := text.readline(MAX_LINE_CHARACTERS + 1):
            number += 1
            if len(line) > MAX_LINE_CHARACTERS:
                raise InvalidInput(
                    "sheet-unreadable",
                    f"Line {number} is longer than {MAX_LINE_CHARACTERS:,} characters: no sheet.",
                )
            if "\0" in line:
                raise InvalidInput(
                    "sheet-unreadable", f"Line {number} holds NUL characters. Save the sheet as CSV."
                )
            yield line
    except UnicodeDecodeError as error:
        message = (
            f"After line {number} there are bytes that are no {text.encoding} text. Save the sheet as UTF-8."
        )
        raise InvalidInput("sheet-unreadable", message) from error


def _header(reader: Iterator[list[str]]) -> tuple[str, ...]:
    try:
        header = tuple(cell.strip() for cell in next(reader, []))
    except csv.Error as error:
        raise InvalidInput("sheet-unreadable", f"The header cannot be read: {error}.") from None
    if not any(header):
        raise InvalidInput("sheet-empty", "The sheet is empty: its first row must name the columns.")
    if len(header) > MAX_COLUMNS:
        raise InvalidInput(
            "sheet-too-wide", f"The sheet has {len(header)} columns; {MAX_COLUMNS} are the most."
        )
    named = [cell.casefold() for cell in header]
    for index, cell in enumerate(named):
        if not cell:
            raise InvalidInput(
                "sheet-header", f"Column {index + 1} has no name in the first row. Name or remove it."
            )
        if cell in named[:index]:
            raise InvalidInput(
                "sheet-header", f"The column {header[index]!r} is there twice. Remove or rename one."
            )
    return header


def _rows(reader: Iterator[list[str]], width: int) -> Iterator[SheetRow]:
    number = 1
    try:
        for cells in reader:
            number += 1
            if any(cell.strip() for cell in cells):
                yield SheetRow(number=number, cells=tuple(cells + [""] * (width - len(cells))))
    except csv.Error as error:
        raise InvalidInput("sheet-unreadable", f"Row {number + 1} cannot be read: {error}.") from None
