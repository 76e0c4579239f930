"""Is a compiled document the same page as the full render? Asked once per process, before the first one is handed out."""

import unicodedata
from collections.abc import Sequence

from portal.documents.inspection import read_pages


def difference(compiled: bytes, full: bytes, values: Sequence[str]) -> str:
    """Return how two PDFs of the same facts differ; empty when they do not.

    Compared are the things that are drawn: every glyph with font, size, colour, place and kerning, every picture with its
    place, every line. Their order may differ. What a reader copies out of the compiled one must be the values.

    Args:
        compiled: One page, drawn the compiled way.
        full: The same page, laid out by the full render.
        values: Texts that the page must have, each as one piece.
    """
    pages, expected_pages = read_pages(compiled), read_pages(full)
    if len(pages) != 1 or len(expected_pages) != 1:
        return f"{len(pages)} pages instead of {len(expected_pages)}"
    things, expected = pages[0].things, expected_pages[0].things
    if missing := expected - things:
        return f"{missing.total()} things are not drawn, first {_short(next(iter(missing)))}"
    if extra := things - expected:
        return f"{extra.total()} things are drawn in excess, first {_short(next(iter(extra)))}"
    copied = {unicodedata.normalize("NFC", text) for text in pages[0].texts}
    wrong = [text for text in values if unicodedata.normalize("NFC", text) not in copied]
    return f"copying gives another text than {wrong[0]!r}" if wrong else ""


def _short(thing: tuple[object, ...]) -> str:
    return repr(thing)[:200]
