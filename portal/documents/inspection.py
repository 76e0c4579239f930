"""Reading back what a PDF of ours draws: texts with their place, font and colour, pictures, and lines.

It reads the PDFs that this package and WeasyPrint write, not those of the world.
"""

import hashlib
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

_TOKEN = re.compile(rb"<<.*?>>|\[.*?\]|/[^\s/\[\]<>()]+|[-+]?[\d.]+|[A-Za-z*]+", re.DOTALL)
_GLYPHS = re.compile(r"<([0-9a-f]*)>|(-?[\d.]+)")
_PATH = frozenset({b"m", b"l", b"c", b"re", b"h", b"W", b"W*"})
_PAINT = frozenset({b"f", b"f*", b"S", b"B", b"n"})
Matrix = tuple[float, float, float, float, float, float]


class PdfFile:
    """The objects of a PDF that has a table of objects as a stream."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        start = int(data[data.rindex(b"startxref") + 9 :].split()[0])
        head, table = _stream(data[start:])
        widths = [int(each) for each in _find(rb"/W ?\[([\d ]+)\]", head).split()]
        self._rows: list[tuple[int, int, int]] = []
        for row in range(0, len(table), sum(widths)):
            first = row + widths[0]
            second = first + widths[1]
            cells = table[row:first], table[first:second], table[second : row + sum(widths)]
            kind, offset, index = (int.from_bytes(cell, "big") for cell in cells)
            self._rows.append((kind, offset, index))

    def object(self, number: int) -> bytes:
        """Return the bytes of an object, with its stream."""
        kind, offset, index = self._rows[number]
        if kind == 2:
            return self._packed(offset)[index]
        return self._data[offset:]

    def stream(self, number: int) -> tuple[bytes, bytes]:
        """Return the dictionary and the decoded bytes of a stream."""
        return _stream(self.object(number))

    def numbers(self) -> range:
        """Return the numbers of all objects but the first, which is always free."""
        return range(1, len(self._rows))

    def _packed(self, number: int) -> list[bytes]:
        head, data = self.stream(number)
        first, count = int(_find(rb"/First (\d+)", head)), int(_find(rb"/N (\d+)", head))
        offsets = [int(each) for each in data[:first].split()[1::2]]
        ends = [*offsets[1:], len(data) - first]
        return [data[first + start : first + end] for start, end in zip(offsets, ends, strict=True)][:count]


@dataclass(slots=True)
class Drawing:
    """What a page draws: each thing with the number of times, and the texts as a reader would copy them."""

    things: Counter[tuple[object, ...]] = field(default_factory=Counter)
    texts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _State:
    matrix: Matrix = (1, 0, 0, 1, 0, 0)
    colour: tuple[float, ...] = (0, 0, 0)


def read_pages(data: bytes) -> list[Drawing]:
    """Return what each page of a PDF draws, in the order of the pages."""
    pdf = PdfFile(data)
    pages = [
        body
        for body in map(pdf.object, pdf.numbers())
        if re.match(rb"(\d+ 0 obj\n)?<<\s*/Type ?/Page\b(?!s)", body)
    ]
    return [_Reader(pdf, page).read() for page in pages]


class _Reader:
    """Interprets the operators of one page."""

    def __init__(self, pdf: PdfFile, page: bytes) -> None:
        self._pdf = pdf
        contents = _find(rb"/Contents ?(\[[^\]]*\]|\d+ 0 R)", page)
        self._content = b"\n".join(pdf.stream(int(each))[1] for each in re.findall(rb"(\d+) 0 R", contents))
        resources = pdf.object(int(_find(rb"/Resources (\d+) 0 R", page)))
        self._pictures = _names(_find(rb"/XObject ?<<(.*?)>>", resources))
        self._fonts = _names(pdf.object(int(_find(rb"/Font (\d+) 0 R", resources))))
        self._unicode = cache(self._read_unicode)
        self._drawing = Drawing()
        self._state = _State()
        self._stack: list[_State] = []
        self._font: tuple[str, float] = ("", 0)
        self._text: tuple[float, ...] = ()
        self._run: list[object] = []
        self._copied = ""

    def read(self) -> Drawing:
        operands: list[bytes] = []
        for token in _TOKEN.findall(self._content):
            if token[:1] in b"<[/+-.0123456789":
                operands.append(token)
                continue
            self._apply(token, operands)
            operands = []
        return self._drawing

    def _apply(self, operator: bytes, operands: list[bytes]) -> None:
        state = self._state
        if operator == b"q":
            self._stack.append(_State(state.matrix, state.colour))
        elif operator == b"Q":
            self._state = self._stack.pop()
        elif operator == b"cm":
            a, b, c, d, e, f = map(float, operands)
            state.matrix = _times((a, b, c, d, e, f), state.matrix)
        elif operator in {b"rg", b"g"}:
            state.colour = tuple(round(float(each), 3) for each in operands)
        elif operator == b"Do":
            self._draw_picture(operands[0][1:].decode())
        elif operator in _PATH or operator in _PAINT:
            numbers = tuple(round(float(each), 2) for each in operands)
            self._drawing.things["path", operator, numbers, _rounded(state.matrix)] += 1
        else:
            self._apply_text(operator, operands)

    def _apply_text(self, operator: bytes, operands: list[bytes]) -> None:
        if operator in {b"Tm", b"ET"}:
            self._finish_text()
        if operator == b"Tm":
            a, b, c, d, e, f = map(float, operands)
            self._text = _rounded(_times((a, b, c, d, e, f), self._state.matrix))
        elif operator == b"Tf":
            self._font = operands[0][1:].decode(), round(float(operands[1]), 2)
        elif operator == b"Ts":
            self._run.append(("rise", round(float(operands[0]), 3)))
        elif operator == b"TJ":
            letters = self._unicode(self._font[0])
            for glyphs, kerning in _GLYPHS.findall(operands[0].decode()):
                if kerning and round(float(kerning)):
                    self._run.append(round(float(kerning)))
                for start in range(0, len(glyphs), 4):
                    glyph = int(glyphs[start : start + 4], 16)
                    self._run.append((self._font, glyph))
                    self._copied += letters.get(glyph, "")

    def _finish_text(self) -> None:
        if self._run:
            self._drawing.things["text", self._text, self._state.colour, tuple(self._run)] += 1
            self._drawing.texts.append(self._copied)
        self._run, self._copied = [], ""

    def _draw_picture(self, name: str) -> None:
        head, data = self._pdf.stream(self._pictures[name])
        # Photos are embedded as they are; a code may be stored in more than one way.
        digest = hashlib.sha256(data).hexdigest() if b"DCTDecode" in head else ""
        size = _find(rb"/Width (\d+)", head), _find(rb"/Height (\d+)", head)
        self._drawing.things["picture", size, digest, _rounded(self._state.matrix)] += 1

    def _read_unicode(self, font: str) -> dict[int, str]:
        reference = int(_find(rb"/ToUnicode (\d+) 0 R", self._pdf.object(self._fonts[font])))
        rows = re.findall(rb"<([0-9a-f]{4})> <([0-9a-f]*)>", self._pdf.stream(reference)[1])
        return {int(glyph, 16): bytes.fromhex(chars.decode()).decode("utf-16-be") for glyph, chars in rows}


def _times(first: Matrix, second: Matrix) -> Matrix:
    a, b, c, d, e, f = first
    g, h, i, j, k, m = second
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m


def _rounded(matrix: Matrix) -> tuple[float, ...]:
    return tuple(round(each, 2) for each in matrix)


def _find(pattern: bytes, data: bytes) -> bytes:
    found = re.search(pattern, data, re.DOTALL)
    return found[1] if found else b""


def _names(data: bytes) -> dict[str, int]:
    return dict(_name_pairs(data))


def _name_pairs(data: bytes) -> Iterator[tuple[str, int]]:
    for name, number in re.findall(rb"/(\w+) (\d+) 0 R", data):
        yield name.decode(), int(number)


def _stream(data: bytes) -> tuple[bytes, bytes]:
    head, _, rest = data.partition(b"stream\n")
    body = rest[: int(_find(rb"/Length (\d+)", head))]
    return head, zlib.decompress(body) if b"FlateDecode" in head and b"/Image" not in head else body
