"""The rules of single fields: what text is accepted and what value it becomes."""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

from plugins.admissions.models.vocabulary import SPECIAL_TITLES, ApplicantState
from portal.sdk import utc_now

EARLIEST_BIRTH = date(1900, 1, 1)
_EMAIL = re.compile(r"[^@\s,;<>()]{1,64}@[^@\s,;<>()]+\.[^@\s,;<>().]+")
_PHONE = re.compile(r"\+?[0-9][0-9 ()/-]{3,37}[0-9]")
_APPLICATION_NUMBER = re.compile(r"[1-9][0-9]{5}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\ufffe\uffff]|[\ud800-\udfff]")
_YES, _NO = frozenset({"1", "yes", "true", "y"}), frozenset({"0", "no", "false", "n"})

Rule = Callable[[str], Any]


class FieldProblem(ValueError):
    """A value breaks a field's rule; the text says the rule and what to write instead."""


def text_up_to(limit: int) -> Rule:
    """Return the rule for one line of at most ``limit`` characters."""

    def rule(value: str) -> str:
        # Composed letters, so that a name is the same name whatever keyboard it came from.
        line = " ".join((value if value.isascii() else unicodedata.normalize("NFC", value)).split())
        if _CONTROL.search(line):
            raise FieldProblem("it holds control characters; type the text anew")
        if len(line) > limit:
            raise FieldProblem(f"it has {len(line)} characters, {limit} are the most; shorten it")
        return line

    return rule


def long_text(value: str) -> str:
    """Return text of several lines."""
    if _CONTROL.search(value):
        raise FieldProblem("it holds control characters; type the text anew")
    if len(value) > 10_000:
        raise FieldProblem("it has more than 10,000 characters; shorten it")
    return value.replace("\r\n", "\n").strip()


def sex(value: str) -> str:
    """Return ``m`` or ``f``."""
    letter = {"m": "m", "male": "m", "f": "f", "female": "f"}.get(value.lower())
    if letter is None:
        raise FieldProblem("it must be m or f")
    return letter


def birth_date(value: str) -> date:
    """Return a date of birth between 1900 and today."""
    return living_birth_date(calendar_date(value))


def living_birth_date(day: date) -> date:
    """Return the date if a living person can be born then."""
    if not EARLIEST_BIRTH <= day <= utc_now().date():
        raise FieldProblem("no living person was born then; correct the date")
    return day


def calendar_date(value: str) -> date:
    """Return a date written YYYY-MM-DD (a ``#`` after it, against spreadsheets, is allowed)."""
    text = value.removesuffix("#")
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise FieldProblem("a date is written YYYY-MM-DD, such as 2004-03-31")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FieldProblem("there is no such day; a date is written YYYY-MM-DD") from None


def instant(value: str) -> datetime:
    """Return an instant; one without time zone is taken as UTC."""
    try:
        moment = datetime.fromisoformat(value.removesuffix("#").removesuffix(" UTC"))
    except ValueError:
        raise FieldProblem("a time is written YYYY-MM-DD HH:MM:SS, such as 2026-03-31 14:05:00") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def email(value: str) -> str:
    """Return an e-mail address: one @, no blanks or commas, no double dots, ASCII."""
    if not value.isascii() or len(value) > 254 or ".." in value or not _EMAIL.fullmatch(value):
        raise FieldProblem("it is no e-mail address such as ada@example.org; correct it or leave it empty")
    return value


def phone(value: str) -> str:
    """Return a telephone number: digits, blanks and hyphens, a + in front."""
    number = value.removesuffix("#").strip()
    if not _PHONE.fullmatch(number):
        raise FieldProblem("it is no telephone number such as +234-80-1234567; correct it or leave it empty")
    return number


def yes_or_no(value: str) -> bool:
    """Return a truth value written 1 or 0, yes or no, true or false."""
    word = value.lower()
    if word not in _YES | _NO:
        raise FieldProblem("it must be 1 or 0 (yes or no, true or false)")
    return word in _YES


def application_number(value: str) -> str:
    """Return an application number of six digits."""
    if not _APPLICATION_NUMBER.fullmatch(value):
        raise FieldProblem(
            "an application number has six digits and does not begin with 0; or leave it empty"
        )
    return value


def importable_state(value: str) -> str:
    """Return a state that an import may set: all but ``created``."""
    state = value.lower().replace("_", " ")
    allowed = [item.value for item in ApplicantState if item is not ApplicantState.CREATED]
    if state not in allowed:
        raise FieldProblem(f"allowed are {', '.join(allowed)}; created comes from creating the student")
    return state


def one_of(choices: Collection[str]) -> Rule:
    """Return the rule for one word out of a list."""

    def rule(value: str) -> str:
        if value not in choices:
            raise FieldProblem(f"allowed are {', '.join(sorted(choices))}")
        return value

    return rule


#: Field of an applicant → its rule. An empty text never reaches a rule.
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "application_number": application_number,
        "reg_number": text_up_to(60),
        "firstname": text_up_to(100),
        "middlename": text_up_to(100),
        "lastname": text_up_to(100),
        "sex": sex,
        "date_of_birth": birth_date,
        "email": email,
        "phone": phone,
        "course1": text_up_to(40),
        "course2": text_up_to(40),
        "course_admitted": text_up_to(40),
        "notice": long_text,
        "special_application": one_of(SPECIAL_TITLES),
        "state": importable_state,
        "locked": yes_or_no,
        "suspended": yes_or_no,
        "application_date": instant,
    }
)


def converted(field: str, value: str) -> Any:
    """Return the value that text becomes in a field of :data:`RULES`.

    Raises:
        FieldProblem: saying the rule and the remedy.
    """
    return RULES[field](value.strip())
