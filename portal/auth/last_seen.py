"""Notes when users were last here: at most once a minute, in its own transaction, and never at a page's cost."""

import logging
from datetime import timedelta

from flask import Response
from sqlalchemy import Connection, update
from sqlalchemy.exc import SQLAlchemyError

from portal.auth.models import User, UserSession
from portal.auth.sessions import CurrentSession, current_session
from portal.kernel.clock import utc_now
from portal.kernel.db import BUSY_MILLISECONDS, WRITE_OPTION, db

log = logging.getLogger(__name__)

INTERVAL = timedelta(minutes=1)
PATIENCE_MILLISECONDS = 100


def note_last_seen(response: Response) -> Response:
    """Note the visit if the last note is old enough; a busy database is no reason to wait."""
    current = current_session()
    if current is not None and utc_now() - current.last_seen_at >= INTERVAL:
        try:
            _write(current)
        except SQLAlchemyError:
            log.debug("the last visit of user %s was not noted", current.user_id)
    return response


def _write(current: CurrentSession) -> None:
    now = utc_now()
    with db.engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        _set_patience(connection, sqlite=sqlite, milliseconds=PATIENCE_MILLISECONDS)
        try:
            with connection.execution_options(**{WRITE_OPTION: True}).begin():
                if not sqlite:
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {PATIENCE_MILLISECONDS}")
                connection.execute(update(User).where(User.id == current.user_id).values(last_seen_at=now))
                connection.execute(
                    update(UserSession).where(UserSession.id == current.id).values(last_seen_at=now)
                )
        finally:
            _set_patience(connection, sqlite=sqlite, milliseconds=BUSY_MILLISECONDS)


def _set_patience(connection: Connection, *, sqlite: bool, milliseconds: int) -> None:
    """Say how long SQLite waits for its lock; straight on the driver, because any statement would begin."""
    if sqlite:
        cursor = connection.connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={milliseconds}")
        cursor.close()
