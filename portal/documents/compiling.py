"""Which shapes of a kind are compiled, and whether the compiled way may be used at all."""

import logging
from collections import Counter, OrderedDict
from collections.abc import Hashable
from typing import Any

from portal.documents.codes import CodeMaker
from portal.documents.compiled import CompiledShape, shape_of
from portal.documents.kinds import CompiledState, DocumentKind
from portal.documents.layout import Typesetter
from portal.documents.pages import Pages
from portal.documents.render import render_sheets
from portal.documents.selftest import difference
from portal.documents.sheets import Sheet, read_facts
from portal.documents.slots import CannotCompile
from portal.documents.typefaces import Typefaces

logger = logging.getLogger(__name__)
MAX_SHAPES = 24
MAX_COUNTED = 1_000
#: Compiling a shape costs as much as a few full renders; one that is seen once is not worth it.
WORTH_COMPILING = 5


class CompiledKind:
    """A compiled kind in this process: its shapes, and why it was switched off, if it was.

    Args:
        kind: A compiled kind.
        pages: Fills the template.
        typesetter: Lays it out.
        codes: Makes QR codes.
        typefaces: The fonts.
    """

    def __init__(
        self,
        kind: DocumentKind[Any],
        pages: Pages,
        typesetter: Typesetter,
        codes: CodeMaker,
        typefaces: Typefaces,
    ) -> None:
        self.kind = kind
        self._pages, self._typesetter, self._codes, self._typefaces = pages, typesetter, codes, typefaces
        self._shapes: OrderedDict[Hashable, CompiledShape | None] = OrderedDict()
        self._seen: Counter[Hashable] = Counter()
        self._warm = False
        self._reason = ""

    def state(self) -> CompiledState:
        """Return how this kind is printed."""
        shapes_count = sum(shape is not None for shape in self._shapes.values())
        return CompiledState(
            kind=self.kind.name,
            compiled=self._warm and not self._reason,
            shapes_count=shapes_count,
            reason=self._reason,
        )

    def warm_up(self) -> None:
        """Compile the shapes of the samples, and print each sample both ways; a difference switches this kind off."""
        if self._warm:
            return
        self._warm = True
        for number, facts in enumerate(self.kind.samples, 1):
            try:
                reason = self._test(read_facts(self.kind, facts, self._typefaces))
            except Exception as error:  # noqa: BLE001 - whatever changed below, documents must still be printed
                reason = f"{type(error).__name__}: {error}"
            if reason:
                self._switch_off(f"sample {number}: {reason}")
                return

    def prepare(self, facts: object) -> None:
        """Compile the shape of these facts now, instead of when it has been seen often enough."""
        self.warm_up()
        sheet = read_facts(self.kind, facts, self._typefaces)
        key = shape_of(self.kind, sheet)
        if key is not None and not self._reason:
            self._seen[key] = WORTH_COMPILING
            self._shape(key, sheet)

    def _test(self, sheet: Sheet) -> str:
        key = shape_of(self.kind, sheet)
        if key is None:
            return "it has more lines than fit"
        shape = self._shapes.get(key)
        if shape is None:
            shape = self._compile(sheet)
            self._shapes[key] = shape
        compiled = shape.render(sheet)
        if compiled is None:
            return "a value does not fit"
        full = render_sheets(self.kind, [sheet], self._pages, self._typesetter)
        return difference(compiled, full, shape.values(sheet))

    def render(self, sheet: Sheet) -> bytes | None:
        """Return the PDF of a document; None when it needs the full render."""
        self.warm_up()
        if self._reason:
            return None
        key = shape_of(self.kind, sheet)
        if key is None:
            return None
        try:
            shape = self._shape(key, sheet)
            return shape.render(sheet) if shape else None
        except Exception as error:
            logger.exception("The compiled way of %s failed", self.kind.name)
            self._switch_off(f"{type(error).__name__}: {error}")
            return None

    def _shape(self, key: Hashable, sheet: Sheet) -> CompiledShape | None:
        if key in self._shapes:
            self._shapes.move_to_end(key)
            return self._shapes[key]
        self._seen[key] += 1
        if self._seen[key] < WORTH_COMPILING:
            if len(self._seen) > MAX_COUNTED:
                self._seen.clear()
            return None
        try:
            shape = self._compile(sheet)
        except CannotCompile as error:
            # A long notice may need a second page: this shape is printed in full, the others are not concerned.
            logger.warning("A shape of %s is printed in full: %s", self.kind.name, error)
            shape = None
        self._shapes[key] = shape
        if len(self._shapes) > MAX_SHAPES:
            self._shapes.popitem(last=False)
        return shape

    def _compile(self, sheet: Sheet) -> CompiledShape:
        return CompiledShape(self.kind, sheet, self._pages, self._typesetter, self._codes)

    def _switch_off(self, reason: str) -> None:
        self._reason = reason
        self._shapes.clear()
        logger.warning("%s is printed by the full render, which is slower: %s", self.kind.name, reason)
