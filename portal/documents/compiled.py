"""The compiled way: a template is laid out once per shape, and for each document only the values are drawn."""

import zlib
from collections.abc import Hashable
from typing import Any

from portal.documents import layout
from portal.documents.codes import CodeMaker
from portal.documents.fixedpart import FixedPart, cut_values
from portal.documents.kinds import DocumentKind
from portal.documents.pages import Pages
from portal.documents.shaping import Drawn, Shaper, number
from portal.documents.sheets import Sheet
from portal.documents.slots import TOLERANCE, CannotCompile, PictureSlot, TextSlot, find_slots, marked_sheet

from weasyprint.pdf import generate_pdf  # isort: skip

MAX_REMEMBERED = 5_000
#: Most of a slip's bytes are its photo; more effort makes it slower and hardly smaller.
ZLIB_LEVEL = 4


def shape_of(kind: DocumentKind[Any], sheet: Sheet) -> Hashable | None:
    """Return what decides the layout of a document; None when it has more lines than the template has room for."""
    if any(len(block) > kind.lines[name] for name, block in sheet.lines.items()):
        return None
    pictures = tuple(name for name, picture in sheet.pictures.items() if picture)
    codes = tuple(name for name, text in sheet.codes.items() if text)
    return pictures, codes, tuple(sheet.texts[name] for name in kind.fixed)


class CompiledShape:
    """One shape of a document kind, ready to print documents.

    Args:
        kind: A compiled kind.
        sheet: Any document of the shape.
        pages: Fills the template.
        typesetter: Lays it out.
        codes: Makes QR codes.

    Raises:
        CannotCompile: when the template breaks a rule of compiled documents.
    """

    def __init__(
        self, kind: DocumentKind[Any], sheet: Sheet, pages: Pages, typesetter: layout.Typesetter, codes: CodeMaker
    ) -> None:
        self._kind = kind
        self._codes = codes
        marked = marked_sheet(kind, sheet)
        document = typesetter.lay_out(pages.for_print(kind, [marked]))
        if len(document.pages) != 1:
            raise CannotCompile(f"it takes {len(document.pages)} pages")
        page_box = document.pages[0]._page_box  # noqa: SLF001 - the box tree is not public
        self._texts, self._pictures = find_slots(kind, page_box, marked)
        self._shapers = _shapers(self._texts, document.fonts)
        for shaper in self._shapers.values():
            shaper.learn_repertoire()
        pdf = generate_pdf(document, None, 1, **layout.PDF_OPTIONS)
        for shaper in self._shapers.values():
            shaper.freeze()
        page = next(each for each in pdf.objects if isinstance(each, dict) and each.get("Type") == "/Page")
        by_reference = {each.reference: each for each in pdf.objects if each.number is not None}
        stream, resources = by_reference[page["Contents"]], by_reference[page["Resources"]]
        marks = cut_values(stream, self._texts, self._pictures)
        colour = [_colour(slot) for slot in self._texts]
        self._openings = [
            b"%b %b BT 1 0 0 -1 %b %b Tm" % (mark, rg, number(slot.x).encode(), number(slot.y).encode())
            for mark, rg, slot in zip(marks, colour, self._texts, strict=False)
        ]
        self._picture_marks = marks[len(self._texts) :]
        self._start = b"q 1 0 0 -1 0 %b cm 0.75 0 0 0.75 0 0 cm" % number(document.pages[0].height * 0.75).encode()
        names = [f"V{index}" for index in range(len(self._pictures))]
        self._fixed = FixedPart(pdf, page, resources, names)
        self._remembered: dict[tuple[int, str], Drawn] = {}
        self._repeated = frozenset(kind.repeated)

    def render(self, sheet: Sheet) -> bytes | None:
        """Return the PDF; None when a value is wider than its place or has a glyph that was not prepared."""
        parts = [self._start]
        for slot, opening in zip(self._texts, self._openings, strict=True):
            text = self._text(slot, sheet)
            if not text:
                # The structure of the page names this place, so it must exist.
                parts.append(opening.partition(b"C ")[0] + b"C EMC")
                continue
            drawn = self._draw(slot, text)
            if drawn is None or drawn.width > slot.width + TOLERANCE:
                return None
            parts += [opening, drawn.operators, b"ET EMC"]
        pictures: list[bytes] = []
        for index, slot_mark in enumerate(zip(self._pictures, self._picture_marks, strict=True)):
            slot, mark = slot_mark
            found = self._picture(slot, sheet)
            if found is None:
                return None
            width, height, data = found
            left, top, drawn_width, drawn_height = slot.place(width, height)
            # Two steps, as WeasyPrint does it: one would round differently, by up to a pixel at the edges.
            numbers = (left, top, drawn_width, -drawn_height, drawn_height)
            matrices = b"1 0 0 1 %b %b cm %b 0 0 %b 0 %b cm" % tuple(number(each).encode() for each in numbers)
            parts.append(b"%b q %b /V%d Do Q EMC" % (mark, matrices, index))
            pictures.append(data)
        parts.append(b"Q")
        content = zlib.compress(b"\n".join(parts), ZLIB_LEVEL)
        values = b"<</Filter/FlateDecode/Length %d>>\nstream\n%b\nendstream" % (len(content), content)
        return self._fixed.complete([values, *pictures])

    def values(self, sheet: Sheet) -> list[str]:
        """Return the texts that are drawn for a document."""
        return [text for slot in self._texts if (text := self._text(slot, sheet))]

    def _text(self, slot: TextSlot, sheet: Sheet) -> str:
        block = sheet.lines.get(slot.name)
        if block is None:
            return sheet.texts[slot.name]
        return block[slot.line] if slot.line < len(block) else ""

    def _draw(self, slot: TextSlot, text: str) -> Drawn | None:
        shaper = self._shapers[id(slot.style)]
        if slot.name not in self._repeated:
            return shaper.shape(text)
        key = (id(shaper), text)
        drawn = self._remembered.get(key)
        if drawn is None:
            drawn = shaper.shape(text)
            if drawn is not None and len(self._remembered) < MAX_REMEMBERED:
                self._remembered[key] = drawn
        return drawn

    def _picture(self, slot: PictureSlot, sheet: Sheet) -> tuple[int, int, bytes] | None:
        """Return width, height and the image as a PDF object; None when it cannot be embedded as it is."""
        if slot.name in sheet.codes:
            code = self._codes.make(sheet.codes[slot.name])
            data = zlib.compress(code.pixels(), 1)
            head = b"/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 1/Interpolate false/Filter/FlateDecode"
            return code.side, code.side, _image(head % (code.side, code.side), data)
        picture = sheet.pictures[slot.name]
        if picture is None or not picture.plain:
            return None
        space = b"DeviceGray" if picture.grey else b"DeviceRGB"
        head = b"/Width %d/Height %d/ColorSpace/%b/BitsPerComponent 8/Interpolate true/Filter/DCTDecode"
        return picture.width, picture.height, _image(head % (picture.width, picture.height, space), picture.data)


def _image(head: bytes, data: bytes) -> bytes:
    return b"<</Type/XObject/Subtype/Image%b/Length %d>>\nstream\n%b\nendstream" % (head, len(data), data)


def _colour(slot: TextSlot) -> bytes:
    red, green, blue = slot.style["color"].to("srgb").coordinates
    return f"{number(red)} {number(green)} {number(blue)} rg".encode()


def _shapers(slots: list[TextSlot], fonts: dict[Any, Any]) -> dict[int, Shaper]:
    """Return the shaper of each slot's style; slots of the same look share one."""
    by_look: dict[Hashable, Shaper] = {}
    shapers: dict[int, Shaper] = {}
    for slot in slots:
        names = ("font_family", "font_weight", "font_style", "font_size", "font_stretch", "font_kerning", "lang")
        look = tuple(str(slot.style[name]) for name in names)
        if look not in by_look:
            by_look[look] = Shaper(slot.style, fonts)
        shapers[id(slot.style)] = by_look[look]
    return shapers
