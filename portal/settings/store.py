"""Reads and writes settings as the pydantic models that their owners declare."""

import hashlib
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from flask import current_app, g, has_request_context
from pydantic import BaseModel, ValidationError
from sqlalchemy import select

from portal.audit.recording import record
from portal.hooks.registry import current_registry
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict, InvalidInput, PluginError
from portal.kernel.transaction import on_commit
from portal.settings.fields import is_file, is_secret
from portal.settings.models import Setting

log = logging.getLogger(__name__)

M = TypeVar("M", bound=BaseModel)
_CACHE = "PORTAL_SETTINGS_CACHE"
#: Outside of requests, how old an answer may be.
FRESH_SECONDS = 2.0
_IN_REQUEST = "portal_settings"
_CHANGED_IN = "portal_settings_changed_in"
SECRET_SET, SECRET_UNSET = "(a secret)", "(none)"


def get(model: type[M]) -> M:
    """Return the settings of a declared model: stored values over the defaults.

    All settings are read at once: one statement per request; outside of requests one in two seconds. A stored value
    that the model does not accept any more is left out and logged.

    Raises:
        PluginError: code ``settings-undeclared``.
    """
    _require_declared(model)
    reading = _kept() or _read()
    found: M | None = reading.models.get(model)
    if found is None:
        found = reading.models[model] = _valid(model, _own(model, reading.values))
    return found


def set_values(model: type[M], values: Mapping[str, Any], *, seen: str | None = None) -> M:
    """Store values and return the settings as they are now; a value equal to the default follows the default again.

    Audited, secrets masked. Needs an open transaction; does not commit.

    Args:
        seen: The version that :func:`stored_state` gave when the editor looked; None stores whatever happened since.

    Raises:
        PluginError: code ``settings-undeclared``.
        InvalidInput: code ``settings-invalid``; ``facts["problems"]`` maps fields to messages.
        Conflict: code ``changed-meanwhile``, when somebody stored other values since ``seen``.
    """
    _require_declared(model)
    rows = _rows(model)
    if seen is not None and seen != _version_of(rows.values()):
        raise Conflict(
            "changed-meanwhile",
            "Somebody else changed these settings while you were editing them. Compare, and save again.",
        )
    merged = _validated(model, {**_valid(model, _values(model, rows)).model_dump(), **values})
    before, plain, defaults = _plain(_valid(model, _values(model, rows))), _plain(merged), _plain(model())
    for field in values:
        if plain[field] != before[field] or plain[field] == defaults[field]:
            _store(model, field, plain[field], defaults[field], rows.get(_name(model, field)))
    db.session.flush()
    _forget()
    db.session.info[_CHANGED_IN] = db.session().get_transaction()
    on_commit(_forget)
    return merged


@dataclass(frozen=True, kw_only=True)
class StoredState:
    """Which fields do not follow their default, and a text that changes as soon as somebody stores other values."""

    fields: frozenset[str]
    version: str


def stored_state(model: type[BaseModel]) -> StoredState:
    """Return what is stored of the model, without the values. One statement."""
    rows = _rows(model)
    return StoredState(fields=frozenset(_values(model, rows)), version=_version_of(rows.values()))


def _version_of(rows: Iterable[Setting]) -> str:
    # Times only: the text goes into a page, and secrets are among the values.
    found = sorted(f"{row.name} {row.updated_at.isoformat()}" for row in rows)
    return hashlib.sha256("\n".join(found).encode()).hexdigest()[:32]


def _store(model: type[BaseModel], field: str, value: Any, default: Any, row: Setting | None) -> None:
    name = _name(model, field)
    shown = partial(_shown, model, field)
    if value == default:
        if row is not None:
            record("delete", Setting.__tablename__, name, {"value": [shown(row.value), shown(default)]})
            db.session.delete(row)
        return
    file = (value or None) if is_file(model.model_fields[field]) else None
    if row is None:
        record("create", Setting.__tablename__, name, {"value": shown(value), "default": shown(default)})
        db.session.add(Setting(name=name, value=value, sha256=file))
    else:
        record("update", Setting.__tablename__, name, {"value": [shown(row.value), shown(value)]})
        row.value, row.sha256, row.updated_at = value, file, utc_now()


def _shown(model: type[BaseModel], field: str, value: Any) -> Any:
    """Return a value as the audit record shows it: of a secret only whether there is one."""
    if is_secret(model.model_fields[field]):
        return SECRET_SET if value else SECRET_UNSET
    return value


def _plain(found: BaseModel) -> dict[str, Any]:
    """Return the values as they are stored; a secret in clear, which the library's own dump would mask."""
    values = found.model_dump(mode="json")
    for name, field in type(found).model_fields.items():
        if is_secret(field):
            secret = getattr(found, name)
            values[name] = secret.get_secret_value() if secret is not None else None
    return values


def _require_declared(model: type[BaseModel]) -> None:
    declared = current_registry().settings.get(model.__name__)
    if declared is None or declared.model is not model:
        raise PluginError("settings-undeclared", f"No plugin declares {model.__name__} in portal_settings().")


def _validated(model: type[M], values: Mapping[str, Any]) -> M:
    problems = {name: "There is no such setting." for name in values if name not in model.model_fields}
    try:
        found = model.model_validate(values)
    except ValidationError as error:
        for problem in error.errors():
            problems[".".join(str(part) for part in problem["loc"])] = problem["msg"]
    if problems:
        text = "; ".join(f"{name}: {message}" for name, message in problems.items())
        raise InvalidInput("settings-invalid", text, {"problems": problems})
    return found


def _valid(model: type[M], stored: Mapping[str, Any]) -> M:
    """Return the model with every stored value that it accepts."""
    values = dict(stored)
    while True:
        try:
            return model.model_validate(values)
        except ValidationError as error:
            wrong = {str(problem["loc"][0]) for problem in error.errors() if problem["loc"]} & set(values)
            # Without the values: one of them may be a secret.
            reasons = "; ".join(f"{problem['loc']}: {problem['msg']}" for problem in error.errors())
            log.warning("stored settings of %s are not valid and left out: %s", model.__name__, reasons)
            values = {name: value for name, value in values.items() if name not in wrong} if wrong else {}


def _own(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    return {field: values[name] for field in model.model_fields if (name := _name(model, field)) in values}


def _rows(model: type[BaseModel]) -> dict[str, Setting]:
    names = [_name(model, field) for field in model.model_fields]
    return {row.name: row for row in db.session.scalars(select(Setting).where(Setting.name.in_(names)))}


def _values(model: type[BaseModel], rows: Mapping[str, Setting]) -> dict[str, Any]:
    return {name.partition(".")[2]: row.value for name, row in rows.items()}


def _name(model: type[BaseModel], field: str) -> str:
    return f"{model.__name__}.{field}"


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """Every stored value by name, and the models that were made of them."""

    until: float
    values: Mapping[str, Any]
    models: dict[type[BaseModel], Any]


def _kept() -> _Reading | None:
    if has_request_context():
        own: _Reading | None = g.get(_IN_REQUEST)
        return own
    kept: _Reading | None = current_app.extensions.get(_CACHE)
    return kept if kept is not None and time.monotonic() < kept.until else None


def _read() -> _Reading:
    rows = db.session.execute(select(Setting.name, Setting.value))
    values = {name: value for name, value in rows}  # noqa: C416 - a row is no pair to the type checker
    reading = _Reading(until=time.monotonic() + FRESH_SECONDS, values=values, models={})
    if db.session.info.get(_CHANGED_IN) is db.session().get_transaction():
        # This transaction has stored settings, which may yet be rolled back.
        return reading
    if has_request_context():
        setattr(g, _IN_REQUEST, reading)
    else:
        current_app.extensions[_CACHE] = reading
    return reading


def _forget() -> None:
    g.pop(_IN_REQUEST, None)
    current_app.extensions.pop(_CACHE, None)
