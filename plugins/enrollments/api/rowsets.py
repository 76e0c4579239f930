"""Any number of rows as one table in a statement: arrays on PostgreSQL, one JSON document on SQLite.

So a statement stays the same, and is compiled once, however many rows it is given.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    Dialect,
    Join,
    Select,
    Text,
    bindparam,
    column,
    func,
    literal,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.selectable import FromClause

from portal.sdk import db

#: Column name to SQL type.
Types = Mapping[str, Any]


def rowset(name: str, types: Types, rows: Sequence[Sequence[Any]], *, joined: bool = True) -> FromClause:
    """Return a table ``name`` with the given columns that holds ``rows``, for use in one statement.

    Args:
        types: Column name to type, in the order of the values.
        rows: Values as Python has them; None is NULL.
        joined: False where the statement has no other table, and reads the rows just once.
    """
    dialect = _dialect()
    if dialect.name == "postgresql":
        return _unnested(name, types, rows)
    found = _from_json(name, types, rows, dialect)
    if not joined:
        return found.subquery(name)
    # Read once into a table of its own, or the database may read the document again for every row beside it.
    return found.cte(name).prefix_with("MATERIALIZED")


def looked_up(given: FromClause, table: Any, condition: Any) -> Join:
    """Return the join in which every given row looks ``table`` up, never the other way round.

    SQLite keeps this order for outer joins only, as long as no WHERE undoes them: put every condition into the join,
    and leave rows out whose key is NULL.
    """
    return given.join(table, condition, isouter=_dialect().name == "sqlite")


def was_found(number: Any) -> Any:
    """Return the condition that :func:`looked_up` found something, in words that leave the order of the join alone.

    Args:
        number: A column of the table that was looked up; never 0.
    """
    return func.coalesce(number, 0) != 0 if _dialect().name == "sqlite" else true()


def insert_into(model: type) -> Any:
    """Return the dialect's INSERT, which knows ON CONFLICT."""
    insert = postgresql.insert if _dialect().name == "postgresql" else sqlite.insert
    return insert(model)


def _dialect() -> Dialect:
    return db.session.get_bind().dialect


class _Columns(NamedTuple):
    """The columns of a table of rows, told apart by what has to be sent."""

    sent: dict[str, Sequence[Any]]
    #: Label to the sent column that has the same values.
    same: dict[str, str]
    #: Label to the value of all rows.
    constant: dict[str, Any]


def _columns(types: Types, rows: Sequence[Sequence[Any]]) -> _Columns:
    """Tell columns with one value throughout, or with another one's values, from those that are sent."""
    columns = dict(zip(types, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(types, ())
    found = _Columns({}, {}, {})
    for label, values in columns.items():
        twin = next(
            (
                other
                for other, known in found.sent.items()
                if types[other] is types[label] and known == values
            ),
            None,
        )
        if found.sent and len(values) > 1 and values.count(values[0]) == len(values):
            found.constant[label] = values[0]
        elif twin is not None:
            found.same[label] = twin
        else:
            found.sent[label] = values
    return found


def _unnested(name: str, types: Types, rows: Sequence[Sequence[Any]]) -> FromClause:
    arrays, same, constant = _columns(types, rows)
    parameters = [
        bindparam(None, list(values), type_=ARRAY(types[label]), unique=True)
        for label, values in arrays.items()
    ]
    table = (
        func.unnest(*parameters)
        .table_valued(*[column(label, types[label]) for label in arrays], name=name)
        .render_derived()
    )
    if not same and not constant:
        return table
    picked = [
        literal(constant[label], types[label]).label(label)
        if label in constant
        else table.c[same.get(label, label)].label(label)
        for label in types
    ]
    return select(*picked).subquery(f"{name}_rows")


def _from_json(name: str, types: Types, rows: Sequence[Sequence[Any]], dialect: Dialect) -> Select[Any]:
    sent, same, constant = _columns(types, rows)
    processors = {label: types[label].dialect_impl(dialect).bind_processor(dialect) for label in sent}
    arrays = [
        [process(value) for value in values] if (process := processors[label]) else values
        for label, values in sent.items()
    ]
    # One column needs no list around each of its values, which costs less to read.
    items = arrays[0] if len(arrays) == 1 else list(zip(*arrays, strict=True))
    document = bindparam(None, json.dumps(items, ensure_ascii=False), type_=Text(), unique=True)
    source = func.json_each(document).table_valued("value", name=f"{name}_rows")
    columns = (
        [source.c.value]
        if len(arrays) == 1
        else [func.json_extract(source.c.value, f"$[{place}]") for place in range(len(arrays))]
    )
    found = dict(zip(sent, columns, strict=True))
    values = [
        literal(constant[label], kind).label(label)
        if label in constant
        else type_coerce(found[same.get(label, label)], kind).label(label)
        for label, kind in types.items()
    ]
    return select(*values)
