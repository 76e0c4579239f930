"""Text to PDF operators by Pango, the way WeasyPrint does it, for the few kinds of text that slips are made of.

Bound to the internals of one WeasyPrint version; :mod:`portal.documents.selftest` finds out when they change.
"""

import operator
import struct
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from portal.documents import layout  # noqa: F401 - prepares WeasyPrint before its parts are imported

from weasyprint.pdf.stream import Stream  # isort: skip
from weasyprint.text.ffi import FROM_UNITS, ffi, gobject, pango  # isort: skip
from weasyprint.text.line_break import Layout  # isort: skip

ffi.cdef("void *g_object_ref(void *object);")

#: Latin as Europe, Nigeria (Hausa hooks, Yoruba and Igbo dots) and Vietnam write it, signs and currencies.
LETTERS = (
    *map(chr, range(0x20, 0x7F)),
    *map(chr, range(0xA1, 0xAD)),
    *map(chr, range(0xAE, 0x180)),
    *"ƁɓƊɗƘƙƳƴƝɲƎǝƏəƆɔƐɛǸǹḾḿṢṣṄṅḌḍḤḥṬṭƠơƯư",
    *map(chr, range(0x1CD, 0x1DD)),
    *"ȘșȚț",
    *map(chr, range(0x1EA0, 0x1EFA)),
    *"‐‑–—‘’‚“”„•…‹›₦€™→",
)
MARKS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0323\u0327\u0328\u0331"
LIGATURES = ("fi", "fl", "ff", "ffi", "ffl", "fj", "ffj", "tt", "ft")
#: A glyph of Pango: number, advance, offsets to the right and down, flags.
_Glyph = tuple[int, int, int, int, int]
_GLYPH = struct.Struct("=IiiiI")
_ADVANCE = operator.itemgetter(1)
#: Forms that a face keeps; a slip uses some two hundred.
MAX_FORMS = 20_000
#: Words that a shaper keeps; the history of a thousand slips has some two thousand.
MAX_WORDS = 20_000


@dataclass(frozen=True, slots=True)
class Drawn:
    """A text ready to draw at any place: operators without position, and its width in CSS pixels."""

    operators: bytes
    width: float


@dataclass(slots=True)
class _Face:
    """A font at a size: how it is selected, and the drawn form of each glyph as met so far."""

    font: Any
    size: float
    select: str
    forms: dict[_Glyph, str]


class _Word(NamedTuple):
    """A piece of text in one face: the forms of its glyphs, and its width in Pango units."""

    face: _Face
    shown: str
    width: int


class Shaper:
    """Shapes texts of one style.

    While *open* it may learn texts: their glyphs are added to the document's fonts. Once *frozen*, the fonts have been
    written, and only texts of learned glyphs can be shaped.

    Args:
        style: Computed style of a WeasyPrint text box.
        fonts: The fonts of the WeasyPrint document.
    """

    def __init__(self, style: Any, fonts: dict[Any, Any]) -> None:
        self._layout = Layout(style)
        pango.pango_layout_set_single_paragraph_mode(self._layout.layout, 1)
        self._stream = Stream(fonts, (0, 0, 1, 1), {}, {}, None, {}, None)
        self._fonts = fonts
        self._faces: dict[int, _Face] = {}
        self._frozen = False
        self._words: dict[str, _Word | None] = {}
        #: Letters between which a space parts words that can be shaped each for itself.
        self._plain: frozenset[str] = frozenset()

    def learn(self, texts: Iterable[str]) -> None:
        """Add the glyphs of texts to the fonts, each with the characters that copying it must give."""
        for text in texts:
            data = text.encode()
            for pango_font, glyphs, clusters, offset, end in self._runs(data):
                font, size = self._stream.add_font(pango_font)
                if font.bitmap or font.svg or font.png or font.colr:
                    continue
                _learn_glyphs(font, size, glyphs, clusters, data[offset:end], (pango_font, self._stream))

    def learn_repertoire(self) -> None:
        """Learn the characters that most names and addresses are made of."""
        self.learn(LETTERS)
        self.learn(base + mark for mark in MARKS for base in "aeomnxAEOMNẹọẸỌ")
        self.learn(LIGATURES)

    def freeze(self) -> None:
        """Shape only what was learned from now on."""
        self._frozen = True
        space = self._word(" ")
        if space is None:
            return
        letters = [letter for letter in LETTERS if letter != " "]
        plain = [letter for letter in letters if (word := self._word(letter)) and word.face is space.face]
        # A font may move letters beside a space: one line in which every letter has one on both sides tells.
        line = " ".join(plain)
        if self._by_words(line) == self._whole(line):
            self._plain = frozenset((" ", *plain))

    def shape(self, text: str) -> Drawn | None:
        """Return the operators that draw ``text``, or None when it has a glyph that was not learned."""
        if self._plain.issuperset(text) and (drawn := self._by_words(text)) is not None:
            return drawn
        return self._whole(text)

    def _by_words(self, text: str) -> Drawn | None:
        """Return what draws a text of kept words, most of which were met before; None when one stands in another face."""
        space = self._word(" ")
        words = [self._words.get(word) or self._word(word) for word in text.split(" ")]
        if space is None or None in words:
            return None
        found: list[_Word] = words  # type: ignore[assignment]
        if any(word.face is not space.face for word in found):
            return None
        width = sum(word.width for word in found) + space.width * (len(found) - 1)
        shown = space.shown.join([word.shown for word in found])
        operators = f"{space.face.select} [<{shown}>] TJ\n".replace("<>", "")
        return Drawn(operators.encode(), width * FROM_UNITS)

    def _word(self, text: str) -> _Word | None:
        """Shape a word and keep it; None when it is not of one run in one face of learned glyphs."""
        if text in self._words:
            return self._words[text]
        if len(self._words) >= MAX_WORDS:
            self._words.clear()
        self._words[text] = found = self._one_run(text)
        return found

    def _one_run(self, text: str) -> _Word | None:
        if not text:
            space = self._word(" ")
            return None if space is None else _Word(space.face, "", 0)
        runs = [(self._face(font), glyphs) for font, glyphs, *_ in self._runs(text.encode())]
        if len(runs) != 1 or (face := runs[0][0]) is None:
            return None
        forms = [_form(face, glyph) for glyph in runs[0][1]]
        return None if "" in forms else _Word(face, "".join(forms), sum(map(_ADVANCE, runs[0][1])))

    def _whole(self, text: str) -> Drawn | None:
        parts: list[str] = []
        width = 0
        for pango_font, glyphs, _clusters, _offset, _end in self._runs(text.encode()):
            face = self._face(pango_font)
            if face is None:
                return None
            forms = list(map(face.forms.get, glyphs))
            if None in forms:
                forms = [_form(face, glyph) for glyph in glyphs]
                if "" in forms:
                    return None
            width += sum(map(_ADVANCE, glyphs))
            shown = "".join(forms)  # type: ignore[arg-type]
            parts.append(f"{face.select} [<{shown}>] TJ")
        return Drawn(("\n".join(parts) + "\n").replace("<>", "").encode(), width * FROM_UNITS)

    def _runs(self, data: bytes) -> Iterator[tuple[Any, list[_Glyph], Any, int, int]]:
        """Yield font, glyphs, clusters and byte range of each run."""
        pango.pango_layout_set_text(self._layout.layout, data, len(data))
        run = pango.pango_layout_get_line_readonly(self._layout.layout, 0).runs
        while run != ffi.NULL:
            glyph_item = run.data
            run = run.next
            string, item = glyph_item.glyphs, glyph_item.item
            count = string.num_glyphs
            glyphs: list[Any] = list(_GLYPH.iter_unpack(ffi.buffer(string.glyphs, count * _GLYPH.size)))
            yield item.analysis.font, glyphs, string.log_clusters, item.offset, item.offset + item.length

    def _face(self, pango_font: Any) -> _Face | None:
        address = int(ffi.cast("uintptr_t", pango_font))
        face = self._faces.get(address)
        if face is None and self._frozen:
            before = set(self._fonts)
            font, size = self._stream.add_font(pango_font)
            for key in set(self._fonts) - before:
                del self._fonts[key]
                return None
            # Kept alive, so that no other font can come to lie at this address.
            gobject.g_object_ref(pango_font)
            select = f"/{font.hash} {number(size)} Tf"
            face = self._faces[address] = _Face(font, size, select, {})
        return face


def _learn_glyphs(
    font: Any,
    size: float,
    glyphs: list[_Glyph],
    clusters: Any,
    data: bytes,
    measure: tuple[Any, Any],
) -> None:
    starts = [clusters[index] for index in range(len(glyphs))]
    borders = sorted({*starts, len(data)})
    ends = dict(pairwise(borders))
    for start in dict.fromkeys(starts):
        members = [glyph[0] for glyph, own in zip(glyphs, starts, strict=True) if own == start]
        text = data[start : ends[start]].decode()
        for glyph, chars in zip(members, _shares(text, len(members)), strict=True):
            if glyph & 0xF0000000 or glyph == 0x0FFFFFFF:
                continue
            font.to_unicode.setdefault(glyph, chars)
            if glyph not in font.widths:
                pango_font, stream = measure
                pango.pango_font_get_glyph_extents(pango_font, glyph, stream.ink_rect, stream.logical_rect)
                font.widths[glyph] = round(stream.logical_rect.width * 1000 * FROM_UNITS / size)


def _shares(text: str, count: int) -> list[str]:
    """Return which characters of a cluster each of its glyphs stands for."""
    chars = list(unicodedata.normalize("NFC", text)) if count == 1 else list(text)
    if len(chars) < count and len(decomposed := list(unicodedata.normalize("NFD", text))) == count:
        chars = decomposed
    if len(chars) >= count:
        first = len(chars) - count + 1
        return ["".join(chars[:first]), *chars[first:]]
    return [*chars, *[""] * (count - len(chars))]


def _form(face: _Face, glyph: _Glyph) -> str:
    """Return how a glyph is drawn, empty when it was not learned."""
    form = face.forms.get(glyph)
    if form is None:
        index, advance, right, down, _ = glyph
        if right or down:
            form = _placed_form(face, index, advance, right, down)
        else:
            form = _plain_form(face, index, advance)
        if form and len(face.forms) < MAX_FORMS:
            face.forms[glyph] = form
    return form


def _plain_form(face: _Face, glyph: int, advance: int) -> str:
    width = face.font.widths.get(glyph)
    if width is None or glyph not in face.font.to_unicode:
        return ""
    kerning = int(width - advance * 1000 * FROM_UNITS / face.size)
    return f"{glyph:04x}>{kerning}<" if kerning else f"{glyph:04x}"


def _placed_form(face: _Face, glyph: int, advance: int, x_offset: int, y_offset: int) -> str:
    """Return the form of a glyph that is moved, such as a mark above its letter."""
    width = face.font.widths.get(glyph)
    if width is None or glyph not in face.font.to_unicode:
        return ""
    offset = x_offset / face.size
    kerning = int(width + offset - advance * 1000 * FROM_UNITS / face.size)
    after = f">{kerning}<" if kerning else ""
    if not y_offset:
        return f">{number(-offset)}<{glyph:04x}{after}"
    moved = number(-offset) if offset else ""
    return f">] TJ\n{number(-y_offset / 1000)} Ts [{moved}<{glyph:04x}>] TJ\n0 Ts [<{after}"


def number(value: float) -> str:
    """Return a number as PDF writes it: no exponent, no superfluous digits."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
