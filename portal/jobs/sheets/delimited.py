"""Reads CSV sheets, streamed: any delimiter, quoted line breaks, rows numbered as a spreadsheet shows them."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO

from portal.jobs.sheets.cells import Sheet, SheetRow, with_header
from portal.jobs.sheets.encodings import SAMPLE_BYTES, encoding_of
from portal.jobs.sheets.limits import MAX_LINE_CHARACTERS, unreadable

#: What programs usually put between cells; the first wins a draw.
DELIMITERS = ",;\t|"
#: What some programs put there; taken only when every line agrees.
RARE_DELIMITERS = "\x1f:^~#"
_SAMPLE_ROWS = 50
#: The first line by which some spreadsheet programs name the delimiter.
_NAMED = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)


def read_csv(stream: BinaryIO, *, encoding: str = "", delimiter: str = "") -> Sheet:
    """Open a CSV sheet; encoding and delimiter are found out unless given.

    Raises:
        InvalidInput: ``sheet-empty``, ``sheet-header``, ``sheet-too-wide``, ``sheet-unreadable``; also while rows
            are read.
    """
    encoding = encoding or encoding_of(stream)
    named, sample = _sample(stream, encoding)
    delimiter = delimiter or named or delimiter_of(sample)
    text = io.TextIOWrapper(stream, encoding=encoding, errors="strict", newline="")
    lines = _lines(text)
    if named:
        next(lines, None)
    header, rows = with_header(_rows(csv.reader(lines, delimiter=delimiter)))
    return Sheet(kind="csv", header=header, encoding=encoding, delimiter=delimiter, rows=rows)


def _sample(stream: BinaryIO, encoding: str) -> tuple[str, str]:
    """Return the delimiter that the first line names, if it does, and the first pages of text."""
    text = stream.read(SAMPLE_BYTES).decode(encoding, errors="ignore")
    stream.seek(0)
    found = _NAMED.match(text)
    if found is None or found.end() > len(text.splitlines(keepends=True)[0]):
        return "", text
    return found[1], text[found.end() :]


def delimiter_of(sample: str) -> str:
    """Return what stands between the cells of a sheet's first rows; a comma when there is one column only."""
    counted = {mark: _widths(sample, mark) for mark in DELIMITERS + RARE_DELIMITERS}
    usual = [mark for mark in DELIMITERS if counted[mark] and counted[mark][0] > 1]
    if usual:
        return max(usual, key=lambda mark: (_agreement(counted[mark]), counted[mark][0]))
    rare = [
        mark
        for mark in RARE_DELIMITERS
        if len(counted[mark]) > 1 and set(counted[mark]) == {counted[mark][0]}
    ]
    sure = [mark for mark in rare if counted[mark][0] > 1]
    return max(sure, key=lambda mark: counted[mark][0]) if sure else ","


def _widths(sample: str, delimiter: str) -> list[int]:
    """Return the number of cells in each of the first rows; the last may be cut, so it does not count."""
    lines = sample.splitlines(keepends=True)
    whole = lines[:-1] if len(sample) >= SAMPLE_BYTES // 4 and len(lines) > 1 else lines
    try:
        rows = islice(csv.reader(whole, delimiter=delimiter), _SAMPLE_ROWS)
        return [len(row) for row in rows if any(cell.strip() for cell in row)]
    except csv.Error:
        return []


def _agreement(widths: list[int]) -> float:
    """Return the share of rows that are as wide as the header, to one digit: small flaws are no argument."""
    return round(Counter(widths)[widths[0]] / len(widths), 1)


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    number = 0
    try:
        while line := text.readline(MAX_LINE_CHARACTERS + 1):
            number += 1
            if len(line) > MAX_LINE_CHARACTERS:
                raise unreadable(
                    f"Line {number} is longer than {MAX_LINE_CHARACTERS:,} characters: no sheet."
                )
            if "\0" in line:
                raise unreadable(
                    f"Line {number} holds NUL characters. Save the sheet as CSV (UTF-8) or XLSX."
                )
            yield line
    except UnicodeDecodeError as error:
        message = (
            f"After line {number} there are bytes that are no {text.encoding} text. Save the sheet as UTF-8."
        )
        raise unreadable(message) from error


def _rows(reader: Iterable[list[str]]) -> Iterator[SheetRow]:
    number = 0
    try:
        for cells in reader:
            number += 1
            yield SheetRow(number=number, cells=tuple(cells))
    except csv.Error as error:
        message = f"Row {number + 1} cannot be read: {error}. Look for a quotation mark that is never closed."
        raise unreadable(message) from None
