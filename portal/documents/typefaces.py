"""The fonts of documents: those shipped here, and what an institution puts beside them. Never the machine's own."""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont
from fontTools.ttLib.ttCollection import TTCollection

SHIPPED = Path(__file__).parent / "fonts"
SUFFIXES = frozenset({".ttf", ".otf", ".ttc", ".otc"})
#: Bidirectional embeddings, overrides and isolates: they can make a printed name read differently from the stored one.
REORDERING = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))


class Typefaces:
    """The fonts that documents may use, the same on every machine.

    Args:
        folders: Further folders with fonts, used for characters that the shipped ones lack; a missing folder is empty.
    """

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self.files: tuple[Path, ...] = tuple(
            path
            for folder in (SHIPPED, *folders)
            if folder.is_dir()
            for path in sorted(folder.iterdir())
            if path.suffix.lower() in SUFFIXES
        )

    @cached_property
    def coverage(self) -> frozenset[str]:
        """The characters that can be printed."""
        points = {point for path in self.files for face in _faces(path) for point in face.getBestCmap() or ()}
        return frozenset(map(chr, points)).difference(
            REORDERING, map(chr, range(0x20)), map(chr, range(0x7F, 0xA0))
        )

    def missing(self, text: str) -> list[str]:
        """Return the characters of ``text`` that cannot be printed, in order."""
        if set(text) <= self.coverage:
            return []
        # A font may have a letter only whole, or only as base and mark; the shaper tries both.
        composed = dict.fromkeys(unicodedata.normalize("NFC", text))
        return [char for char in composed if not self._has(char)]

    def _has(self, char: str) -> bool:
        return char in self.coverage or (
            len(parts := unicodedata.normalize("NFD", char)) > 1 and set(parts) <= self.coverage
        )


def _faces(path: Path) -> Iterator[Any]:
    if path.suffix.lower() in {".ttc", ".otc"}:
        yield from TTCollection(path, lazy=True).fonts
    else:
        yield TTFont(path, lazy=True)


def advice(char: str) -> str:
    """Return what to do about a character that no font has."""
    if char in REORDERING or unicodedata.category(char).startswith("C"):
        return "Remove it: it is not a printable character."
    point = ord(char)
    package = next((name for first, last, name in _PACKAGES if first <= point <= last), "fonts-noto-core")
    return f"Copy a font that has it (Debian: package {package}) to the folder fonts in the portal's home, and restart."


_CJK = "fonts-noto-cjk"
_PACKAGES = (
    (0x1100, 0x11FF, _CJK),
    (0x2E80, 0xA4CF, _CJK),
    (0xA960, 0xA97F, _CJK),
    (0xAC00, 0xD7FF, _CJK),
    (0xF900, 0xFAFF, _CJK),
    (0xFE30, 0xFE4F, _CJK),
    (0xFF00, 0xFFEF, _CJK),
    (0x1F000, 0x1FAFF, "fonts-symbola"),
    (0x20000, 0x3FFFF, _CJK),
)
