"""What a settings model's fields look like to people: title, help, unit, limits, and which input edits them."""

import enum
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin
from zoneinfo import available_timezones

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

#: ``json_schema_extra`` keys that settings models may use: ``unit`` (a word), ``multiline`` (True), ``widget``
#: (``image``), ``choices`` (a list of words, or ``time-zones``).
Extra = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class SettingField:
    """One setting as a form shows it.

    Args:
        name: Of the field.
        title: Its label.
        help: A sentence, or empty.
        unit: Of a number, or empty.
        input: ``text``, ``multiline``, ``lines`` (a list of texts), ``number``, ``switch``, ``choice``, ``secret``
            or ``image``.
        limits: The allowed range in words, or empty.
        choices: (value, title) pairs of a choice.
        default: The default in words; empty for secrets and pictures.
        step: Of a number: ``1`` or ``any``.
        is_optional: An empty input means None.
    """

    name: str
    title: str
    help: str
    unit: str
    input: str
    limits: str
    choices: tuple[tuple[str, str], ...]
    default: str
    step: str
    is_optional: bool


def is_secret(field: FieldInfo) -> bool:
    """Say whether the field's value must never be shown."""
    return _bare(field)[0] is SecretStr


def is_file(field: FieldInfo) -> bool:
    """Say whether the field's value is the name (SHA-256) of a stored file."""
    return _extra(field).get("widget") == "image"


def fields_of(model: type[BaseModel]) -> list[SettingField]:
    """Return the fields of a model in their order: of settings, or of a job's parameters (some without a default)."""
    defaults = model.model_construct()
    return [
        _described(name, field, getattr(defaults, name, None)) for name, field in model.model_fields.items()
    ]


def as_text(value: Any) -> str:
    """Return a value as an input holds it; a secret as nothing."""
    if value is None or isinstance(value, SecretStr):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, list | tuple | set | frozenset):
        return "\n".join(str(item) for item in value)
    return str(value)


def from_text(field: SettingField, text: str) -> Any:
    """Return what a person typed as the value that the model is asked to accept."""
    if field.input == "switch":
        return text.strip().lower() in ("1", "yes", "true", "on")
    if field.input == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    cleaned = text.replace("\r\n", "\n") if field.input in ("multiline", "secret") else text.strip()
    return None if field.is_optional and not cleaned else cleaned


def _described(name: str, field: FieldInfo, default: Any) -> SettingField:
    kind, is_optional = _bare(field)
    extra = _extra(field)
    shown = _input(kind, extra)
    return SettingField(
        name=name,
        title=field.title or name.replace("_", " ").capitalize(),
        help=field.description or "",
        unit=str(extra.get("unit", "")),
        input=shown,
        limits=_limits(field, shown),
        choices=_choices(kind, extra),
        default="" if shown in ("secret", "image") else as_text(default),
        step="1" if kind is int else "any",
        is_optional=is_optional,
    )


def _bare(field: FieldInfo) -> tuple[Any, bool]:
    """Return the type without ``None``, and whether None is allowed."""
    kind = field.annotation
    if get_origin(kind) in (Union, types.UnionType):
        parts = [part for part in get_args(kind) if part is not type(None)]
        if len(parts) == 1:
            return parts[0], True
    return kind, False


def _extra(field: FieldInfo) -> Extra:
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def _input(kind: Any, extra: Extra) -> str:
    if extra.get("widget") == "image":
        return "image"
    if "choices" in extra or get_origin(kind) is Literal:
        return "choice"
    if get_origin(kind) in (list, tuple, set, frozenset):
        return "lines"
    if isinstance(kind, type):
        if issubclass(kind, enum.Enum):
            return "choice"
        for base, name in ((bool, "switch"), (SecretStr, "secret"), (int, "number"), (float, "number")):
            if issubclass(kind, base):
                return name
    return "multiline" if extra.get("multiline") else "text"


def _choices(kind: Any, extra: Extra) -> tuple[tuple[str, str], ...]:
    if extra.get("choices") == "time-zones":
        zones = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
        return tuple((zone, zone.replace("_", " ")) for zone in ("UTC", *zones))
    words: Sequence[Any] = extra.get("choices", ())
    if get_origin(kind) is Literal:
        words = get_args(kind)
    elif isinstance(kind, type) and issubclass(kind, enum.Enum):
        words = [item.value for item in kind]
    return tuple((str(word), str(word).replace("_", " ")) for word in words)


def _limits(field: FieldInfo, shown: str) -> str:
    """Return the allowed range in words: ``1 to 3650``, ``at most 120 characters``."""
    found: dict[str, Any] = {}
    for item in field.metadata:
        for name in ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern"):
            value = getattr(item, name, None)
            if value is not None:
                found[name] = value
    low, high = found.get("ge", found.get("gt")), found.get("le", found.get("lt"))
    words = _range(low, high, above="gt" in found, below="lt" in found)
    if not words and shown not in ("secret", "image"):
        counted = "lines" if shown == "lines" else "characters"
        text = _range(found.get("min_length"), found.get("max_length"))
        words = f"{text} {counted}" if text else ""
    return words


def _range(low: Any, high: Any, *, above: bool = False, below: bool = False) -> str:
    if low is not None and high is not None and not above and not below:
        return f"{low} to {high}"
    parts = []
    if low is not None:
        parts.append(f"{'more than' if above else 'at least'} {low}")
    if high is not None:
        parts.append(f"{'less than' if below else 'at most'} {high}")
    return ", ".join(parts)
