"""Facts made ready for printing: cleaned and checked once, the same for either way of printing."""

import io
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from PIL import Image, UnidentifiedImageError

from portal.documents.kinds import DASH, DocumentKind
from portal.documents.typefaces import Typefaces, advice
from portal.kernel.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG whose header was read; ``plain`` means that it can be embedded as it is (RGB or grey, upright)."""

    data: bytes
    width: int
    height: int
    grey: bool
    plain: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """The facts of one document, by the name of the field."""

    texts: Mapping[str, str]
    lines: Mapping[str, tuple[str, ...]]
    pictures: Mapping[str, Picture | None]
    codes: Mapping[str, str]


def read_facts(kind: DocumentKind[Any], facts: object, typefaces: Typefaces) -> Sheet:
    """Return the facts ready to print.

    White space is collapsed as a browser does (fixed facts keep their lines), and an empty text becomes a dash unless the
    fact is fixed.

    Raises:
        InvalidInput: with the kind's code, when a character has no glyph or a picture cannot be read.
    """
    if not isinstance(facts, kind.facts):
        message = f"{kind.name} is printed from {kind.facts.__name__}, not from {type(facts).__name__}."
        raise InvalidInput(kind.problem_code, message)
    texts: dict[str, str] = {}
    lines: dict[str, tuple[str, ...]] = {}
    pictures: dict[str, Picture | None] = {}
    codes: dict[str, str] = {}
    for name in (each.name for each in fields(kind.facts)):
        value = getattr(facts, name)
        if name in kind.lines:
            lines[name] = tuple(" ".join(line.split()) for line in value)
        elif name in kind.images:
            pictures[name] = None if value is None else _read_picture(kind, name, value)
        elif name in kind.codes:
            codes[name] = value
        elif name in kind.fixed:
            texts[name] = "\n".join(" ".join(line.split()) for line in value.strip().splitlines())
        else:
            texts[name] = " ".join(value.split()) or DASH
    _check_glyphs(kind, texts, lines, typefaces)
    return Sheet(texts, lines, pictures, codes)


def _check_glyphs(
    kind: DocumentKind[Any],
    texts: Mapping[str, str],
    lines: Mapping[str, tuple[str, ...]],
    typefaces: Typefaces,
) -> None:
    everything = "".join(texts.values()) + "".join("".join(block) for block in lines.values())
    if set(everything) - {"\n"} <= typefaces.coverage:
        return
    for name, text in (*texts.items(), *((name, line) for name, block in lines.items() for line in block)):
        if missing := typefaces.missing(text.replace("\n", "")):
            raise no_glyph(kind, name, text, missing[0])


def no_glyph(kind: DocumentKind[Any], name: str, text: str, char: str) -> InvalidInput:
    """Return the error that names a character which no font has, where it stands, and what to do."""
    label = name.replace("_", " ")
    called = unicodedata.name(char, "a character without name")
    shown = char if char.isprintable() else "?"
    message = (
        f"The field {label} ({text[:80]!r}) has the character {shown} (U+{ord(char):04X}, {called}), which no font of the "
        f"portal can print. {advice(char)}"
    )
    return InvalidInput(kind.problem_code, message, {"field": name, "character": f"U+{ord(char):04X}"})


def _read_picture(kind: DocumentKind[Any], name: str, data: bytes) -> Picture:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            plain = image.mode in {"RGB", "L"} and "exif" not in image.info
            return Picture(data, image.width, image.height, grey=image.mode == "L", plain=plain)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        message = f"The picture {name.replace('_', ' ')} is not a readable JPEG. Upload it again."
        raise InvalidInput(kind.problem_code, message, {"field": name}) from error
