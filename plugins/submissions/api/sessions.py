"""Which session a call reads with, and what becomes of the database's errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from plugins.submissions.errors import DatabaseBusyError, SubmissionInternalError
from portal.sdk import db, is_temporary, reading


@contextmanager
def reads(read_replica: bool = False) -> Iterator[Session]:
    """Give a session for one read; inside a transaction it is that one's.

    Args:
        read_replica: Read from the replica when one is configured; it may lag behind.
    """
    with plain_errors(), reading() as session:
        yield session


@contextmanager
def plain_errors() -> Iterator[None]:
    """Let only this plugin's errors out.

    Raises:
        DatabaseBusyError: when trying again may help.
        SubmissionInternalError: for any other error of the database.
    """
    try:
        yield
    except DBAPIError as error:
        if is_temporary(error):
            raise DatabaseBusyError("The database is busy. Try again in a moment.") from error
        raise SubmissionInternalError(f"The database refused the call: {type(error).__name__}.") from error


def upsert(model: type) -> Any:
    """Return an ``INSERT`` into the model's table that can name what to do on a conflict, for the database in use."""
    on_postgresql = db.session().get_bind().dialect.name == "postgresql"
    return postgresql.insert(model) if on_postgresql else sqlite.insert(model)
