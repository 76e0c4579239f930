"""Pages by key: a page starts where the last one ended, so that page 20,000 costs as much as page 1.

Stands alone: lists of the panel, exports and REST collections page through this module. NULLs come last in both
directions, on every database, because the rows without a value are a part of their own.
"""

import base64
import binascii
import enum
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Row, Select, literal, tuple_
from sqlalchemy import inspect as inspect_model
from sqlalchemy.orm import InstrumentedAttribute, Query
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeDecorator

from portal.kernel.db import db
from portal.kernel.errors import InvalidInput

#: Where a page begins or ends: the values of the order's columns in one row.
Position = tuple[Any, ...]
S = TypeVar("S", Select[Any], Query[Any])
Fetch = Callable[[Any], Sequence[Any]]
_MAX_TEXT = 2_000


@dataclass(frozen=True, kw_only=True)
class PageOrder:
    """A total order of rows, all columns in one direction. An index over ``columns`` serves it.

    Args:
        columns: Mapped attributes; together unique, and none but the first may hold NULL.
        descending: Largest first.
    """

    columns: tuple[InstrumentedAttribute[Any], ...]
    descending: bool = False

    @property
    def is_nullable(self) -> bool:
        """Whether rows may have no value to sort by."""
        return bool(_column(self.columns[0]).nullable)

    def position_of(self, row: Any) -> Position:
        """Return where ``row`` stands: a model, or a plain row that has the order's columns."""
        if isinstance(row, Row):
            return tuple(row._mapping[column] for column in self.columns)  # noqa: SLF001 - public, named for SQL's sake
        return tuple(getattr(row, column.key) for column in self.columns)


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some rows in order, and where the pages beside them begin; None: there is none."""

    rows: Sequence[Any]
    next: Position | None
    previous: Position | None


def order_of(
    model: type, column: InstrumentedAttribute[Any] | None = None, *, descending: bool = False
) -> PageOrder:
    """Return the order of a model's rows by one column, ties by the primary key; by the key alone without a column."""
    mapper: Any = inspect_model(model)
    keys = tuple(mapper.get_property_by_column(key).class_attribute for key in mapper.primary_key)
    if column is None or column.key in {key.key for key in keys}:
        return PageOrder(columns=keys, descending=descending)
    if is_unique(column) and not _column(column).nullable:
        return PageOrder(columns=(column,), descending=descending)
    return PageOrder(columns=(column, *keys), descending=descending)


def page_of(
    statement: S,
    order: PageOrder,
    *,
    after: Position | None = None,
    before: Position | None = None,
    last: bool = False,
    limit: int,
    fetch: Fetch | None = None,
) -> Page:
    """Return one page of a statement's rows, in one SQL statement, or two where the order's column may hold NULL.

    Args:
        statement: A SELECT or Query of the order's model, or of plain columns that include the order's.
        order: See :class:`PageOrder`; an order that the statement has is replaced.
        after: Begin behind this position.
        before: End before this position; the page holds the ``limit`` rows next to it.
        last: The last page.
        limit: Rows on the page, at least 1.
        fetch: Runs a statement; by default in the session; models come as themselves, columns as rows.

    Raises:
        ValueError: for more than one of ``after``, ``before`` and ``last``.
    """
    if sum((after is not None, before is not None, last)) > 1:
        raise ValueError("a page is after a position, or before one, or the last")
    backwards = last or before is not None
    start = before if backwards else after
    found: list[Any] = []
    for part in _parts(order, start, backwards=backwards):
        wanted = part(statement).limit(limit + 1 - len(found))
        found += (fetch or _fetched)(wanted)
        if len(found) > limit:
            break
    more, rows = len(found) > limit, found[:limit]
    if backwards:
        rows.reverse()
    if not rows:
        return Page(rows=(), next=None, previous=None)
    is_inside = start is not None
    return Page(
        rows=rows,
        next=order.position_of(rows[-1]) if (is_inside if backwards else more) else None,
        previous=order.position_of(rows[0]) if (more if backwards else is_inside) else None,
    )


def in_order(statement: S, order: PageOrder) -> S:
    """Return the statement sorted as :func:`page_of` would give its rows."""
    first = order.columns[0]
    clauses = [_directed(column, order.descending) for column in order.columns]
    if order.is_nullable:
        clauses.insert(0, first.is_(None))
    return statement.order_by(None).order_by(*clauses)


def position_text(position: Position) -> str:
    """Return a position as URL-safe text. It is not signed: whoever may see the rows may choose where to begin."""
    plain = [_plain(value) for value in position]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def position_from(text: str, order: PageOrder) -> Position:
    """Return the position that :func:`position_text` wrote.

    Raises:
        InvalidInput: ``cursor-invalid``, for anything that cannot be a position in this order.
    """
    try:
        if len(text) > _MAX_TEXT:
            raise ValueError("too long")
        plain = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        if not isinstance(plain, list) or len(plain) != len(order.columns):
            raise ValueError("not of this order")
        pairs = zip(order.columns, plain, strict=True)
        position = tuple(_typed(value, _kind(column)) for column, value in pairs)
        if None in position[1 if order.is_nullable else 0 :]:
            raise ValueError("no value")
    except (ValueError, TypeError, OverflowError, ArithmeticError, binascii.Error, RecursionError) as error:
        raise InvalidInput(
            "cursor-invalid", "This address does not say where the page begins. Start at the first page."
        ) from error
    return position


def is_unique(column: InstrumentedAttribute[Any]) -> bool:
    """Say whether no two rows have the same value in this column."""
    own = _column(column)
    table = own.table
    if own.unique or [key.name for key in table.primary_key] == [own.name]:
        return True
    constraints = (item for item in table.constraints if item.__visit_name__ == "unique_constraint")
    whole = (index for index in table.indexes if index.unique and not _is_partial(index))
    return any([c.name for c in item.columns] == [own.name] for item in (*constraints, *whole))


Part = Callable[[Any], Any]


def _parts(order: PageOrder, start: Position | None, *, backwards: bool) -> Iterator[Part]:
    """Give what the page is made of, in the direction of reading: the rows with a value, then those without."""
    if not order.is_nullable:
        yield _part(order, order.columns, start, backwards=backwards)
        return
    first, keys = order.columns[0], order.columns[1:]
    from_null = start is not None and start[0] is None
    with_value = _part(
        order, order.columns, None if from_null else start, first.is_not(None), backwards=backwards
    )
    key_start = start[1:] if start is not None and from_null else None
    without = _part(order, keys, key_start, first.is_(None), backwards=backwards)
    if not backwards and not from_null:
        yield with_value
    if not backwards or start is None or from_null:
        yield without
    if backwards:
        yield with_value


def _part(
    order: PageOrder,
    columns: Sequence[InstrumentedAttribute[Any]],
    start: Position | None,
    *conditions: ColumnElement[bool],
    backwards: bool,
) -> Part:
    down = order.descending != backwards
    # The first column stays in ORDER BY though it is NULL throughout: so the index over all of them is seen to fit.
    ordering = [_directed(column, down) for column in order.columns]

    def narrowed(statement: Any) -> Any:
        chosen = statement.where(*conditions)
        if start is not None:
            here = tuple_(*columns)
            there = tuple_(*(literal(v, _column(c).type) for c, v in zip(columns, start, strict=True)))
            chosen = chosen.where(here < there if down else here > there)
        return chosen.order_by(None).order_by(*ordering)

    return narrowed


def _fetched(statement: Any) -> Sequence[Any]:
    if isinstance(statement, Query):
        return statement.all()
    result = db.session.execute(statement)
    asked = statement.column_descriptions
    is_model = len(asked) == 1 and asked[0]["expr"] is asked[0]["entity"]
    return result.unique().scalars().all() if is_model else result.all()


def _directed(column: Any, descending: bool) -> Any:
    return column.desc() if descending else column.asc()


def _column(attribute: InstrumentedAttribute[Any]) -> Any:
    return attribute.property.columns[0]


def _kind(attribute: InstrumentedAttribute[Any]) -> type:
    stored = _column(attribute).type
    kind: type = (stored.impl_instance if isinstance(stored, TypeDecorator) else stored).python_type
    return kind


def _is_partial(index: Any) -> bool:
    return any(options.get("where") is not None for options in index.dialect_options.values())


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)


def _typed(value: Any, kind: type) -> Any:
    """Return what JSON held as the column's own type; anything else is no position."""
    if value is None:
        return None
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment
    if kind is date:
        return date.fromisoformat(value)
    if kind in (UUID, Decimal) or issubclass(kind, enum.Enum):
        return kind(value)
    if type(value) is not kind and not (kind is float and type(value) is int):
        raise ValueError("another type")
    if isinstance(value, str) and "\x00" in value:
        raise ValueError("a zero byte")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("too large")
    return value
