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


def cut_values(
    stream: Any, texts: Sequence[TextSlot], pictures: Sequence[PictureSlot]
) -> tuple[list[bytes], list[TextSlot | PictureSlot]]:
    """Cut a page's drawing at the stand-ins.

    Returns:
        The pieces of the drawing, and the slots whose values belong between them, so one slot less than pieces. A value
        is put where WeasyPrint would draw it: place, colour and tag are set, and text comes in the order of reading.

    Raises:
        CannotCompile: when a stand-in is not found exactly once.
    """
    operators = list(stream.stream)
    cuts: dict[int, TextSlot | PictureSlot] = {}
    for text in texts:
        matrix = pydyf.Stream()
        matrix.set_text_matrix(*Matrix(d=-1, e=text.x, f=text.y).values)
        at = _only(operators, matrix.stream[0], text.name) + 1
        while not _shows_text(operators[at]):
            if operators[at] == b"ET":
                raise CannotCompile(f"the value {text.name} is not drawn as text")
            at += 1
        cuts[at] = text
    for picture in pictures:
        at = _only(operators, picture.mark, picture.name)
        cuts[at] = picture
        # The place depends on the size of the picture, so it is set with it.
        place = max(index for index in range(at) if _text(operators[index]).endswith(b" cm"))
        operators[place] = b""
    pieces: list[list[bytes]] = [[]]
    for index, operator in enumerate(operators):
        if index in cuts:
            pieces.append([])
        elif operator != b"":
            pieces[-1].append(_text(operator))
    return [b"\n".join((*piece, b"")) for piece in pieces], [cuts[index] for index in sorted(cuts)]


def _only(operators: Sequence[Any], wanted: bytes, name: str) -> int:
    found = [index for index, operator in enumerate(operators) if operator == wanted]
    if len(found) != 1:
        raise CannotCompile(f"the value {name} was drawn {len(found)} times")
    return found[0]


def _shows_text(operator: Any) -> bool:
    return isinstance(operator, bytes) and operator.endswith(b"TJ")


def _text(operator: Any) -> bytes:
    if isinstance(operator, bytes):
        return operator
    return bytes(operator.data) if isinstance(operator, pydyf.Object) else str(operator).encode("ascii")


class FixedPart:
    """A PDF without its last objects, which :meth:`complete` adds.

    Args:
        pdf: What WeasyPrint made of the page; it is not used afterwards.
        content: The page's content stream, which is left out.
        resources: The page's resources.
        picture_names: Names under which the page draws its pictures, in the order given to :meth:`complete`.
    """

    def __init__(self, pdf: Any, content: Any, resources: Any, picture_names: Sequence[str]) -> None:
        pdf.add_object(pdf.info)
        count = len(pdf.objects)
        # Numbers: the packed objects, the pictures, the table of objects.
        packed_number, self._first_picture = count, count + 1
        self._content: int = content.number
        self._table = self._first_picture + len(picture_names)
        for index, name in enumerate(picture_names, self._first_picture):
            resources["XObject"][name] = f"{index} 0 R".encode()
        parts = [_HEADER]
        position = len(_HEADER)
        rows = [_ROW.pack(_FREE, 0, 65535)]
        packed: list[Any] = []
        for each in pdf.objects[1:]:
            if each is content:
                rows.append(b"")
            elif each.compressible:
                rows.append(_ROW.pack(_PACKED, packed_number, len(packed)))
                packed.append(each)
            else:
                rows.append(_ROW.pack(_PLAIN, position, 0))
                parts.append(each.indirect + b"\n")
                position += len(parts[-1])
        rows.append(_ROW.pack(_PLAIN, position, 0))
        parts.append(_pack(packed_number, packed))
        self._bytes = b"".join(parts)
        self._rows_before = b"".join(rows[: self._content])
        self._rows_after = b"".join(rows[self._content + 1 :])
        size = self._table + 1
        root, info = pdf.catalog.reference, pdf.info.reference
        self._table_head = (
            b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 2]/Root %b/Info %b/Length %d>>\nstream\n"
            % (
                self._table,
                size,
                root,
                info,
                size * _ROW.size,
            )
        )

    def complete(self, content: bytes, pictures: Sequence[bytes]) -> bytes:
        """Return the whole PDF with the page's content stream and its pictures, all as bare objects."""
        parts = [self._bytes]
        offsets = []
        position = len(self._bytes)
        for number, data in ((self._content, content), *enumerate(pictures, self._first_picture)):
            parts.append(b"%d 0 obj\n%b\nendobj\n" % (number, data))
            offsets.append(_ROW.pack(_PLAIN, position, 0))
            position += len(parts[-1])
        rows = (self._rows_before, offsets[0], self._rows_after, *offsets[1:], _ROW.pack(_PLAIN, position, 0))
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
    return (
        b"%d 0 obj\n<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>\nstream\n%b\nendstream\nendobj\n"
        % (
            number,
            len(bodies),
            len(head),
            len(data),
            data,
        )
    )
