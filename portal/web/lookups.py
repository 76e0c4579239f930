"""Look-ups of related records in forms: narrowed to what the actor may see, and bounded."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask_admin.contrib.sqla.ajax import QueryAjaxModelLoader
from sqlalchemy import Select, select
from sqlalchemy import inspect as inspect_model

from portal.access.policy import narrow
from portal.kernel.actor import current_actor
from portal.kernel.db import db
from portal.kernel.errors import NotFound

MAX_LOOKUP = 50
MAX_OFFSET = 10_000
MAX_TERM = 100


def primary_key(model: type) -> Any:
    """Return the model's single primary key attribute."""
    return inspect_model(model).primary_key[0]


def key_value(model: type, text: Any) -> Any:
    """Return ``text`` as a value of the model's primary key, or None when it cannot be one."""
    kind = primary_key(model).type.python_type
    if isinstance(text, kind):
        return text
    try:
        value: Any = UUID(str(text)) if kind is UUID else kind(str(text))
    except (ValueError, TypeError):
        return None
    if kind is int and not -(2**63) <= value < 2**63:
        return None
    return value


def narrowed_select(model: type, permission: str) -> Select[Any]:
    """Return a SELECT of the rows of ``model`` that the current actor may see under ``permission``."""
    return narrow(select(model), current_actor(), permission, model)


def find_visible(model: type, permission: str, text: Any) -> Any:
    """Return the record with this key if the actor may see it, else None."""
    value = key_value(model, text)
    if value is None:
        return None
    return db.session.scalar(narrowed_select(model, permission).where(primary_key(model) == value))


def get_visible(
    model: type, permission: str, text: Any, *, code: str, message: str, lock: bool = False
) -> Any:
    """Return the record with this key.

    Args:
        lock: Keep others from changing it until the transaction ends, and read it anew.

    Raises:
        NotFound: with ``code`` and ``message``, also when the actor may not see it: nobody learns what exists.
    """
    value = key_value(model, text)
    found = None
    if value is not None:
        statement = narrowed_select(model, permission).where(primary_key(model) == value)
        if lock:
            statement = statement.with_for_update(of=model).execution_options(populate_existing=True)
        found = db.session.scalar(statement)
    if found is None:
        raise NotFound(code, message)
    return found


class NarrowedLoader(QueryAjaxModelLoader):  # type: ignore[misc]
    """Finds related records by text for a form field, within what the actor may see."""

    def __init__(self, name: str, model: type, permission: Callable[[], str], **options: Any) -> None:
        super().__init__(name, db, model, **options)
        self._permission = permission

    def format(self, model: Any) -> tuple[str, str] | None:
        return None if model is None else (str(getattr(model, self.pk)), str(model))

    def get_query(self) -> Any:
        return narrow(db.session.query(self.model), current_actor(), self._permission(), self.model)

    def get_one(self, key: Any) -> Any:
        with db.session.no_autoflush:
            return find_visible(self.model, self._permission(), key)

    def get_list(self, term: str | None, offset: int | None = 0, limit: int | None = MAX_LOOKUP) -> Any:
        text = (term or "")[:MAX_TERM]
        escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        start = min(max(offset or 0, 0), MAX_OFFSET)
        return super().get_list(escaped, start, min(max(limit or MAX_LOOKUP, 1), MAX_LOOKUP))
