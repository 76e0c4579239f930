"""Which session a call reads with, and what becomes of the database's errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, CursorResult
from sqlalchemy.exc import DBAPIError

from plugins.submissions.errors import DatabaseBusyError, SubmissionInternalError
from portal.sdk import current_config, db, is_temporary, reading


@contextmanager
def reads(read_replica: bool = False) -> Iterator[Connection]:
    """Give a connection for one read; inside a transaction it is that one's.

    Args:
        read_replica: Read from the replica when one is configured; it may lag behind.
    """
    # Without a replica the session at hand does as well, and is there already.
    from_copy = read_replica and bool(current_config().read_replica_url)
    with plain_errors(), reading(replica=from_copy) as session:
        yield session.connection()


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


def execute(statement: Any, parameters: Any = None) -> CursorResult[*tuple[Any, ...]]:
    """Run a statement in the open transaction, past the unit of work: every write here is one of few statements."""
    found: CursorResult[*tuple[Any, ...]] = db.session.connection().execute(statement, parameters)
    return found


def dialect() -> str:
    """Return which database is in use; statements are built once for each."""
    return db.session.connection().dialect.name


def upsert(model: type, database: str) -> Any:
    """Return an ``INSERT`` into the model's table that can name what to do on a conflict."""
    return postgresql.insert(model) if database == "postgresql" else sqlite.insert(model)
