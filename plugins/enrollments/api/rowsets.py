"""Any number of rows as one table in a statement: arrays on PostgreSQL, one JSON document on SQLite.

So a statement stays the same, and is compiled once, however many rows it is given.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, Subquery, Text, bindparam, column, func, select, type_coerce
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.selectable import FromClause

from portal.sdk import db

#: Column name to SQL type.
Types = Mapping[str, Any]


def rowset(name: str, types: Types, rows: Sequence[Sequence[Any]]) -> FromClause:
    """Return a table ``name`` with the given columns that holds ``rows``, for use in one statement.

    Args:
        types: Column name to type, in the order of the values.
        rows: Values as Python has them; None is NULL.
    """
    dialect = _dialect()
    if dialect.name == "postgresql":
        return _unnested(name, types, rows)
    return _from_json(name, types, rows, dialect)


def insert_into(model: type) -> Any:
    """Return the dialect's INSERT, which knows ON CONFLICT."""
    insert = postgresql.insert if _dialect().name == "postgresql" else sqlite.insert
    return insert(model)


def _dialect() -> Dialect:
    return db.session.get_bind().dialect


def _unnested(name: str, types: Types, rows: Sequence[Sequence[Any]]) -> FromClause:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(types)
    arrays = [
        bindparam(None, list(values), type_=ARRAY(kind), unique=True)
        for values, kind in zip(columns, types.values(), strict=True)
    ]
    table = func.unnest(*arrays).table_valued(
        *[column(label, kind) for label, kind in types.items()], name=name
    )
    return table.render_derived()


def _from_json(name: str, types: Types, rows: Sequence[Sequence[Any]], dialect: Dialect) -> Subquery:
    processors = [kind.dialect_impl(dialect).bind_processor(dialect) for kind in types.values()]
    if any(processors):
        rows = [
            [process(value) if process else value for process, value in zip(processors, row, strict=True)]
            for row in rows
        ]
    document = bindparam(None, json.dumps(rows, ensure_ascii=False), type_=Text(), unique=True)
    source = func.json_each(document).table_valued("value", name=f"{name}_rows")
    values = [
        type_coerce(func.json_extract(source.c.value, f"$[{place}]"), kind).label(label)
        for place, (label, kind) in enumerate(types.items())
    ]
    return select(*values).subquery(name)
