"""Sample parameters of a job kind: its defaults, and every choice that a form offers."""

import enum
import uuid
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

_PLAIN: dict[type, Any] = {str: "x", int: 1, float: 1.0, bytes: b"x", uuid.UUID: uuid.UUID(int=0)}


def sample_parameters(model: type[BaseModel]) -> list[BaseModel]:
    """Return parameters, unchecked: with every default, then with each value of each switch and choice in turn."""
    values = {name: _value(field.annotation, field) for name, field in model.model_fields.items()}
    samples = [model.model_construct(**values)]
    for name, field in model.model_fields.items():
        samples += [model.model_construct(**{**values, name: value}) for value in _choices(field.annotation)]
    return samples


def _value(kind: Any, field: Any) -> Any:
    default = field.get_default(call_default_factory=True)
    if default is not PydanticUndefined:
        return default
    choices = _choices(kind)
    if choices:
        return choices[0]
    kinds = [part for part in _parts(kind) if part is not NoneType]
    first = kinds[0] if kinds else None
    origin = get_origin(first) or first
    if isinstance(origin, type) and issubclass(origin, list | tuple | set | frozenset | dict):
        return origin()
    if isinstance(first, type) and issubclass(first, BaseModel):
        return sample_parameters(first)[0]
    return _PLAIN.get(first) if isinstance(first, type) else None


def _choices(kind: Any) -> list[Any]:
    found: list[Any] = []
    for part in _parts(kind):
        if part is bool:
            found += [False, True]
        elif get_origin(part) is Literal:
            found += get_args(part)
        elif isinstance(part, type) and issubclass(part, enum.Enum):
            found += list(part)
    return found


def _parts(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
