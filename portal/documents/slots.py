"""Where the values of a compiled document stand: found in the boxes of a layout made with marks instead of values."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from portal.documents import layout  # noqa: F401 - prepares WeasyPrint before its parts are imported
from portal.documents.kinds import DocumentKind
from portal.documents.sheets import Sheet

from weasyprint.formatting_structure import boxes  # isort: skip
from weasyprint.layout.replaced import replacedbox_layout  # isort: skip

_MARK = "@@"
#: What is drawn in place of a mark, so that the drawing of each value can be found again.
STAND_IN = "x"
TOLERANCE = 0.01


class CannotCompile(Exception):
    """The template breaks a rule of compiled documents, or WeasyPrint is not as expected; the full render is used."""


@dataclass(frozen=True, slots=True)
class TextSlot:
    """A place of a value: ``line`` counts in blocks of lines, ``x`` and ``y`` are CSS pixels at the base line."""

    name: str
    line: int
    style: Any
    x: float
    y: float
    width: float


class PictureSlot:
    """A place of a picture or code. Stands in for the picture while the page is drawn, drawing only a mark."""

    def __init__(self, name: str, box: Any) -> None:
        if box.style["overflow"] != "visible":
            raise CannotCompile(f"the picture {name} is clipped; give it overflow: visible")
        self.name = name
        self.mark = f"%{_MARK}{name}".encode()
        self._box = box
        self._size: tuple[float, float, float] = box.replacement.get_intrinsic_size(1, 1)
        box.replacement = self

    def get_intrinsic_size(self, _resolution: float, _font_size: float) -> tuple[float, float, float]:
        return self._size

    def draw(self, stream: Any, _width: float, _height: float, _style: Any) -> None:
        stream.stream.append(self.mark)

    def place(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Return left, top, width and height, in CSS pixels, of a picture with so many pixels."""
        self._size = (width, height, width / height)
        drawn_width, drawn_height, left, top = replacedbox_layout(self._box)
        return left, top, drawn_width, drawn_height


def marked_sheet(kind: DocumentKind[Any], sheet: Sheet) -> Sheet:
    """Return a sheet of the same shape with a mark in place of every value."""
    texts = {name: text if name in kind.fixed else f"{_MARK}{name}.0" for name, text in sheet.texts.items()}
    lines = {
        name: tuple(f"{_MARK}{name}.{line}" for line in range(count)) for name, count in kind.lines.items()
    }
    return Sheet(texts, lines, sheet.pictures, sheet.codes)


def find_slots(
    kind: DocumentKind[Any], page_box: Any, wanted: Sheet
) -> tuple[list[TextSlot], list[PictureSlot]]:
    """Return the slots of a page laid out from a marked sheet, and put stand-ins into its boxes.

    Raises:
        CannotCompile: naming the value that has no slot, or that does not stand last and left-aligned on its line.
    """
    texts: list[TextSlot] = []
    pictures: list[PictureSlot] = []
    for box, line, cell in _leaves(page_box, None, None):
        if isinstance(box, boxes.TextBox) and _MARK in box.text:
            texts.append(_text_slot(box, line, cell))
        elif isinstance(box, boxes.ReplacedBox) and box.element is not None and box.element.get("data-slot"):
            pictures.append(PictureSlot(box.element.get("data-slot"), box))
    expected = {(name, 0) for name in wanted.texts if name not in kind.fixed}
    expected |= {(name, line) for name, block in wanted.lines.items() for line in range(len(block))}
    # A fact that the template does not print needs no slot, but half a block of lines is a mistake.
    absent = sorted(
        name for name, _ in expected - {(slot.name, slot.line) for slot in texts} if name in kind.lines
    )
    if absent:
        raise CannotCompile(f"the template does not print all lines of {absent[0]}")
    shown = {name for name, picture in wanted.pictures.items() if picture} | {
        n for n, text in wanted.codes.items() if text
    }
    if unknown := {slot.name for slot in pictures} ^ shown:
        raise CannotCompile(f"the picture {min(unknown)} is not marked by data-slot, or is not a fact")
    return texts, pictures


def _leaves(box: Any, line: Any, cell: Any) -> Iterator[tuple[Any, Any, Any]]:
    if isinstance(box, boxes.LineBox):
        line = box
    elif isinstance(box, boxes.BlockContainerBox):
        cell = box
    children = getattr(box, "children", None)
    if not children:
        yield box, line, cell
    for child in children or ():
        # Boxes out of the flow stand behind a placeholder.
        yield from _leaves(getattr(child, "_box", child), line, cell)


def _text_slot(box: Any, line: Any, cell: Any) -> TextSlot:
    name, _, number = box.text.removeprefix(_MARK).partition(".")
    style = box.style
    *_, last = (leaf for leaf, _, _ in _leaves(line, None, None))
    if not box.text.startswith(_MARK) or not number.isdigit() or last is not box:
        raise CannotCompile(f"the value {name} does not stand alone or last on its line ({box.text!r})")
    if cell.style["text_align_all"] not in {"start", "left", "justify"} or style["direction"] != "ltr":
        raise CannotCompile(f"the value {name} is not left-aligned")
    plain = (
        style["letter_spacing"] == "normal"
        and not style["word_spacing"]
        and style["text_transform"] == "none"
    )
    if not plain or style["text_decoration_line"] != "none" or style["color"].alpha != 1:
        raise CannotCompile(f"the value {name} has spacing, decoration, transparency or changed case")
    if style["overflow_wrap"] != "normal" or style["white_space"] not in {"normal", "nowrap"}:
        raise CannotCompile(
            f"the value {name} has its own rules of wrapping; word-break is the one that is allowed"
        )
    right = cell.content_box_x() + cell.width
    slot = TextSlot(
        name, int(number), style, box.position_x, box.position_y + box.baseline, right - box.position_x
    )
    box.text = box.pango_layout.text = STAND_IN
    return slot
