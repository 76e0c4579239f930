"""Turns the placeholders of a scenario into values, and results into what can be compared."""

import hashlib
import json
import math
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
LONGEST_TEXT = 300
LARGEST_PLAIN = 2**53
#: Keys whose integers are ids, and the word they are numbered under.
IDS = {
    "student_item": "student_item",
    "submission": "submission",
    "submission_id": "submission",
    "submitted_by": "user",
    "id": "user",
}


class Opaque:
    """A value that no JSON encoder knows."""


def resolved(value: Any, saved: Mapping[str, Any]) -> Any:
    """Return a value with every placeholder in it replaced; ``saved`` holds earlier results by name.

    Raises:
        KeyError, IndexError, TypeError: when it refers to a result that is not there.
    """
    if isinstance(value, list):
        return [resolved(item, saved) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, argument),) = value.items()
        if name == "$ref":
            return _found(saved, argument)
        if name in PLACEHOLDERS:
            return PLACEHOLDERS[name](argument, lambda item: resolved(item, saved))
    return {key: resolved(item, saved) for key, item in value.items()}


def _found(saved: Mapping[str, Any], path: str) -> Any:
    first, *rest = path.split(".")
    value = saved[first]
    for part in rest:
        value = value[int(part)] if isinstance(value, list | tuple) else value[part]
    return value


def _nested(depth: int, leaf: Any) -> Any:
    for _ in range(depth):
        leaf = {"k": [leaf]}
    return leaf


Resolve = Callable[[Any], Any]
PLACEHOLDERS: dict[str, Callable[[Any, Resolve], Any]] = {
    "$uuid": lambda argument, of: uuid.UUID(str(of(argument))),
    "$nohyphens": lambda argument, of: str(of(argument)).replace("-", ""),
    "$upper": lambda argument, of: str(of(argument)).upper(),
    "$concat": lambda argument, of: "".join(str(of(part)) for part in argument),
    "$datetime": lambda argument, of: datetime.fromisoformat(argument),
    "$date": lambda argument, of: date.fromisoformat(argument),
    "$repeat": lambda argument, of: argument[0] * argument[1],
    "$nested": lambda argument, of: _nested(*argument),
    "$bytes": lambda argument, of: argument.encode(),
    "$set": lambda argument, of: set(argument),
    "$tuple": lambda argument, of: tuple(of(part) for part in argument),
    "$opaque": lambda argument, of: Opaque(),
    "$dict": lambda argument, of: {of(key): of(item) for key, item in argument},
    "$float": lambda argument, of: float(argument),
    "$int": lambda argument, of: int(argument),
    "$chr": lambda argument, of: "".join(map(chr, argument)),
    "$json": lambda argument, of: json.dumps(of(argument)),
}


class Normaliser:
    """Makes the results of one scenario comparable: uuids and ids are numbered by first appearance, now is ``<now>``."""

    def __init__(self) -> None:
        self._began = datetime.now(UTC) - timedelta(seconds=5)
        self._numbers: dict[str, dict[Any, int]] = {}

    def __call__(self, value: Any, key: str | None = None) -> Any:
        """Return the value as the scenario files write it."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self._number(value, key)
        if isinstance(value, uuid.UUID):
            return self._token("uuid", str(value))
        if isinstance(value, datetime):
            return self._moment(value)
        if isinstance(value, bytes):
            return {"$bytes": value.decode(errors="replace")}
        if isinstance(value, str):
            return self._text(value, key)
        if isinstance(value, dict):
            if all(isinstance(name, str) for name in value):
                return {self(name): self(value[name], name) for name in sorted(value)}
            return {"$dict": sorted(([self(name), self(item)] for name, item in value.items()), key=repr)}
        if isinstance(value, list | tuple):
            return [self(item, key) for item in value]
        return f"<{type(value).__name__}>"

    def _token(self, kind: str, value: Any) -> str:
        known = self._numbers.setdefault(kind, {})
        return f"<{kind}:{known.setdefault(value, len(known) + 1)}>"

    def _number(self, value: float, key: str | None) -> Any:
        if isinstance(value, float):
            return value if math.isfinite(value) else {"$float": repr(value)}
        if key in IDS:
            return self._token(IDS[key], value)
        return value if abs(value) <= LARGEST_PLAIN else {"$int": str(value)}

    def _moment(self, value: datetime) -> Any:
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        if self._began <= aware <= datetime.now(UTC) + timedelta(seconds=5):
            return "<now>"
        inside = 1 < aware.year < 9999
        return {"$datetime": (aware.astimezone(UTC) if inside else aware).isoformat()}

    def _text(self, value: str, key: str | None) -> Any:
        if key == "submission_time":
            return "<epoch>"
        if UUID_TEXT.fullmatch(value):
            return self._token("uuid", value.lower())
        if len(value) > LONGEST_TEXT:
            digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
            return {"$long": {"length": len(value), "sha256": digest}}
        if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value):
            return {"$chr": [ord(character) for character in value]}
        return value
