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
ZLIB_LEVEL = 1


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
        self,
        kind: DocumentKind[Any],
        sheet: Sheet,
        pages: Pages,
        typesetter: layout.Typesetter,
        codes: CodeMaker,
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
        content, resources = by_reference[page["Contents"]], by_reference[page["Resources"]]
        self._pieces, self._slots = cut_values(content, self._texts, self._pictures)
        names = [f"V{index}" for index in range(len(self._pictures))]
        self._fixed = FixedPart(pdf, content, resources, names)
        self._remembered: dict[tuple[int, str], Drawn] = {}
        self._repeated = frozenset(kind.repeated)

    def render(self, sheet: Sheet) -> bytes | None:
        """Return the PDF; None when a value is wider than its place or has a glyph that was not prepared."""
        parts = [self._pieces[0]]
        pictures: list[bytes] = []
        for slot, piece in zip(self._slots, self._pieces[1:], strict=True):
            if isinstance(slot, PictureSlot):
                found = self._picture(slot, sheet)
                if found is None:
                    return None
                width, height, data = found
                # Two steps, as WeasyPrint does it: one would round differently, by up to a pixel at the edges.
                left, top, drawn_width, drawn_height = slot.place(width, height)
                numbers = (left, top, drawn_width, -drawn_height, drawn_height)
                matrices = b"1 0 0 1 %b %b cm %b 0 0 %b 0 %b cm" % tuple(
                    number(each).encode() for each in numbers
                )
                parts.append(b"%b /V%d Do\n" % (matrices, len(pictures)))
                pictures.append(data)
            elif text := self._text(slot, sheet):
                drawn = self._draw(slot, text)
                if drawn is None or drawn.width > slot.width + TOLERANCE:
                    return None
                parts.append(drawn.operators)
            parts.append(piece)
        content = zlib.compress(b"".join(parts), ZLIB_LEVEL)
        return self._fixed.complete(
            b"<</Filter/FlateDecode/Length %d>>\nstream\n%b\nendstream" % (len(content), content), pictures
        )

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
            if drawn is not None:
                if len(self._remembered) >= MAX_REMEMBERED:
                    self._remembered.clear()
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
        return (
            picture.width,
            picture.height,
            _image(head % (picture.width, picture.height, space), picture.data),
        )


def _image(head: bytes, data: bytes) -> bytes:
    return b"<</Type/XObject/Subtype/Image%b/Length %d>>\nstream\n%b\nendstream" % (head, len(data), data)


def _shapers(slots: list[TextSlot], fonts: dict[Any, Any]) -> dict[int, Shaper]:
    """Return the shaper of each slot's style; slots of the same look share one."""
    by_look: dict[Hashable, Shaper] = {}
    shapers: dict[int, Shaper] = {}
    for slot in slots:
        names = (
            "font_family",
            "font_weight",
            "font_style",
            "font_size",
            "font_stretch",
            "font_kerning",
            "lang",
        )
        look = tuple(str(slot.style[name]) for name in names)
        if look not in by_look:
            by_look[look] = Shaper(slot.style, fonts)
        shapers[id(slot.style)] = by_look[look]
    return shapers
