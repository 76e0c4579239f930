"""Streams one XML part of a workbook through the parser; memory does not grow with the part."""

from collections.abc import Iterator
from functools import cache
from typing import IO, Generic, TypeVar
from xml.parsers.expat import ExpatError, ParserCreate

from portal.jobs.sheets.limits import unreadable

T = TypeVar("T")
_PIECE_BYTES = 64 * 1024


@cache
def _local(name: str) -> str:
    """Return an element's name without its prefix; there are a few dozen names in all."""
    return name.rpartition(":")[2] if len(name) < 80 else ""


class XmlPart(Generic[T]):
    """Base of the parts that are streamed: gets starts, ends and texts, and puts what it makes into ``found``."""

    def __init__(self) -> None:
        self.found: list[T] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, data: str) -> None:
        """Some of the text of the element that began last."""

    def read(self, source: IO[bytes]) -> Iterator[list[T]]:
        """Give what was found, piece by piece.

        Raises:
            InvalidInput: ``sheet-unreadable`` for broken XML, and for a document that declares a type of its own.
        """
        parser = ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_type
        parser.StartElementHandler = lambda name, attributes: self.start(_local(name), attributes)
        parser.EndElementHandler = lambda name: self.end(_local(name))
        parser.CharacterDataHandler = self.text
        try:
            while piece := source.read(_PIECE_BYTES):
                parser.Parse(piece)
                if self.found:
                    yield self.found
                    self.found = []
            parser.Parse(b"", True)
        except ExpatError as error:
            raise unreadable(f"The workbook is damaged ({error}). Save it again as XLSX or CSV.") from None
        if self.found:
            yield self.found


def _refuse_type(*_: object) -> None:
    raise unreadable("The workbook declares a document type, which no spreadsheet does. Save it as CSV.")
