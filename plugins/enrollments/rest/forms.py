"""What older programs send, judged by the rules they know: every row before anything is written."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from flask import request

from plugins.enrollments.api.inputs import current_settings
from portal.sdk import PortalError

MOST_PROBLEMS = 50
_YES: Final = frozenset({"t", "y", "yes", "true", "on", "1"})
_NO: Final = frozenset({"f", "n", "no", "false", "off", "0"})
_TEXT = {"type": "string", "minLength": 1}
_UUID = {"type": "string", "format": "uuid"}

#: Name of a row's field → schema, required?
PROGRAM_ROW = {"student_key": _TEXT, "status": _TEXT, "curriculum_uuid": _UUID}
STATUS_ROW = {"student_key": _TEXT, "status": _TEXT}
COURSE_ROW = {"student_key": _TEXT, "status": _TEXT, "course_staff": {"type": "boolean"}}
_OPTIONAL = frozenset({"course_staff"})


class RowsInvalid(PortalError):
    """Something about the rows cannot be understood; nothing was written. ``errors`` names each field."""

    status: ClassVar[int] = 400

    def __init__(self, message: str, errors: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__("rows-invalid", message)
        self.errors = list(errors)


class TooManyRows(PortalError):
    """More rows than one call may bring; nothing was written."""

    status: ClassVar[int] = 413

    def __init__(self, count: int, most: int) -> None:
        super().__init__(
            "too-many-rows",
            f"{count} rows were sent, and a call takes at most {most}. Send several calls, or make a job of them.",
            {"rows": count, "most": most},
        )


def schema_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a body of rows."""
    required = [name for name in fields if name not in _OPTIONAL]
    return {
        "type": "array",
        "items": {"type": "object", "properties": dict(fields), "required": required},
    }


def sent_rows(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of this call with their values as text, UUID and truth; fields that are not known are left out.

    Raises:
        RowsInvalid: the body is no list of objects, or a field is missing or of a wrong kind.
        TooManyRows: as the setting says; looked at after the rows.
    """
    body = request.get_json()
    if not isinstance(body, list):
        raise RowsInvalid("The body must be a list of rows.")
    rows, problems = [], []
    for number, item in enumerate(body):
        row, wrong = _row(number, item, fields)
        rows.append(row)
        problems += wrong
        if len(problems) >= MOST_PROBLEMS:
            break
    if problems:
        raise RowsInvalid("Some rows cannot be understood, so none was written.", problems)
    most = current_settings().rows_per_call
    if len(rows) > most:
        raise TooManyRows(len(rows), most)
    return rows


def _row(number: int, item: Any, fields: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, str]]]:
    if not isinstance(item, dict):
        return {}, [_problem(number, "", "This is no object with fields.")]
    row, wrong = {}, []
    for name in fields:
        if name not in item:
            if name not in _OPTIONAL:
                wrong.append(_problem(number, name, "This field is required."))
            continue
        try:
            reader: Callable[[Any], Any] = _READERS.get(name, _text)
            row[name] = reader(item[name])
        except ValueError as error:
            wrong.append(_problem(number, name, str(error)))
    return row, wrong


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("This must be text.")  # noqa: TRY004 - told to the caller
    text = str(value).strip()
    if not text:
        raise ValueError("This must not be empty.")
    return text


def _uuid(value: Any) -> uuid.UUID:
    try:
        return uuid.UUID(value) if isinstance(value, str) else uuid.UUID(int=_whole(value))
    except ValueError:
        raise ValueError("This must be a UUID.") from None


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("no number")  # noqa: TRY004 - told to the caller
    return value


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower() if isinstance(value, str | int) else ""
    if word not in _YES | _NO:
        raise ValueError("This must be true or false.")
    return word in _YES


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {"curriculum_uuid": _uuid, "course_staff": _truth}


def _problem(number: int, field: str, message: str) -> dict[str, str]:
    pointer = f"/{number}/{field}" if field else f"/{number}"
    return {
        "in": "body",
        "field": field or str(number),
        "pointer": pointer,
        "code": "row-invalid",
        "message": message,
    }
