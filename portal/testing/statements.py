"""Counts the SQL statements of a block: a bulk path or a list takes a constant number of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from portal.kernel.db import db


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """Collect the SQL statements of the block; an executemany is one, what opens and ends transactions is none."""
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
