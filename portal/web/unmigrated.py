"""Tells a page that fails because migrations are missing from one that fails by a bug."""

from sqlalchemy.exc import OperationalError, ProgrammingError, SQLAlchemyError

from portal.installation import migration_folders
from portal.kernel import migrations
from portal.kernel.errors import PortalError


def missing_migrations(error: BaseException | None) -> str:
    """Return what to tell when a statement failed while migrations are missing; empty when that is not so.

    Asked after a failure only, so that requests that go well cost nothing. Reads the version tables on a connection
    of its own.

    Args:
        error: Why the request failed: a table or column that is not there is a ProgrammingError on PostgreSQL, an
            OperationalError on SQLite.
    """
    if not isinstance(error, OperationalError | ProgrammingError):
        return ""
    try:
        waiting = migrations.pending(migration_folders())
    except (SQLAlchemyError, PortalError):
        # The database is away, or a folder is: then that is what is wrong.
        return ""
    if not waiting:
        return ""
    return (
        f"This needs tables that are not up to date: {', '.join(waiting)}. Nothing was saved. "
        "Migrations are not applied: the operator runs portal migrate."
    )
