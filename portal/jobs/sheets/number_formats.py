"""Which cell formats of a workbook show dates and times: all that is needed of its styles."""

from datetime import datetime
from typing import IO

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.datetime import CALENDAR_WINDOWS_1900

from portal.jobs.sheets.worksheets import Formats
from portal.jobs.sheets.xml_parts import XmlPart


def formats_of(source: IO[bytes] | None, epoch: datetime | None) -> Formats:
    """Return the numbers of the formats that show dates and spans of time.

    Args:
        source: The part with the styles, or None when the workbook has none.
        epoch: The day that counts as zero; None for the usual one.
    """
    codes: list[str] = []
    if source is not None:
        part = _StylePart()
        codes = [code for found in part.read(source) for code in found]
    return Formats(
        dates=frozenset(place for place, code in enumerate(codes) if is_date_format(code)),
        spans=frozenset(place for place, code in enumerate(codes) if is_timedelta_format(code)),
        epoch=epoch or CALENDAR_WINDOWS_1900,
    )


class _StylePart(XmlPart[str]):
    """``<numFmt numFmtId="164" formatCode="yyyy"/> … <cellXfs><xf numFmtId="164"/></cellXfs>``: the code of each."""

    def __init__(self) -> None:
        super().__init__()
        self._codes: dict[str, str] = {str(number): code for number, code in BUILTIN_FORMATS.items()}
        self._in_cells = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt":
            self._codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._in_cells = True
        elif name == "xf" and self._in_cells:
            self.found.append(self._codes.get(attributes.get("numFmtId", "0"), "General"))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cells = False
