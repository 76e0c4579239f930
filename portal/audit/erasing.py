"""Masks people in the audit record: that something was changed, when and by whom stays; the values go."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select, update

from portal.audit.models import AuditEntry
from portal.kernel.db import db

#: What stands in place of a value.
ERASED = "(erased)"
PAGE_ROWS = 2000

_entries: Any = AuditEntry.__table__
_SET_CHANGES = (
    update(_entries).where(_entries.c.id == bindparam("entry_id")).values(changes=bindparam("masked"))
)
_SET_ACTOR = (
    update(_entries)
    .where(_entries.c.actor_user_id == bindparam("actor"))
    .values(actor_name=bindparam("token"))
)


def erase_changes(target: str, record_ids: Sequence[str], keep: frozenset[str] = frozenset()) -> int:
    """Mask the values in all entries about these records and return how many entries there are.

    One statement, and two per 2,000 entries. Needs an open transaction; does not commit.

    Args:
        target: The table.
        record_ids: 1 to 500 keys as text.
        keep: Names in ``changes`` whose values say nothing about who the person is (a state, a role).
    """
    # The keys first: paging by key over the whole table would not use the index of the records.
    ids = db.session.scalars(
        select(AuditEntry.id).where(
            AuditEntry.target == target,
            AuditEntry.record_id.in_(record_ids),
            AuditEntry.changes.is_not(None),
        )
    ).all()
    for start in range(0, len(ids), PAGE_ROWS):
        page = db.session.execute(
            select(AuditEntry.id, AuditEntry.changes).where(AuditEntry.id.in_(ids[start : start + PAGE_ROWS]))
        )
        db.session.execute(
            _SET_CHANGES, [{"entry_id": key, "masked": _masked(changes, keep)} for key, changes in page]
        )
    return len(ids)


def former_values(target: str, record_ids: Sequence[str], name: str) -> frozenset[str]:
    """Return every text that a column of these records ever held, as far as the record says. One statement.

    Args:
        target: The table.
        record_ids: 1 to 500 keys as text.
        name: Of the column, such as ``email``.
    """
    found = db.session.scalars(
        select(AuditEntry.changes[name]).where(
            AuditEntry.target == target,
            AuditEntry.record_id.in_(record_ids),
            AuditEntry.action.in_(("create", "update")),
            AuditEntry.changes.is_not(None),
        )
    )
    texts: set[str] = set()
    for value in found:
        texts |= {item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)}
    return frozenset(texts - {"", ERASED})


def rename_actors(tokens: Mapping[int, str]) -> None:
    """Put tokens in place of the names of actors: user id → token, 1 to 500. One executemany; does not commit."""
    if tokens:
        db.session.execute(
            _SET_ACTOR, [{"actor": user_id, "token": token} for user_id, token in tokens.items()]
        )


def who_has_acted(user_ids: Sequence[int]) -> frozenset[int]:
    """Return those of the users who have changed any record but their own user. One statement for at most 500."""
    own = (AuditEntry.target == "portal_user") & (AuditEntry.record_id.in_([str(item) for item in user_ids]))
    found = db.session.scalars(
        select(AuditEntry.actor_user_id).where(AuditEntry.actor_user_id.in_(user_ids), ~own).distinct()
    )
    return frozenset(item for item in found if item is not None)


def _masked(changes: Mapping[str, Any], keep: frozenset[str]) -> dict[str, Any]:
    return {name: value if name in keep else ERASED for name, value in changes.items()}
