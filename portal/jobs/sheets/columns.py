"""The columns that a kind of job declares, and which column of somebody's sheet means which of them."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from portal.kernel.errors import InvalidInput

#: Maps a column to nothing.
IGNORE = "ignore"
_NEAR = 0.8


@dataclass(frozen=True)
class Column:
    """One column that a kind of job reads.

    Args:
        name: Of the field, as the kind gets it; also the column's name in the template.
        title: For people.
        required: Whether a sheet without it is refused.
        description: What belongs there, in a sentence.
        examples: Values as people would write them.
        is_identifier: A number that names something: guarded against spreadsheets, which eat zeros.
        is_date: A calendar date; the kind gets it as YYYY-MM-DD whatever order the sheet uses.
        choices: The only values there are, offered as a menu in the template.
        aliases: Other names that people give it.
        in_template: Whether the template offers it.
    """

    name: str
    title: str
    required: bool = False
    description: str = ""
    examples: Sequence[str] = ()
    is_identifier: bool = False
    is_date: bool = False
    choices: Sequence[str] = ()
    aliases: Sequence[str] = ()
    in_template: bool = True


class Likeness(StrEnum):
    """How sure it is that a column of a sheet means a field."""

    REMEMBERED = "remembered"
    NAME = "name"
    NEAR = "near"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """What a column of a sheet probably means: ``field`` is empty when nothing is like it, or it is not to be read."""

    field: str
    likeness: Likeness


def plain_name(name: str) -> str:
    """Return a name without capitals, accents, spaces and signs: ``Prénom(s)`` and ``PRENOMS`` are the same."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return re.sub(r"[\W_]+", "", letters) or name


def suggestions(
    header: Sequence[str], columns: Iterable[Column], remembered: Mapping[str, str] | None = None
) -> dict[str, Suggestion]:
    """Return for each column of a sheet what it probably means; a field is suggested at most once.

    Columns that begin with ``_`` (those of a result file) are never read.

    Args:
        remembered: Plain name → field (or ``ignore``), as the same person chose it the last time.
    """
    known = list(columns)
    fields = {column.name for column in known}
    names = _names(known)
    found: dict[str, Suggestion] = {}
    taken: set[str] = set()
    for wanted in (Likeness.REMEMBERED, Likeness.NAME, Likeness.NEAR):
        for column in header:
            if column in found:
                continue
            field = _field(wanted, plain_name(column), names, remembered or {})
            if column.startswith("_") or field == IGNORE:
                found[column] = Suggestion(field="", likeness=Likeness.REMEMBERED)
            elif field in fields and field not in taken:
                found[column] = Suggestion(field=field, likeness=wanted)
                taken.add(field)
    return {column: found.get(column, Suggestion(field="", likeness=Likeness.NONE)) for column in header}


def _names(columns: Iterable[Column]) -> dict[str, str]:
    names: dict[str, str] = {}
    known = list(columns)
    for column in known:
        names.setdefault(plain_name(column.name), column.name)
    for column in known:
        for name in (column.title, *column.aliases):
            names.setdefault(plain_name(name), column.name)
    return names


def _field(
    wanted: Likeness, plain: str, names: Mapping[str, str], remembered: Mapping[str, str]
) -> str | None:
    if wanted is Likeness.REMEMBERED:
        return remembered.get(plain)
    if wanted is Likeness.NAME:
        return names.get(plain)
    near = get_close_matches(plain, names, n=1, cutoff=_NEAR)
    return names[near[0]] if near else None


def fields_of(
    header: Sequence[str], columns: Sequence[Column], mapping: Mapping[str, str] | None
) -> dict[str, str]:
    """Return the field of each column that is read.

    Args:
        mapping: Column of the sheet → field, or ``ignore`` (or nothing) for one that is not read. Columns that it
            does not name are found by their name or an alias; when it is None or leaves one open, that must be sure.

    Raises:
        InvalidInput: ``column-unknown`` or ``column-twice``, naming columns, fields and what is allowed.
    """
    wanted = {plain_name(column): field for column, field in (mapping or {}).items()}
    _check_targets(header, columns, mapping or {})
    names, known = _names(columns), {column.name for column in columns}
    found: dict[str, str] = {}
    for column in header:
        plain = plain_name(column)
        if column.startswith("_") and plain not in wanted:
            continue
        field = wanted[plain] if plain in wanted else names.get(plain)
        if field is None:
            raise _unknown(column, names, known)
        if field in ("", IGNORE):
            continue
        if other := next((name for name, taken in found.items() if taken == field), None):
            message = f"The columns {other!r} and {column!r} both mean {field}. Remove or ignore one."
            raise InvalidInput("column-twice", message, {"field": field, "columns": [other, column]})
        found[column] = field
    return found


def _check_targets(header: Sequence[str], columns: Sequence[Column], mapping: Mapping[str, str]) -> None:
    fields = {column.name for column in columns}
    present = {plain_name(column) for column in header}
    for column, field in mapping.items():
        if field not in (*fields, IGNORE, ""):
            message = (
                f"Column {column!r} is mapped to {field!r}, which is no field. Allowed: {_allowed(fields)}."
            )
            raise InvalidInput("column-unknown", message, {"column": column})
        if plain_name(column) not in present and field not in (IGNORE, ""):
            message = f"The sheet has no column {column!r} to map to {field}. It has: {', '.join(header)}."
            raise InvalidInput("column-unknown", message, {"column": column})


def _unknown(column: str, names: Mapping[str, str], fields: Collection[str]) -> InvalidInput:
    near = get_close_matches(plain_name(column), names, n=1)
    hint = f" Did you mean {names[near[0]]!r}?" if near else ""
    message = (
        f"The column {column!r} is unknown.{hint} Rename it, map it, or map it to {IGNORE!r}. "
        f"Known: {_allowed(fields)}."
    )
    return InvalidInput("column-unknown", message, {"column": column})


def _allowed(fields: Iterable[str]) -> str:
    return ", ".join(sorted(fields))


def check_required(fields: Collection[str], columns: Iterable[Column]) -> None:
    """Refuse a sheet that lacks required columns.

    Raises:
        InvalidInput: ``column-missing``, naming all of them.
    """
    missing = [column.name for column in columns if column.required and column.name not in fields]
    if missing:
        message = f"The sheet lacks the columns {', '.join(missing)}. Add them, or map columns to them."
        raise InvalidInput("column-missing", message, {"fields": missing})
