"""The cells of one worksheet as text, streamed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from openpyxl.utils.datetime import CALENDAR_WINDOWS_1900, from_excel

from portal.jobs.sheets.cells import SheetRow
from portal.jobs.sheets.limits import unreadable
from portal.jobs.sheets.shared_strings import MAX_CELL_CHARACTERS, SharedStrings
from portal.jobs.sheets.xml_parts import XmlPart

#: More cells in one row than spreadsheet programs know.
MAX_CELLS = 16_384
_REFERENCE = re.compile(r"([A-Za-z]{1,3})(\d{1,7})")
#: Whole numbers up to here are kept exactly by spreadsheets; larger ones are written as they are stored.
_EXACT = 10**15
_NOT_CALCULATED = "the formula has no stored value; open the sheet, let it calculate, and save it again"
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, kw_only=True)
class Formats:
    """Numbers of the cell formats that show dates, and spans of time; the day that counts as zero."""

    dates: frozenset[int] = frozenset()
    spans: frozenset[int] = frozenset()
    epoch: datetime = CALENDAR_WINDOWS_1900


class WorksheetPart(XmlPart[SheetRow]):
    """``<row r="2"><c r="A2" s="1" t="s"><f>…</f><v>7</v></c></row>``."""

    def __init__(self, strings: SharedStrings, formats: Formats) -> None:
        super().__init__()
        self._strings, self._formats = strings, formats
        self._places: dict[str, int] = {}
        self._number = 0
        self._cells: dict[int, str] = {}
        self._faults: dict[int, str] = {}
        self._place = -1
        self._attributes: Mapping[str, str] = {}
        self._value: list[str] | None = None
        self._takes_text = self._has_formula = self._in_reading = False
        self._length = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._start_cell(attributes)
        elif name in ("v", "t"):
            self._takes_text = self._value is not None and not self._in_reading
        elif name == "f":
            self._has_formula = True
        elif name == "rPh":
            self._in_reading = True
        elif name == "row":
            given = attributes.get("r", "")
            number = int(given) if given.isdigit() and len(given) < 8 else 0
            self._number = max(number, self._number + 1)
            self._cells, self._faults, self._place = {}, {}, -1

    def _start_cell(self, attributes: dict[str, str]) -> None:
        found = _REFERENCE.fullmatch(attributes.get("r", ""))
        self._place = self._place_of(found[1]) if found is not None else self._place + 1
        if self._place >= MAX_CELLS:
            raise unreadable("A row of the workbook has more cells than a spreadsheet can have.")
        self._attributes, self._value, self._length = attributes, [], 0
        self._has_formula = False

    def _place_of(self, letters: str) -> int:
        place = self._places.get(letters)
        if place is None:
            place = 0
            for letter in letters.upper():
                place = place * 26 + ord(letter) - 64
            place -= 1
            self._places[letters] = place
        return place

    def end(self, name: str) -> None:
        if name == "c":
            self._end_cell()
        elif name in ("v", "t"):
            self._takes_text = False
        elif name == "rPh":
            self._in_reading = False
        elif name == "row":
            width = max(self._cells, default=-1) + 1
            cells = tuple([self._cells.get(place, "") for place in range(width)])
            self.found.append(SheetRow(number=self._number, cells=cells, faults=self._faults))

    def text(self, data: str) -> None:
        if self._takes_text and self._value is not None:
            self._length += len(data)
            if self._length > MAX_CELL_CHARACTERS:
                raise unreadable(
                    f"A cell of row {self._number} has more than {MAX_CELL_CHARACTERS:,} characters."
                )
            self._value.append(data)

    def _end_cell(self) -> None:
        raw = "".join(self._value or [])
        self._value = None
        if not raw:
            if self._has_formula and self._attributes.get("t") != "str":
                self._cells[self._place] = ""
                self._faults[self._place] = _NOT_CALCULATED
            return
        kind = self._attributes.get("t", "n")
        if kind == "e":
            self._faults[self._place] = (
                f"it shows the error {raw[:20]}; correct the formula or type the value"
            )
            self._cells[self._place] = raw
        else:
            self._cells[self._place] = self._shown(raw, kind)

    def _shown(self, raw: str, kind: str) -> str:
        if kind == "s":
            return _unescaped(self._strings[int(raw)])
        if kind in ("str", "inlineStr"):
            return _unescaped(raw)
        if kind == "b":
            return "TRUE" if raw.strip() in ("1", "true") else "FALSE"
        if kind == "d":
            return raw.strip().removesuffix("T00:00:00").replace("T", " ")
        return self._number_shown(raw.strip())

    def _number_shown(self, raw: str) -> str:
        style = self._attributes.get("s", "0")
        if style.isdigit() and int(style) in self._formats.dates:
            return self._date_shown(raw, int(style))
        if raw.isdigit():
            return raw
        value = float(raw)
        if value.is_integer() and abs(value) < _EXACT:
            return str(int(value))
        return repr(value)

    def _date_shown(self, raw: str, style: int) -> str:
        try:
            value: Any = from_excel(float(raw), self._formats.epoch, timedelta=style in self._formats.spans)
        except (OverflowError, ValueError):
            self._faults[self._place] = f"the number {raw[:20]} is shown as a date, but is none"
            return raw
        if isinstance(value, datetime):
            return f"{value:%Y-%m-%d}" if value.time() == time() else f"{value:%Y-%m-%d %H:%M:%S}"
        return str(value) if isinstance(value, timedelta) else f"{value:%H:%M:%S}"


def _unescaped(text: str) -> str:
    """Return text with the signs that a workbook cannot hold written out again: ``_x000D_`` is a line end."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
