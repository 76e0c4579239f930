"""Search by the beginnings of words: by index while little matches, by walking the reader's order when much does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, String, and_, false, func, literal, or_, select, true
from sqlalchemy import inspect as inspect_model
from sqlalchemy.orm import InstrumentedAttribute, Query
from sqlalchemy.sql.elements import ColumnElement

from portal.kernel.db import db
from portal.kernel.search_indexes import Searched, expressions, how_searched

#: More matches than this are walked, not looked up one by one.
MAX_KEYS = 2_000
MAX_TERMS = 5

Condition = ColumnElement[bool]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column that a search looks into.

    Args:
        column: With search indexes.
        through: The to-one relationship that leads to it; None: a column of the model itself.
    """

    column: InstrumentedAttribute[Any]
    through: InstrumentedAttribute[Any] | None = None

    @property
    def how(self) -> Searched:
        """How the column is searched."""
        how = how_searched(self.column)
        if how is None:
            raise ValueError(f"{self.column} has no search index")
        return how


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search matches.

    Args:
        condition: Keeps the matching rows.
        count: How many there are; None: more than :data:`MAX_KEYS`, or nobody counted.
    """

    condition: Condition
    count: int | None


def find(statement: Any, model: type, fields: Sequence[Field], wanted: str) -> Found:
    """Return what of a statement matches a search: each word of it begins a word of one of the fields.

    Sends one SQL statement, and one more for each relationship among the fields. Rare words are answered with their
    keys. Frequent ones are answered with a question that no index serves: whoever walks the rows in order finds a
    page of them soon, because they are frequent.

    Args:
        statement: A Query or SELECT of the model, filtered and narrowed already.
        model: With one primary key column.
        fields: At least one.
        wanted: As typed, with at least one word; the first five count.
    """
    terms = wanted.split()[:MAX_TERMS]
    walked = and_(true(), *(_holds(fields, term) for term in terms))
    # The longest word is most likely the rarest.
    driver = max(terms, key=len)
    looked_up = _looked_up(fields, driver)
    if looked_up is None:
        return Found(condition=walked, count=None)
    mapper: Any = inspect_model(model)
    key = mapper.primary_key[0]
    others = [_holds(fields, term) for term in terms if term is not driver]
    keys = _keys(statement.where(looked_up, *others), key)
    if len(keys) > MAX_KEYS:
        return Found(condition=walked, count=None)
    return Found(condition=key.in_(keys), count=len(keys))


def _keys(statement: Any, key: Any) -> list[Any]:
    if isinstance(statement, Query):
        return [found for (found,) in statement.with_entities(key).order_by(None).limit(MAX_KEYS + 1)]
    only = statement.with_only_columns(key).order_by(None).limit(MAX_KEYS + 1)
    return list(db.session.scalars(only))


def _looked_up(fields: Sequence[Field], term: str) -> Condition | None:
    """Return the condition that indexes serve; None when a relationship leads to too many records."""
    parts = [part for field in fields if field.through is None for part in _ranges(field, term)]
    paths = dict.fromkeys(field.through for field in fields if field.through is not None)
    for path in paths:
        ((local, remote),) = path.property.local_remote_pairs
        ranges = [part for field in fields if field.through is path for part in _ranges(field, term)]
        keys = list(db.session.scalars(select(remote).where(or_(false(), *ranges)).limit(MAX_KEYS + 1)))
        if len(keys) > MAX_KEYS:
            return None
        parts.append(local.in_(keys))
    return or_(false(), *parts)


def _ranges(field: Field, term: str) -> list[Condition]:
    held = expressions(field.column, field.how)
    return [_begins(expression, value) for expression in held for value in field.how.values(term) if value]


def _begins(expression: Any, value: str) -> Condition:
    """Return “begins with” as a range, which an index serves whatever plan the database has prepared."""
    beyond = value[:-1] + _next_letter(value[-1])
    # These compare letter by letter, as the index does; PostgreSQL's plain ones follow the language.
    is_postgresql = db.engine.dialect.name == "postgresql"
    at_least, below = ("~>=~", "~<~") if is_postgresql else (">=", "<")
    return and_(
        expression.op(at_least, is_comparison=True)(literal(value, String)),
        expression.op(below, is_comparison=True)(literal(beyond, String)),
    )


def _next_letter(letter: str) -> str:
    number = ord(letter) + 1
    if 0xD800 <= number <= 0xDFFF:  # no letters: halves of pairs in UTF-16
        number = 0xE000
    return chr(min(number, 0x10FFFF))


def _holds(fields: Sequence[Field], term: str) -> Condition:
    """Return the same question asked of one row at a time, in a form that tempts no database to use an index."""
    parts: list[Condition] = []
    for field in fields:
        own = or_(false(), *(_holds_value(field, value) for value in field.how.values(term) if value))
        parts.append(own if field.through is None else field.through.has(own))
    return or_(false(), *parts)


def _holds_value(field: Field, value: str) -> Condition:
    held = expressions(field.column, field.how)[0]
    if field.how.words > 1:
        return literal(" ", String).op("||")(held).contains(f" {value}", autoescape=True)
    begins: Condition = func.substr(held, 1, literal(len(value), Integer)) == literal(value, String)
    return begins
