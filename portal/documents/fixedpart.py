"""The part of a compiled document that never changes, as bytes, and putting the changing part behind it."""

import struct
import zlib
from collections.abc import Sequence
from typing import Any

from portal.documents import layout  # noqa: F401 - prepares WeasyPrint before its parts are imported
from portal.documents.slots import CannotCompile, PictureSlot, TextSlot

import pydyf  # isort: skip
from weasyprint.matrix import Matrix  # isort: skip

_HEADER = b"%PDF-1.7\n%\xf0\x9f\x96\xa4\n"
_ROW = struct.Struct(">BIH")
_FREE, _PLAIN, _PACKED = 0, 1, 2


def cut_values(stream: Any, texts: Sequence[TextSlot], pictures: Sequence[PictureSlot]) -> list[bytes]:
    """Take the stand-ins out of a page's drawing.

    Colours and fonts that were set for them stay, because what follows may rely on them.

    Returns:
        For each text slot and then each picture slot, the operator that opens its marked content: the tag by which
        screen readers find the value moves with it.

    Raises:
        CannotCompile: when a stand-in is not found exactly once.
    """
    operators = stream.stream
    marks: list[bytes] = []
    for text in texts:
        matrix = pydyf.Stream()
        matrix.set_text_matrix(*Matrix(d=-1, e=text.x, f=text.y).values)
        at = _only(operators, matrix.stream[0], text.name)
        following = at + 1
        while operators[following] != b"ET" and not bytes(operators[following]).endswith(b"Tm"):
            if bytes(operators[following]).endswith((b"TJ", b"Ts")):
                operators[following] = b""
            following += 1
        marks.append(_take_mark(operators, at))
    for picture in pictures:
        at = _only(operators, picture.mark, picture.name)
        operators[at] = b""
        marks.append(_take_mark(operators, at))
    stream.stream = [b"q", *(each for each in operators if each != b""), b"Q"]
    return marks


def _only(operators: Sequence[Any], wanted: bytes, name: str) -> int:
    found = [index for index, operator in enumerate(operators) if operator == wanted]
    if len(found) != 1:
        raise CannotCompile(f"the value {name} was drawn {len(found)} times")
    return found[0]


def _take_mark(operators: list[Any], at: int) -> bytes:
    """Return the operator that opens the marked content around ``at``, and remove it with its end if it has a number."""
    start = at
    while start >= 0 and operators[start] not in (b"BDC", b"BMC"):
        start -= 1
    end = operators.index(b"EMC", at)
    if start < 1:
        raise CannotCompile("a value is drawn outside marked content")
    if operators[start] == b"BMC":
        return str(operators[start - 1]).encode() + b" BMC"
    mark = str(operators[start - 2]).encode() + bytes(operators[start - 1].data) + b"BDC"
    operators[start - 2 : start + 1] = [b"", b"", b""]
    operators[end] = b""
    return mark


class FixedPart:
    """A PDF without its last objects, which :meth:`complete` adds.

    Args:
        pdf: What WeasyPrint made of the page; it is not used afterwards.
        page: Its page.
        resources: The page's resources.
        picture_names: Names under which the page draws its pictures, in the order given to :meth:`complete`.
    """

    def __init__(self, pdf: Any, page: Any, resources: Any, picture_names: Sequence[str]) -> None:
        pdf.add_object(pdf.info)
        count = len(pdf.objects)
        # Numbers: the packed objects, then the values, the pictures and the table of objects.
        self._packed, self._values = count, count + 1
        self._table = self._values + 1 + len(picture_names)
        page["Contents"] = pydyf.Array([page["Contents"], f"{self._values} 0 R".encode()])
        for index, name in enumerate(picture_names, self._values + 1):
            resources["XObject"][name] = f"{index} 0 R".encode()
        parts = [_HEADER]
        position = len(_HEADER)
        rows: dict[int, bytes] = {0: _ROW.pack(_FREE, 0, 65535)}
        packed = []
        for each in pdf.objects[1:]:
            if each.compressible:
                rows[each.number] = _ROW.pack(_PACKED, self._packed, len(packed))
                packed.append(each)
            else:
                rows[each.number] = _ROW.pack(_PLAIN, position, 0)
                parts.append(each.indirect + b"\n")
                position += len(parts[-1])
        rows[self._packed] = _ROW.pack(_PLAIN, position, 0)
        parts.append(_pack(self._packed, packed))
        self._bytes = b"".join(parts)
        self._rows = b"".join(rows[number] for number in range(count + 1))
        size = self._table + 1
        root, info = pdf.catalog.reference, pdf.info.reference
        length = size * _ROW.size
        self._table_head = (
            b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 2]/Root %b/Info %b/Length %d>>\nstream\n"
            % (self._table, size, root, info, length)
        )

    def complete(self, objects: Sequence[bytes]) -> bytes:
        """Return the whole PDF with the values' content stream and the pictures, in this order, as bare objects."""
        parts = [self._bytes]
        rows = [self._rows]
        position = len(self._bytes)
        for number, data in enumerate(objects, self._values):
            part = b"%d 0 obj\n%b\nendobj\n" % (number, data)
            rows.append(_ROW.pack(_PLAIN, position, 0))
            parts.append(part)
            position += len(part)
        rows.append(_ROW.pack(_PLAIN, position, 0))
        parts += [self._table_head, *rows, b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % position]
        return b"".join(parts)


def _pack(number: int, objects: Sequence[Any]) -> bytes:
    bodies = [each.data for each in objects]
    position, index = 0, []
    for each, body in zip(objects, bodies, strict=True):
        index.append(f"{each.number} {position}")
        position += len(body) + 1
    head = " ".join(index).encode() + b"\n"
    data = zlib.compress(head + b"\n".join(bodies), 9)
    return b"%d 0 obj\n<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>\nstream\n%b\nendstream\nendobj\n" % (
        number, len(bodies), len(head), len(data), data,
    )
