"""Checks what callers give, before any query; every refusal names the field and the rule."""

import json
import re
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from plugins.submissions.errors import FieldProblem, InvalidPointsError, SubmissionRequestError
from plugins.submissions.settings import SubmissionsSettings
from portal.sdk import get_settings, institution, utc_now

LONGEST = {"student_id": 255, "course_id": 255, "item_id": 255, "item_type": 100}
LARGEST_INTEGER = 2_147_483_647
DEEPEST_ANSWER = 200
_WHOLE = re.compile(r"[+-]?\d{1,25}(\.0*)?")
_MOMENT = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{1,2}.*)?", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class ItemKey:
    """The four words that name a student item, checked and trimmed."""

    student_id: str
    course_id: str
    item_id: str
    item_type: str


class _Refused(Exception):
    """One value cannot be used."""

    def __init__(self, code: str, message: str) -> None:
        self.problem = FieldProblem(code, message)


def item_key(given: object) -> ItemKey:
    """Return the student item that a caller names by a dict of exactly four keys.

    Raises:
        SubmissionRequestError: with a problem per field.
    """
    if not isinstance(given, Mapping):
        raise SubmissionRequestError(
            "A student item is a dict of student_id, course_id, item_id and item_type."
        )
    problems: dict[str, list[str]] = {
        str(name): [FieldProblem("unknown", "A student item has no such key.")]
        for name in given
        if name not in LONGEST
    }
    values: dict[str, str] = {}
    for name, longest in LONGEST.items():
        try:
            if name not in given:
                raise _Refused("required", "This key is missing.")
            values[name] = _text(given[name], longest)
        except _Refused as refused:
            problems[name] = [refused.problem]
    if problems:
        raise SubmissionRequestError(field_errors=problems)
    return ItemKey(**values)


def _text(value: object, longest: int | None) -> str:
    if value is None:
        raise _Refused("null", "A value is needed.")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _Refused("invalid", "A text is needed.")
    found = str(value).strip()
    if not found:
        raise _Refused("blank", "The text must not be empty.")
    if longest is not None and len(found) > longest:
        raise _Refused("max_length", f"At most {longest} characters.")
    _refuse_odd_characters(found)
    return found


def _refuse_odd_characters(found: str) -> None:
    if "\0" in found:
        raise _Refused("null_characters_not_allowed", "NUL characters are not allowed.")
    if any("\ud800" <= character <= "\udfff" for character in found):
        raise _Refused("invalid", "The text holds half a character (a lone surrogate).")


def word(value: object) -> str | None:
    """Return an identifier to search by; None when it can match nothing."""
    try:
        return _text(value, None)
    except _Refused:
        return None


def checked_fields(problems_of: Mapping[str, Any], error: type[SubmissionRequestError]) -> dict[str, Any]:
    """Run a check per field and return its values.

    Args:
        problems_of: Field → a function without arguments that gives the value.
        error: Raised with a problem per refused field.
    """
    values, problems = {}, {}
    for name, check in problems_of.items():
        try:
            values[name] = check()
        except _Refused as refused:
            problems[name] = [refused.problem]
    if problems:
        raise error(field_errors=problems)
    return values


def name_text(value: object, longest: int = 255) -> str:
    """Check one identifier; call it through :func:`checked_fields`."""
    return _text(value, longest)


def optional_text(value: object, longest: int | None = None) -> str:
    """Check a text that may be empty or absent; numbers become text; call it through :func:`checked_fields`."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _Refused("invalid", "A text is needed.")
    value = str(value)
    if longest is not None and len(value) > longest:
        raise _Refused("max_length", f"At most {longest} characters.")
    _refuse_odd_characters(value)
    return value


def whole_number(value: object) -> int:
    """Check a whole number from 0 to 2,147,483,647, which may come as text or float; see :func:`checked_fields`."""
    if value is None:
        raise _Refused("null", "A value is needed.")
    if isinstance(value, bool):
        raise _Refused("invalid", "A whole number is needed.")
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        number = int(value.strip().partition(".")[0])
    elif isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        number = int(value)
    else:
        raise _Refused("invalid", "A whole number is needed.")
    if number < 0:
        raise _Refused("min_value", "The number must not be below 0.")
    if number > LARGEST_INTEGER:
        raise _Refused("max_value", f"The number must not be above {LARGEST_INTEGER:,}.")
    return number


def moment(value: object) -> datetime:
    """Check an instant; nothing, an empty text and 0 mean now; see :func:`checked_fields`.

    A datetime or ISO text; a date alone is midnight, without a zone it is in the institution's.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        raise _Refused("date", "A date with a time is needed, not a date.")
    if not value:
        return utc_now()
    if isinstance(value, str):
        value = _parsed(value.strip())
    if not isinstance(value, datetime):
        raise _Refused("invalid", "A moment is needed, such as 2026-11-21T09:30:00+00:00.")
    try:
        if value.tzinfo is None:
            value = value.replace(tzinfo=ZoneInfo(institution().time_zone))
        return value.astimezone(UTC)
    except OverflowError:
        raise _Refused("overflow", "The moment lies outside the years 1 to 9999.") from None


def _parsed(told: str) -> datetime:
    if not _MOMENT.fullmatch(told):
        raise _Refused("invalid", "A moment is needed, such as 2026-11-21T09:30:00+00:00.")
    try:
        if len(told) <= len("2026-11-21"):
            year, month, day = (int(part) for part in told.split("-"))
            return datetime.combine(date(year, month, day), time())
        return datetime.fromisoformat(told)
    except ValueError:
        raise _Refused("invalid", f"{told!r} is no moment that exists.") from None


def answer_limit() -> int:
    """Return the most characters of an answer; ask once per call, it may read the settings."""
    return get_settings(SubmissionsSettings).answer_limit_characters


def answer_text(answer: object, limit: int) -> str:
    """Return an answer as the JSON text that is stored, of at most ``limit`` characters; see :func:`checked_fields`."""
    if answer is None:
        raise _Refused("null", "An answer is needed.")
    try:
        told = json.dumps(answer, allow_nan=False)
        json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise _Refused("invalid", "The answer holds half a character (a lone surrogate).") from None
    except (TypeError, ValueError):
        raise _Refused(
            "invalid", "The answer cannot be written as JSON (NaN and Infinity are none)."
        ) from None
    except RecursionError:
        raise _Refused("invalid", "The answer is nested too deeply.") from None
    if len(told) > limit:
        raise _Refused("invalid", f"The answer has {len(told):,} characters as JSON; {limit:,} are the most.")
    if told.count("[") + told.count("{") > DEEPEST_ANSWER and _depth(told) > DEEPEST_ANSWER:
        raise _Refused("invalid", f"The answer is nested more than {DEEPEST_ANSWER} levels deep.")
    return told


def _depth(told: str) -> int:
    deepest = level = 0
    for mark in re.sub(r'"(?:[^"\\]|\\.)*"', "", told):
        if mark in "[{":
            level += 1
            deepest = max(deepest, level)
        elif mark in "]}":
            level -= 1
    return deepest


def points(earned: object, possible: object) -> tuple[int, int]:
    """Return checked points.

    Raises:
        InvalidPointsError: with a problem per field.
    """
    values = checked_fields(
        {"points_earned": lambda: whole_number(earned), "points_possible": lambda: whole_number(possible)},
        InvalidPointsError,
    )
    return values["points_earned"], values["points_possible"]


def entry_list(given: object, most: int) -> list[Any]:
    """Return what is given in bulk as a list.

    Raises:
        SubmissionRequestError: for more than ``most``, or when it is no list.
    """
    if not isinstance(given, Sequence) or isinstance(given, str | bytes):
        raise SubmissionRequestError("A list of dicts is needed.")
    if len(given) > most:
        raise SubmissionRequestError(f"At most {most} at once; {len(given)} were given.")
    return list(given)


def check_entry(given: object, names: Collection[str]) -> None:
    """Refuse an entry of a list that is no dict or has keys that nobody would read.

    Raises:
        SubmissionRequestError: with a problem per unknown key.
    """
    if not isinstance(given, Mapping):
        raise SubmissionRequestError("Each entry is a dict.")
    problem = FieldProblem("unknown", f"An entry has no such key; it has {', '.join(names)}.")
    if unknown := {str(name): [problem] for name in given if name not in names}:
        raise SubmissionRequestError(field_errors=unknown)


def submission_uuid(given: object) -> uuid.UUID | None:
    """Return a submission's uuid, given as text or UUID; None when it can be no uuid.

    Raises:
        SubmissionRequestError: for anything else.
    """
    if isinstance(given, uuid.UUID):
        return given
    if not isinstance(given, str):
        raise SubmissionRequestError("A submission is named by its uuid, as text.")
    try:
        return uuid.UUID(given)
    except ValueError:
        return None


def submission_uuids(given: object) -> dict[uuid.UUID, None]:
    """Return the uuids of a list in order, each once; what can be no uuid is left out.

    Raises:
        SubmissionRequestError: when it is no list.
    """
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise SubmissionRequestError("A list of uuids is needed.")
    found = (submission_uuid(item) for item in given)
    return {item: None for item in found if item is not None}
