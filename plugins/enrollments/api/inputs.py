"""What callers give, as the engine uses it: keys, statuses, UUIDs, course keys. One place for every rule of form."""

import re
import unicodedata
import uuid
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from plugins.enrollments.errors import InvalidCourseKey, InvalidRequest, MissingField
from plugins.enrollments.models.columns import LONGEST_KEY
from plugins.enrollments.settings import EnrollmentsSettings
from portal.sdk import get_settings

COURSE_KEY = re.compile(r"(?:course|ccx)-v1:[^/+\s]+\+[^/+\s]+\+[^/\s]+|[^/+\s]+/[^/+\s]+/[^/+\s]+")
Normalise = Callable[[str], str]


def current_settings() -> EnrollmentsSettings:
    """Return the plugin's settings; at most one statement."""
    return get_settings(EnrollmentsSettings)


def exact(key: str) -> str:
    """Return a key as it is compared when letter case counts."""
    return key


def folded(key: str) -> str:
    """Return a key as it is compared when letter case does not count."""
    if key.isascii():
        return key.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", key).casefold())


def normaliser(settings: EnrollmentsSettings) -> Normalise:
    """Return the function that gives the compared form of external keys."""
    return folded if settings.key_letter_case == "fold" else exact


def is_storable_key(key: object, normalise: Normalise = exact) -> bool:
    """Say whether a key is text of 1 to 255 characters that every database can keep and send."""
    if not isinstance(key, str) or not 1 <= len(key) <= LONGEST_KEY:
        return False
    if key.isascii():
        return "\0" not in key
    return "\0" not in key and _is_encodable(key) and len(normalise(key)) <= LONGEST_KEY


def are_plain_keys(keys: Sequence[Hashable]) -> bool:
    """Say whether all are storable ASCII keys, each its own compared form but for letter case."""
    try:
        text = "".join(keys)  # type: ignore[arg-type]
    except TypeError:
        return False
    longest = max(map(len, keys), default=0)  # type: ignore[arg-type]
    return text.isascii() and "\0" not in text and longest <= LONGEST_KEY


def uuid_or_none(value: object) -> uuid.UUID | None:
    """Return a UUID given as such or as text; None for anything else."""
    if isinstance(value, uuid.UUID):
        return value
    return _parsed_uuid(value) if isinstance(value, str) else None


@lru_cache(maxsize=1_000)
def _parsed_uuid(text: str) -> uuid.UUID | None:
    # Kept: a file of a million rows names a handful of curricula.
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def required_uuid(value: object) -> uuid.UUID:
    """Return a UUID given as such or as text.

    Raises:
        InvalidRequest: when it is none.
    """
    found = uuid_or_none(value)
    if found is None:
        raise InvalidRequest(f"{str(value)[:80]!r} is not a valid UUID.")
    return found


def required_course_key(value: object, settings: EnrollmentsSettings) -> str:
    """Return a course key, given as text or as an object whose text it is.

    Raises:
        InvalidCourseKey: when the setting wants a form that it does not have, or it cannot be stored.
    """
    text = value if isinstance(value, str) else str(value or "")
    if not is_storable_key(text):
        raise InvalidCourseKey(text)
    if settings.course_key_form != "any" and not COURSE_KEY.fullmatch(text):
        raise InvalidCourseKey(text)
    return text


def required_flags(create: bool, update: bool) -> None:
    """Refuse a write that may neither create nor update.

    Raises:
        InvalidRequest: when both are false.
    """
    if not (create or update):
        raise InvalidRequest("At least one of (create, update) must be True")


def external_keys(requests: Iterable[Mapping[str, Any]]) -> list[Hashable]:
    """Return the external key of every request, in order.

    Raises:
        MissingField: when a request has none.
        InvalidRequest: when one is empty, None or cannot be a key of the answer: nobody could be told about that row.
    """
    keys: list[Hashable] = []
    for request in requests:
        key = request.get("external_user_key")
        if key and type(key) is str:
            keys.append(key)
            continue
        if "external_user_key" not in request:
            raise MissingField("external_user_key")
        if key is None or key == "" or not isinstance(key, Hashable):
            raise InvalidRequest(
                "At least one of (user, external_user_key) must be given: a request with an empty key names nobody."
            )
        keys.append(key)
    return keys


def duplicated_keys(keys: Sequence[Hashable], normalise: Normalise) -> set[Hashable]:
    """Return the compared forms of keys that occur more than once."""
    if normalise is exact and len(set(keys)) == len(keys):
        return set()
    seen: set[Hashable] = set()
    found: set[Hashable] = set()
    for key in keys:
        form = normalise(key) if isinstance(key, str) else key
        (found if form in seen else seen).add(form)
    return found


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
