"""Notes when users were last here: at most once a minute, in its own transaction, and never at a page's cost."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from flask import Response
from sqlalchemy import Connection, Update, update
from sqlalchemy.exc import SQLAlchemyError

from portal.auth.models import User, UserSession
from portal.auth.sessions import current_session
from portal.kernel.clock import utc_now
from portal.kernel.db import BUSY_MILLISECONDS, WRITE_OPTION, db

log = logging.getLogger(__name__)

INTERVAL = timedelta(minutes=1)
PATIENCE_MILLISECONDS = 100


def note_last_seen(response: Response) -> Response:
    """Note the visit if the last note is old enough; a busy database is no reason to wait."""
    current = current_session()
    now = utc_now()
    if current is not None and now - current.last_seen_at >= INTERVAL:
        write_soon(
            update(User).where(User.id == current.user_id).values(last_seen_at=now),
            update(UserSession).where(UserSession.id == current.id).values(last_seen_at=now),
        )
    return response


def write_soon(*statements: Update) -> None:
    """Run the statements in a transaction of their own; when the database is busy, leave it."""
    try:
        _write(statements)
    except SQLAlchemyError:
        log.debug("a last visit was not noted")


def _write(statements: Sequence[Update]) -> None:
    with db.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        _set_patience(connection, sqlite=sqlite, milliseconds=PATIENCE_MILLISECONDS)
        try:
            with connection.execution_options(**{WRITE_OPTION: True}).begin():
                if not sqlite:
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {PATIENCE_MILLISECONDS}")
                for statement in statements:
                    connection.execute(statement)
        finally:
            _set_patience(connection, sqlite=sqlite, milliseconds=BUSY_MILLISECONDS)


def _set_patience(connection: Connection, *, sqlite: bool, milliseconds: int) -> None:
    """Say how long SQLite waits for its lock; straight on the driver, because any statement would begin."""
    if sqlite:
        cursor = connection.connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={milliseconds}")
        cursor.close()
