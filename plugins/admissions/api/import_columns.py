"""Which column of an uploaded sheet is which field of an applicant."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from plugins.admissions.api.fields import RULES
from portal.sdk import InvalidInput

#: Columns that name something else than a field of the applicant itself.
CONTAINER, APPLICANT_ID, PHOTO, HISTORY = "container_code", "applicant_id", "photo", "history"
#: Maps a column to nothing.
IGNORE = "ignore"

FIELDS = (CONTAINER, APPLICANT_ID, *RULES, PHOTO, HISTORY)

#: What the template for downloading offers.
TEMPLATE = (
    CONTAINER,
    "application_number",
    "reg_number",
    "firstname",
    "middlename",
    "lastname",
    "sex",
    "date_of_birth",
    "email",
    "phone",
    "course1",
    "course2",
    "course_admitted",
    "state",
    "notice",
    PHOTO,
)

_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    CONTAINER: ("container", "application container"),
    APPLICANT_ID: ("application id",),
    "application_number": ("application no", "app number"),
    "reg_number": ("registration number", "registration no", "reg no", "regno"),
    "firstname": ("given name", "forename", "first names"),
    "middlename": ("other names", "second name"),
    "lastname": ("surname", "family name"),
    "sex": ("gender",),
    "date_of_birth": ("dob", "birth date", "birthday", "born"),
    "email": ("e-mail", "mail", "e-mail address", "email address"),
    "phone": ("telephone", "mobile", "phone number", "telephone number"),
    "course1": ("first choice", "course of first choice"),
    "course2": ("second choice", "course of second choice"),
    "course_admitted": ("admitted course", "certificate", "admitted certificate", "programme", "program"),
    "state": ("status",),
    "notice": ("note", "remark"),
    PHOTO: ("passport", "picture", "photo file", "image"),
    HISTORY: ("log",),
}


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


_KNOWN = {_plain(name): field for field in FIELDS for name in (field, *_SYNONYMS.get(field, ()))}


def columns_of(header: Sequence[str], mapping: Mapping[str, str]) -> tuple[str | None, ...]:
    """Return the field of each column, None for one that is not read.

    Columns that begin with ``_`` (those of a result file) are never read.

    Args:
        mapping: Column → field or ``ignore``, where the name alone does not say it.

    Raises:
        InvalidInput: ``column-unknown`` or ``column-twice``, naming columns and what is allowed.
    """
    wanted = {_plain(column): field for column, field in mapping.items()}
    for column, field in mapping.items():
        if field not in (*FIELDS, IGNORE):
            raise InvalidInput(
                "column-unknown", f"Column {column!r} is mapped to {field!r}. Allowed: {_allowed()}."
            )
    fields = tuple(_field_of(column, wanted) for column in header)
    for index, name in enumerate(fields):
        if name is not None and name in fields[:index]:
            other = header[fields.index(name)]
            message = f"The columns {other!r} and {header[index]!r} both mean {name}. Remove or ignore one."
            raise InvalidInput("column-twice", message)
    return fields


def _field_of(column: str, wanted: Mapping[str, str]) -> str | None:
    plain = _plain(column)
    if column.startswith("_") or wanted.get(plain) == IGNORE:
        return None
    field = wanted.get(plain) or _KNOWN.get(plain)
    if field is None:
        near = get_close_matches(plain, _KNOWN, n=1)
        hint = f" Did you mean {_KNOWN[near[0]]!r}?" if near else ""
        message = (
            f"The column {column!r} is unknown.{hint} Rename it, map it, or ignore it. Known: {_allowed()}."
        )
        raise InvalidInput("column-unknown", message, {"column": column})
    return field


def _allowed() -> str:
    return ", ".join(FIELDS)


def check_columns(fields: Sequence[str | None], mode: str, has_container: bool) -> None:
    """Refuse a sheet that lacks the columns its mode needs.

    Raises:
        InvalidInput: ``column-missing`` or ``column-not-allowed``.
    """
    present = {field for field in fields if field}
    if mode == "create":
        missing = [name for name in ("firstname", "lastname", "sex") if name not in present]
        if not has_container and CONTAINER not in present:
            missing.insert(0, CONTAINER)
        if APPLICANT_ID in present:
            message = "New applicants get their applicant_id from the portal. Remove or ignore this column."
            raise InvalidInput("column-not-allowed", message)
    else:
        missing = [] if present & {APPLICANT_ID, "reg_number"} else ["applicant_id (or reg_number)"]
    if missing:
        raise InvalidInput("column-missing", f"The sheet lacks the columns {', '.join(missing)}.")
