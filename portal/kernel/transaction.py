"""One way to write: an entry point opens ``transaction()``; the API functions below it never commit."""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from portal.kernel import faults
from portal.kernel.db import WRITE_OPTION, db
from portal.kernel.errors import Conflict, NestedTransaction, StorageFull, TemporaryFailure

log = logging.getLogger(__name__)
T = TypeVar("T")

# SQLSTATE: serialization_failure, deadlock_detected, lock_not_available
_RETRY_STATES = {"40001", "40P01", "55P03"}
_DISK_FULL_STATES = {"53100"}

_callbacks: ContextVar[list[Callable[[], object]] | None] = ContextVar("portal_on_commit", default=None)


def in_transaction() -> bool:
    """Say whether the code runs inside ``transaction()``."""
    return _callbacks.get() is not None


@contextmanager
def transaction() -> Iterator[Session]:
    """Open the one write transaction of this entry point; commit at the end, roll back on any error.

    The session's read transaction is ended first. Callbacks of :func:`on_commit` run after the commit;
    their failures are logged, never raised.

    Raises:
        NestedTransaction: when one is open already.
        TemporaryFailure: on a serialisation failure or deadlock; safe to repeat.
        StorageFull: when the database has no room left.
        Conflict: when a row was changed by somebody else meanwhile (``changed-meanwhile``).
    """
    if in_transaction():
        raise NestedTransaction
    session = db.session()
    session.rollback()
    callbacks: list[Callable[[], object]] = []
    token = _callbacks.set(callbacks)
    try:
        with _translated_errors():
            try:
                session.connection(execution_options={WRITE_OPTION: True})
                yield session
                session.flush()
                faults.point("before-commit")
                session.commit()
                faults.point("after-commit")
            except BaseException:
                session.rollback()
                raise
    finally:
        _callbacks.reset(token)
    for callback in callbacks:
        _run_callback(callback)


@contextmanager
def savepoint() -> Iterator[Session]:
    """Let what is inside fail alone: its writes are undone, the transaction goes on when the error is handled."""
    session = db.session()
    with session.begin_nested():
        yield session


def on_commit(callback: Callable[[], object]) -> None:
    """Run ``callback`` after the commit of the open transaction; it is dropped when that rolls back."""
    callbacks = _callbacks.get()
    if callbacks is None:
        raise NestedTransaction
    callbacks.append(callback)


def run_in_transaction(function: Callable[[], T], retries: int = 3) -> T:
    """Run ``function`` in its own transaction, again when the database asks for it, and return its result.

    Raises:
        TemporaryFailure: when it still fails after ``retries`` further tries.
    """
    for attempt in range(retries + 1):
        try:
            with transaction():
                return function()
        except StorageFull:
            raise
        except TemporaryFailure:
            if attempt == retries:
                raise
            time.sleep(random.uniform(0.01, 0.05) * 2**attempt)  # noqa: S311 - spreads retries, no secret
    raise AssertionError("unreachable")


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except StaleDataError as error:
        raise Conflict(
            "changed-meanwhile", "Somebody else changed this record meanwhile. Reload it and try again."
        ) from error
    except DBAPIError as error:
        translated = _translate(error)
        if translated is error:
            raise
        raise translated from error


def is_temporary(error: DBAPIError) -> bool:
    """Say whether the database asks to repeat the transaction: a serialisation failure, a deadlock, a lost connection."""
    return isinstance(_translate(error), TemporaryFailure)


def _translate(error: DBAPIError) -> Exception:
    state = getattr(error.orig, "sqlstate", None)
    text = str(error.orig)
    if state in _DISK_FULL_STATES or "database or disk is full" in text or "disk I/O error" in text:
        return StorageFull()
    if state in _RETRY_STATES or (isinstance(error, OperationalError) and "database is locked" in text):
        return TemporaryFailure("database-busy", "The database is busy. Try again in a moment.")
    if error.connection_invalidated:
        return TemporaryFailure("database-away", "The database connection was lost. Try again in a moment.")
    return error


def _run_callback(callback: Callable[[], object]) -> None:
    try:
        callback()
    except Exception:
        # The data is committed; a lost wake-up or notice is repaired by the relay.
        log.exception("a callback after commit failed")
