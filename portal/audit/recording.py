"""Writes the audit record in the transaction of the change itself."""

import enum
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import event, insert, inspect
from sqlalchemy.orm import Session, UOWTransaction

from portal.audit.models import AuditEntry
from portal.kernel.actor import current_actor
from portal.kernel.clock import utc_now
from portal.kernel.db import Base, db
from portal.kernel.ids import new_id

#: Nulls are written out, so that entries with and without changes go in one statement.
_INSERT = insert(AuditEntry).execution_options(render_nulls=True)
_job: ContextVar[uuid.UUID | None] = ContextVar("portal_audit_job", default=None)


@dataclass(frozen=True, kw_only=True)
class AuditRow:
    """One entry to be written: ``target`` is the table, ``changes`` column → value or [before, after]."""

    action: str
    target: str
    record_id: str
    changes: Mapping[str, Any] | None = None


@contextmanager
def for_job(job_id: uuid.UUID) -> Iterator[None]:
    """Note the job in every entry written inside the block."""
    token = _job.set(job_id)
    try:
        yield
    finally:
        _job.reset(token)


def record(action: str, target: str, record_id: str, changes: Mapping[str, Any] | None = None) -> None:
    """Write one entry. Needs an open transaction; does not commit."""
    record_many([AuditRow(action=action, target=target, record_id=record_id, changes=changes)])


def record_many(rows: Sequence[AuditRow]) -> None:
    """Write entries for Core bulk changes, any number, in one statement. Does not commit."""
    if rows:
        db.session.execute(_INSERT, _values(rows))


def _values(rows: Sequence[AuditRow]) -> list[dict[str, Any]]:
    actor, now, job_id = current_actor(), utc_now(), _job.get()
    return [
        {
            "id": new_id(),
            "at": now,
            "actor_user_id": actor.user_id,
            "actor_name": actor.name,
            "action": row.action,
            "target": row.target,
            "record_id": row.record_id,
            "changes": dict(row.changes) if row.changes else None,
            "job_id": job_id,
        }
        for row in rows
    ]


@event.listens_for(Session, "after_flush")
def _record_flush(session: Session, context: UOWTransaction) -> None:
    """Record what the session has just written (bulk Core writes are recorded by their writers)."""
    rows = [
        row
        for action, items in (("create", session.new), ("update", session.dirty), ("delete", session.deleted))
        for item in items
        if isinstance(item, Base) and item.__audited__
        if (row := _row(action, item)) is not None
    ]
    if rows:
        session.execute(_INSERT, _values(rows))


def _row(action: str, item: Base) -> AuditRow | None:
    changes = _changes(action, item)
    if action == "update" and not changes:
        return None
    key = ",".join(str(part) for part in inspect(item).mapper.primary_key_from_instance(item))
    return AuditRow(action=action, target=item.__tablename__, record_id=key, changes=changes)


def _changes(action: str, item: Base) -> dict[str, Any]:
    state = inspect(item)
    changes: dict[str, Any] = {}
    for column in state.mapper.column_attrs:
        if column.key in item.__audit_exclude__:
            continue
        history = state.attrs[column.key].history
        if action == "update" and history.has_changes():
            changes[column.key] = [
                _plain(next(iter(history.deleted), None)),
                _plain(next(iter(history.added), None)),
            ]
        elif action == "create" and state.dict.get(column.key) is not None:
            # After the flush: with the defaults and the key that the flush filled in.
            changes[column.key] = _plain(state.dict[column.key])
    changes.pop("version", None)
    return changes


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime | date | uuid.UUID | Decimal):
        return str(value)
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return value
