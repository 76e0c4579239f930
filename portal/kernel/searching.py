"""Search by the beginnings of words. An index gives every match, or the first thousand when there are more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, and_, false, func, literal, or_, select, true, union_all
from sqlalchemy import inspect as inspect_model
from sqlalchemy.orm import InstrumentedAttribute, Query
from sqlalchemy.sql.elements import ColumnElement, UnaryExpression
from sqlalchemy.sql.operators import custom_op

from portal.kernel.db import db
from portal.kernel.search_indexes import Searched, expressions, how_searched

#: A search finds this many rows at most; whoever needs a row beyond types more of the word.
MAX_KEYS = 1_000
MAX_TERMS = 5
#: Of several words one is looked up, and what it finds is asked for the others. A word that finds more than so many rows
#: is frequent; when all words are, only the first rows of each index are asked.
FREQUENT, ASKED = 12_000, 1_200
#: Shorter words are frequent; nobody counts.
RARE_LETTERS = 3
_BY_LETTER: Any = custom_op("USING ~<~")

Condition = ColumnElement[bool]
#: A condition that an index serves, and the order of that index.
Branch = tuple[Condition, Any]


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
        condition: Keeps the rows that were found; cheap.
        count: How many.
        is_cut: Whether more match than were found.
        whole: Keeps all that match, one row asked at a time: for exports, which have time.
    """

    condition: Condition
    count: int
    is_cut: bool
    whole: Condition


def find(statement: Any, model: type, fields: Sequence[Field], wanted: str) -> Found:
    """Return what of a statement matches a search: each word of it begins a word of one of the fields.

    Sends one SQL statement, one more for several words, and one for each relationship among the fields. Each index is
    read from where the word begins until a thousand rows are found, so the time does not grow with the table.

    Args:
        statement: A Query or SELECT of the model, filtered and narrowed already.
        model: With one primary key column.
        fields: At least one.
        wanted: As typed, with at least one word; the first five count.
    """
    terms = wanted.split()[:MAX_TERMS]
    mapper: Any = inspect_model(model)
    key = mapper.primary_key[0]
    if len(terms) > 1 and db.engine.dialect.name == "postgresql":
        return _crossed(statement, key, fields, terms)
    driver = _rarest(key, fields, terms)
    is_frequent = driver is None
    driver = driver or max(terms, key=len)
    others = [_holds(fields, term) for term in terms if term is not driver]
    branches, is_cut = _related(fields, driver)
    branches += _own(fields, driver)
    if is_frequent:
        branches = [(key.in_(_window(key, *branch)), branch[1]) for branch in branches]
    keys = _first_keys([_branch(statement, key, others, *branch) for branch in branches])
    is_cut = is_cut or is_frequent or len(keys) > MAX_KEYS
    found = key.in_(keys[:MAX_KEYS])
    whole = and_(true(), *(_holds(fields, term) for term in terms)) if is_cut else found
    return Found(condition=found, count=min(len(keys), MAX_KEYS), is_cut=is_cut, whole=whole)


def _crossed(statement: Any, key: Any, fields: Sequence[Field], terms: Sequence[str]) -> Found:
    """Return what has all words, by crossing the index entries of each; PostgreSQL does that before it reads rows."""
    conditions: list[Condition] = []
    is_cut = False
    for term in terms:
        branches, related_is_cut = _related(fields, term)
        is_cut = is_cut or related_is_cut
        conditions.append(or_(*(condition for condition, _ in branches + _own(fields, term))))
    chosen = statement.where(*conditions)
    is_query = isinstance(chosen, Query)
    chosen = chosen.with_entities(key) if is_query else chosen.with_only_columns(key)
    keys = list(db.session.scalars(_plain(chosen.order_by(None).limit(MAX_KEYS + 1))))
    is_cut = is_cut or len(keys) > MAX_KEYS
    found = key.in_(keys[:MAX_KEYS])
    whole = and_(*(_holds(fields, term) for term in terms)) if is_cut else found
    return Found(condition=found, count=min(len(keys), MAX_KEYS), is_cut=is_cut, whole=whole)


def _plain(chosen: Any) -> Any:
    return chosen.statement if isinstance(chosen, Query) else chosen


def _own(fields: Sequence[Field], term: str) -> list[Branch]:
    return [branch for field in fields if field.through is None for branch in _ranges(field, term)]


def _rarest(key: Any, fields: Sequence[Field], terms: Sequence[str]) -> str | None:
    """Return the word to look up, the one that finds the fewest rows; None when all of several words are frequent."""
    if len(terms) == 1:
        return terms[0]
    words = [term for term in terms if len(term) >= RARE_LETTERS]
    counts = [_number(key, _own(fields, term)) for term in words]
    if not words:
        return None
    found = db.session.execute(select(*counts)).one()
    number, place = min((number, place) for place, number in enumerate(found))
    return words[place] if number <= FREQUENT else None


def _number(key: Any, branches: Sequence[Branch]) -> Any:
    """Return how many index entries the branches have, counted up to a little more than :data:`FREQUENT`."""
    entries = (select(literal(1)).select_from(key.table).where(condition) for condition, _ in branches)
    limited = (entry.limit(FREQUENT + 1).subquery() for entry in entries)
    numbers = [select(func.count()).select_from(entry).scalar_subquery() for entry in limited]
    return sum(numbers[1:], numbers[0]) if numbers else literal(0)


def _window(key: Any, condition: Condition, order: Any) -> Any:
    """Return the first keys of one index, whatever else is asked of their rows."""
    return select(select(key).where(condition).order_by(order).limit(ASKED).subquery())


def _related(fields: Sequence[Field], term: str) -> tuple[list[Branch], bool]:
    """Return the conditions on foreign keys whose records match, and whether more match than are named."""
    branches: list[Branch] = []
    is_cut = False
    for path in dict.fromkeys(field.through for field in fields if field.through is not None):
        ((local, remote),) = path.property.local_remote_pairs
        ranges = [branch for field in fields if field.through is path for branch in _ranges(field, term)]
        keys = _first_keys([_branch(select(remote), remote, [], *branch) for branch in ranges])
        is_cut = is_cut or len(keys) > MAX_KEYS
        if keys:
            branches.append((local.in_(keys[:MAX_KEYS]), local))
    return branches, is_cut


def _branch(statement: Any, key: Any, others: Sequence[Condition], condition: Condition, order: Any) -> Any:
    """Return the first keys of one index as a SELECT, in the order of that index."""
    chosen = statement.where(condition, *others)
    is_query = isinstance(chosen, Query)
    chosen = chosen.with_entities(key) if is_query else chosen.with_only_columns(key)
    chosen = chosen.order_by(None).order_by(order).limit(MAX_KEYS + 1)
    return select((chosen.statement if is_query else chosen).subquery())


def _first_keys(branches: Sequence[Any]) -> list[Any]:
    """Return the keys that the branches give, each once; one more than :data:`MAX_KEYS` from one branch says “cut”."""
    if not branches:
        return []
    return list(dict.fromkeys(db.session.scalars(union_all(*branches))))


def _ranges(field: Field, term: str) -> list[Branch]:
    return [
        _begins(expression, value)
        for expression in expressions(field.column, field.how)
        for value in field.how.values(term)
        if value
    ]


def _begins(expression: Any, value: str) -> Branch:
    """Return “begins with” as a range, which an index serves whatever plan the database has prepared."""
    beyond = value[:-1] + _next_letter(value[-1])
    # These compare letter by letter, as the index does; PostgreSQL's plain ones follow the language.
    is_postgresql = db.engine.dialect.name == "postgresql"
    at_least, below = ("~>=~", "~<~") if is_postgresql else (">=", "<")
    condition = and_(
        expression.op(at_least, is_comparison=True)(literal(value, String)),
        expression.op(below, is_comparison=True)(literal(beyond, String)),
    )
    return condition, UnaryExpression(expression, modifier=_BY_LETTER) if is_postgresql else expression


def _next_letter(letter: str) -> str:
    number = ord(letter) + 1
    if 0xD800 <= number <= 0xDFFF:  # no letters: halves of pairs in UTF-16
        number = 0xE000
    return chr(min(number, 0x10FFFF))


def _holds(fields: Sequence[Field], term: str) -> Condition:
    """Return the same question asked of one row at a time: does a word of its texts, written one after another, begin so?"""
    parts: list[Condition] = []
    for path in dict.fromkeys(field.through for field in fields):
        mine = [field for field in fields if field.through is path]
        values = dict.fromkeys(value for field in mine for value in field.how.values(term) if value)
        texts = [func.coalesce(expressions(field.column, field.how)[0], "") for field in mine]
        line: Any = literal(" ", String)
        for text in texts:
            line = line.op("||")(text).op("||")(literal(" ", String))
        own = or_(false(), *(line.contains(f" {value}", autoescape=True) for value in values))
        parts.append(own if path is None else path.has(own))
    return or_(false(), *parts)
