"""QR codes as rows of bits, quick for many texts that differ little."""

import io
from base64 import b64encode
from dataclasses import dataclass, field

import segno
from PIL import Image

#: Choosing the best of the eight masks costs five times the rest, and any of them makes a valid code.
MASK = 3
MAX_REFERENCES = 16


@dataclass(frozen=True, slots=True)
class CodeImage:
    """A QR code of ``size`` modules a side, without the quiet zone; ``modules`` has ``0`` and ``1`` (dark), row by row."""

    size: int
    modules: bytes

    @property
    def side(self) -> int:
        """Pixels a side: eight a module, so that viewers which smooth enlarged images leave it crisp."""
        return self.size * 8

    def pixels(self) -> bytes:
        """Return one bit a pixel, eight pixels a byte; a set bit is white."""
        white = self.modules.translate(_EIGHT_PIXELS)
        rows = (white[start : start + self.size] * 8 for start in range(0, len(white), self.size))
        return b"".join(rows)

    def data_uri(self) -> str:
        """Return the code as a PNG in a ``data:`` address."""
        out = io.BytesIO()
        Image.frombytes("1", (self.side, self.side), self.pixels()).save(out, "PNG")
        return "data:image/png;base64," + b64encode(out.getvalue()).decode()


_EIGHT_PIXELS = bytes.maketrans(b"01", b"\xff\x00")


@dataclass(slots=True)
class _Reference:
    """A text, its code, and what each changed bit of the text changes in the code."""

    text: bytes
    size: int
    bits: int
    changes: dict[tuple[int, int], int] = field(default_factory=dict)


class CodeMaker:
    """Makes QR codes (error level M).

    With version, mode and mask fixed, a code is an affine function of the bits of its text: data bits are placed, error
    correction is linear over GF(2), the mask is a constant. So after a first code of a given length, the next ones are
    that code with the changes of the differing bits applied, a hundred times quicker than encoding anew.
    """

    def __init__(self) -> None:
        self._references: dict[int, _Reference] = {}

    def make(self, text: str) -> CodeImage:
        """Return the code of ``text``, the same for the same text."""
        if not text.isascii():
            return _image(*_encode(text))
        data = text.encode("ascii")
        reference = self._references.get(len(data))
        if reference is None:
            if len(self._references) >= MAX_REFERENCES:
                self._references.clear()
            size, bits = _encode(text)
            reference = self._references[len(data)] = _Reference(data, size, bits)
        bits = reference.bits
        for position, (old, new) in enumerate(zip(reference.text, data, strict=True)):
            difference = old ^ new
            while difference:
                bit = difference & -difference
                bits ^= self._change(reference, position, bit)
                difference ^= bit
        return _image(reference.size, bits)

    def _change(self, reference: _Reference, position: int, bit: int) -> int:
        change = reference.changes.get((position, bit))
        if change is None:
            data = bytearray(reference.text)
            data[position] ^= bit
            change = _encode(data.decode("ascii"))[1] ^ reference.bits
            reference.changes[position, bit] = change
        return change


def _encode(text: str) -> tuple[int, int]:
    code = segno.make(text, error="m", mode="byte", mask=MASK, micro=False, boost_error=False)
    bits = "".join("1" if module & 1 else "0" for row in code.matrix for module in row)
    return len(code.matrix), int(bits, 2)


def _image(size: int, bits: int) -> CodeImage:
    return CodeImage(size, f"{bits:0{size * size}b}".encode("ascii"))
