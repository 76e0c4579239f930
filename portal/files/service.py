"""Registers blobs as stored files inside the transaction of the records that name them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.dialects import postgresql, sqlite

from portal.files.blobs import StorageError
from portal.files.models import StoredFile
from portal.files.store import current_store
from portal.kernel.clock import utc_now
from portal.kernel.db import db

#: Key of the advisory lock between those who name blobs (shared) and the sweeper (alone). Any fixed number will do.
FILES_LOCK = 7_301_994_021


@dataclass(frozen=True, kw_only=True)
class NewFile:
    """A durable blob that a record is going to name."""

    sha256: str
    size_bytes: int
    media_type: str


def register(files: Sequence[NewFile]) -> None:
    """Make rows for blobs so that records can refer to them; those that have one are left as they are.

    Needs an open transaction; does not commit. Two statements for any number of files. The sweeper waits until
    that transaction ends.

    Raises:
        StorageError: naming blobs that are not in the store.
    """
    if not files:
        return
    lock_files(shared=True)
    missing = current_store().missing(file.sha256 for file in files)
    if missing:
        raise StorageError(missing)
    # Sorted, so that two chunks with the same files wait for each other and never in a circle.
    rows = {file.sha256: file for file in sorted(files, key=lambda file: file.sha256)}
    now = utc_now()
    insert = postgresql.insert if _on_postgresql() else sqlite.insert
    db.session.execute(
        insert(StoredFile).on_conflict_do_nothing(),
        [
            {
                "sha256": row.sha256,
                "size_bytes": row.size_bytes,
                "media_type": row.media_type,
                "created_at": now,
            }
            for row in rows.values()
        ],
    )


def lock_files(*, shared: bool) -> None:
    """Hold the files lock until the open transaction ends; SQLite's one writer needs none."""
    if _on_postgresql():
        name = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        db.session.execute(text(f"SELECT {name}(:key)"), {"key": FILES_LOCK})


def _on_postgresql() -> bool:
    return db.session().get_bind().dialect.name == "postgresql"
