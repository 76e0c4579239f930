"""What a model is searched by: indexes over the beginnings of words, without extensions of any database.

Call :func:`search_index` and :func:`word_indexes` below the model; see docs/adr/0007-lists-by-key-and-prefix.md.
"""

import string
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Index, String, func, literal_column, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.functions import FunctionElement

from portal.kernel.db import Base, db

#: Names of search indexes begin so: databases differ in how they write expressions down, so names are compared.
PREFIX = "sx_"
_INFO = "portal_search"
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

Fold = Callable[[str], str]


@dataclass(frozen=True)
class Searched:
    """How a column is searched: as a whole, or word by word; with its own folding, or in lower case."""

    words: int
    fold: Fold | None

    def values(self, term: str) -> list[str]:
        """Return the term as the index holds it; any of the values may match."""
        if self.fold:
            return [self.fold(term)]
        if term.isascii() or db.engine.dialect.name == "postgresql":
            return [term.lower()]
        # SQLite lowers A to Z only, so a word with other letters is looked up as it may have been written.
        forms = (term.lower(), term.capitalize(), term.upper())
        return list(dict.fromkeys(form.translate(_LOWER) for form in forms))


def search_index(column: InstrumentedAttribute[Any]) -> None:
    """Let a column be searched by the beginning of its value, in lower or upper case."""
    _declare(column, Searched(1, None))


def word_indexes(column: InstrumentedAttribute[Any], *, words: int = 4, fold: Fold | None = None) -> None:
    """Let a column be searched by the beginning of each of its first words, parted by one blank.

    Args:
        column: Of text.
        words: How many, at least 2; each is an index.
        fold: The folding that the stored value has already, such as “without accents”; None: lower case is compared.
    """
    _declare(column, Searched(words, fold))


def how_searched(column: InstrumentedAttribute[Any]) -> Searched | None:
    """Return how search indexes serve the column; None: there are none."""
    how: Searched | None = column.property.columns[0].info.get(_INFO)
    return how


def expressions(column: InstrumentedAttribute[Any], how: Searched) -> list[Any]:
    """Return what the column's search indexes hold, one expression each."""
    whole: Any = column if how.fold else func.lower(column, type_=String())
    later = (_NthWord(whole, text(str(number))) for number in range(2, how.words + 1))
    return [whole, *later]


def create_search_indexes(
    connection: Connection, table: str, column: str, *, words: int = 1, is_folded: bool = False
) -> None:
    """Make the search indexes of a column, in a migration: ``create_search_indexes(op.get_bind(), …)``.

    Args:
        connection: Of the migration.
        table, column: Names.
        words: 1 for :func:`search_index`; as given to :func:`word_indexes`.
        is_folded: Whether the column has a folding of its own.
    """
    for number, name in enumerate(_names(table, column, words), 1):
        whole = column if is_folded else f"lower({column})"
        held: Any = literal_column(whole)
        if number > 1:
            held = _NthWord(held, text(str(number)))
        ddl = str(held.compile(dialect=connection.dialect))
        how = " text_pattern_ops" if connection.dialect.name == "postgresql" else ""
        connection.execute(text(f"CREATE INDEX {name} ON {table} ({ddl}{how})"))


def drop_search_indexes(connection: Connection, table: str, column: str, *, words: int = 1) -> None:
    """Remove the search indexes of a column, in a migration."""
    for name in _names(table, column, words):
        connection.execute(text(f"DROP INDEX {name}"))


@contextmanager
def kept_through_rebuilds(connection: Connection) -> Iterator[None]:
    """Keep search indexes of tables that a migration rebuilds: on SQLite that forgets indexes over expressions."""
    if connection.dialect.name != "sqlite":
        yield
        return
    before = _catalogue(connection)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(?i).*expression.based index")
        yield
    after = _catalogue(connection)
    for name, (table, _, sql) in before.items():
        is_rebuilt = table in after and after[table][1] != before[table][1]
        if name.startswith(PREFIX) and name not in after and is_rebuilt:
            connection.execute(text(sql))


def _catalogue(connection: Connection) -> dict[str, tuple[str, int, str]]:
    """Return the table, first page and definition of every table and index of SQLite."""
    rows = connection.execute(text("SELECT name, tbl_name, rootpage, sql FROM sqlite_master"))
    return {name: (table, page, sql) for name, table, page, sql in rows}


def missing_indexes(connection: Connection, owner: str) -> list[str]:
    """Return the search indexes that the models of an owner and its tables do not have in common, as text."""
    is_postgresql = connection.dialect.name == "postgresql"
    names = "SELECT indexname FROM pg_indexes" if is_postgresql else "SELECT name FROM sqlite_master"
    begin = f"{PREFIX}{owner}_"
    there = {name for name in connection.scalars(text(names)) if name.startswith(begin)}
    tables = (table for name, table in Base.metadata.tables.items() if name.startswith(f"{owner}_"))
    wanted = {
        name for table in tables for index in table.indexes if (name := str(index.name)).startswith(PREFIX)
    }
    return [f"missing: {name}" for name in sorted(wanted - there)] + [
        f"unknown: {name}" for name in sorted(there - wanted)
    ]


class _NthWord(FunctionElement[str]):
    """One word of a text whose words are parted by single blanks; with fewer words, nothing or the last."""

    type = String()
    inherit_cache = True


@compiles(_NthWord)
def _nth_word(element: Any, compiler: Any, **options: Any) -> str:
    whole, number = element.clauses
    return f"split_part({compiler.process(whole, **options)}, ' ', {int(compiler.process(number))})"


@compiles(_NthWord, "sqlite")
def _nth_word_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    # What follows the first blank, again and again: it begins with the word, and that is all a range asks.
    whole, number = element.clauses
    rest = compiler.process(whole, **options)
    for _ in range(int(compiler.process(number)) - 1):
        rest = f"substr({rest}, instr({rest}, ' ') + 1)"
    return str(rest)


def _declare(column: InstrumentedAttribute[Any], how: Searched) -> None:
    own = column.property.columns[0]
    own.info[_INFO] = how
    names = _names(own.table.name, own.name, how.words)
    for name, held in zip(names, expressions(column, how), strict=True):
        Index(name, held.label("words"), postgresql_ops={"words": "text_pattern_ops"})


def _names(table: str, column: str, words: int) -> list[str]:
    later = (f"{PREFIX}{table}_{column}_{number}" for number in range(2, words + 1))
    return [f"{PREFIX}{table}_{column}", *later]
