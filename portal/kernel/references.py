"""Who refers to a record: read from the foreign keys of the database, so tables of unloaded plugins count too."""

from collections.abc import Collection, Hashable
from typing import Any

from flask import current_app
from sqlalchemy import column, inspect, literal, select, table, union_all

from portal.kernel.db import db

_KEY = "PORTAL_REFERRING_COLUMNS"


def referring_columns(table_name: str) -> list[tuple[str, str]]:
    """Return the (table, column) pairs of the database that refer to a table."""
    inspector = inspect(db.session().connection())
    return [
        (name, key["constrained_columns"][0])
        for name in inspector.get_table_names()
        for key in inspector.get_foreign_keys(name)
        if key["referred_table"] == table_name
    ]


def _known_columns(table_name: str) -> list[tuple[str, str]]:
    """Look the columns up once per process: tables come with migrations, and these with a restart."""
    known: dict[str, list[tuple[str, str]]] = current_app.extensions.setdefault(_KEY, {})
    if table_name not in known:
        known[table_name] = referring_columns(table_name)
    return known[table_name]


def who_refers(
    table_name: str, ids: Collection[Any], kind: Any, *, prefix: str = "", but: Collection[str] = ()
) -> dict[Hashable, str]:
    """Return id → a table with a record that refers to it, for those that any refers to. One statement.

    Args:
        ids: At most 500 keys of ``table_name``.
        kind: Type of the key column.
        prefix: Only tables whose names begin so count.
        but: Tables that do not count.
    """
    places = [
        place for place in _known_columns(table_name) if place[0].startswith(prefix) and place[0] not in but
    ]
    if not places or not ids:
        return {}
    parts = []
    for name, referring in places:
        source = table(name, column(referring, kind))
        parts.append(
            select(source.c[referring].label("key"), literal(name).label("place"))
            .where(source.c[referring].in_(ids))
            .distinct()
        )
    return {row.key: row.place for row in db.session.execute(union_all(*parts))}
