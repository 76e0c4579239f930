"""Reads that end by themselves: the database cuts off a statement that takes too long, and nothing can be written."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction

from portal.kernel.db import WRITE_OPTION, db
from portal.kernel.errors import NestedTransaction, TemporaryFailure
from portal.kernel.transaction import in_transaction

#: SQLSTATE query_canceled.
_CANCELED = "57014"
#: SQLite asks after this many of its instructions, some tenths of a millisecond.
_INSTRUCTIONS = 10_000

#: When the block that this code runs in must be over. A connection may serve somebody else before it is told so.
_deadline: ContextVar[float | None] = ContextVar("portal_reading_deadline", default=None)


class ReadingTooLong(TemporaryFailure):
    """The database ended a statement, or refused a further one, because the time was up."""

    def __init__(self, seconds: float) -> None:
        super().__init__("reading-too-long", f"Reading this takes longer than {seconds:g} seconds.")


@contextmanager
def reading_at_most(seconds: float) -> Iterator[Session]:
    """Give the request's session for reads that end after ``seconds``; no statement begins after that.

    Raises:
        ReadingTooLong: when the time is up.
        NestedTransaction: inside ``transaction()``, and when one is opened inside.
    """
    if in_transaction():
        raise NestedTransaction
    session = db.session()
    session.rollback()
    limits = _Limits(seconds)
    token = _deadline.set(time.monotonic() + seconds)
    event.listen(session, "after_begin", limits.set)
    event.listen(session, "do_orm_execute", limits.check)
    try:
        yield session
    except DBAPIError as error:
        if _was_cut_off(error):
            raise ReadingTooLong(seconds) from error
        raise
    finally:
        event.remove(session, "do_orm_execute", limits.check)
        event.remove(session, "after_begin", limits.set)
        _deadline.reset(token)
        limits.lift()
        session.rollback()


class _Limits:
    """Sets the limits of one block on each transaction that it begins."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._limited: list[Any] = []

    def set(self, session: Session, transaction: SessionTransaction, connection: Connection) -> None:
        if connection.get_execution_options().get(WRITE_OPTION):
            raise NestedTransaction
        if connection.dialect.name == "sqlite":
            driver = connection.connection.driver_connection
            driver.set_progress_handler(_is_over, _INSTRUCTIONS)  # type: ignore[union-attr]
            self._limited.append(driver)
            return
        limits = text(
            "SELECT set_config('transaction_read_only', 'on', true), set_config('statement_timeout', :most, true)"
        )
        connection.execute(limits, {"most": f"{self._seconds * 1000:.0f}"})

    def check(self, state: ORMExecuteState) -> None:
        if _is_over():
            raise ReadingTooLong(self._seconds)

    def lift(self) -> None:
        for driver in self._limited:
            driver.set_progress_handler(None, 0)


def _is_over() -> bool:
    deadline = _deadline.get()
    return deadline is not None and time.monotonic() > deadline


def _was_cut_off(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", None) == _CANCELED or str(error.orig) == "interrupted"
