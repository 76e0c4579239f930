"""The table of texts of a workbook, read only as far as it is asked for, and kept on disk when it is long."""

import os
import tempfile
from array import array
from collections.abc import Iterator
from typing import IO

from portal.jobs.sheets.limits import unreadable
from portal.jobs.sheets.xml_parts import XmlPart

#: So many texts, or characters, stay in memory; later ones go to a file that has no name.
_MEMORY_TEXTS = 50_000
_MEMORY_CHARACTERS = 5_000_000
#: Spreadsheets allow no longer text in a cell.
MAX_CELL_CHARACTERS = 32_767


class SharedStrings:
    """Texts by number.

    Args:
        source: The part of the workbook, or None when it has none.
    """

    def __init__(self, source: IO[bytes] | None) -> None:
        self._coming = iter(_texts(source)) if source is not None else iter(())
        self._near: list[str] = []
        self._characters = 0
        self._file: IO[bytes] | None = None
        self._ends = array("Q", [0])
        self._flushed = 0

    def __getitem__(self, number: int) -> str:
        """Return a text.

        Raises:
            InvalidInput: ``sheet-unreadable`` when there is none of that number.
        """
        if number < 0:
            raise unreadable("A cell of the workbook refers to a text that is not there. Save it again.")
        while number >= len(self._near) + len(self._ends) - 1:
            self._take(next(self._coming, None))
        if number < len(self._near):
            return self._near[number]
        return self._from_file(number - len(self._near))

    def _take(self, text: str | None) -> None:
        if text is None:
            raise unreadable("A cell of the workbook refers to a text that is not there. Save it again.")
        if self._file is None and len(self._near) < _MEMORY_TEXTS and self._characters < _MEMORY_CHARACTERS:
            self._near.append(text)
            self._characters += len(text)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the workbook
        self._ends.append(self._ends[-1] + self._file.write(text.encode("utf-8", "replace")))

    def _from_file(self, place: int) -> str:
        assert self._file is not None  # noqa: S101 - a text beyond those in memory is in the file
        start, end = self._ends[place], self._ends[place + 1]
        if end > self._flushed:
            self._file.flush()
            self._flushed = self._ends[-1]
        return os.pread(self._file.fileno(), end - start, start).decode("utf-8")

    def close(self) -> None:
        """Remove what was put on disk."""
        if self._file is not None:
            self._file.close()


def _texts(source: IO[bytes]) -> Iterator[str]:
    part = _StringPart()
    for texts in part.read(source):
        yield from texts


class _StringPart(XmlPart[str]):
    """``<si><t>…</t></si>``, or several runs ``<r><t>…</t></r>``; readings of signs (``rPh``) are left out."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[str] | None = None
        self._in_text = False
        self._in_reading = False
        self._length = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "si":
            self._pieces, self._length = [], 0
        elif name == "rPh":
            self._in_reading = True
        elif name == "t":
            self._in_text = not self._in_reading

    def end(self, name: str) -> None:
        if name == "t":
            self._in_text = False
        elif name == "rPh":
            self._in_reading = False
        elif name == "si" and self._pieces is not None:
            self.found.append("".join(self._pieces))
            self._pieces = None

    def text(self, data: str) -> None:
        if self._in_text and self._pieces is not None:
            self._length += len(data)
            if self._length > MAX_CELL_CHARACTERS:
                raise unreadable(f"A cell of the workbook has more than {MAX_CELL_CHARACTERS:,} characters.")
            self._pieces.append(data)
