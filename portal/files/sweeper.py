"""Removes files that nothing refers to: rows first, then blobs without a row, then what interrupted writers left."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from sqlalchemy import column, delete, exists, select, table
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from portal.files.models import StoredFile
from portal.files.service import lock_files
from portal.files.store import current_store
from portal.kernel.clock import database_now
from portal.kernel.db import db
from portal.kernel.references import referring_columns
from portal.kernel.transaction import transaction

BATCH = 500


@dataclass(frozen=True, kw_only=True)
class SweepResult:
    """How many were removed of each."""

    rows: int = 0
    blobs: int = 0
    temporary: int = 0


def sweep(grace_seconds: float, looked_at: Callable[[int], object] = lambda count: None) -> SweepResult:
    """Remove what is older than ``grace_seconds`` and named by nobody, and return the counts.

    Opens its own short transactions. What refers to a stored file is read from the foreign keys of the database
    itself, so the tables of a plugin that is not loaded count too.

    Args:
        looked_at: Told after each batch, outside any transaction, how many blobs were looked at so far.
    """
    rows = _sweep_rows(grace_seconds)
    blobs = seen = 0
    for names in _batches(current_store().older_than(grace_seconds)):
        blobs += _sweep_blobs(names, grace_seconds)
        seen += len(names)
        looked_at(seen)
    return SweepResult(rows=rows, blobs=blobs, temporary=current_store().remove_unfinished(grace_seconds))


def references() -> list[tuple[str, str]]:
    """Return the (table, column) pairs of the database that refer to stored files."""
    return referring_columns(StoredFile.__tablename__)


def _sweep_rows(grace_seconds: float) -> int:
    unused = [_unreferenced(*reference) for reference in references()]
    removed, after = 0, ""
    while True:
        with transaction() as session:
            lock_files(shared=False)
            limit = database_now(session) - timedelta(seconds=grace_seconds)
            names = session.scalars(
                select(StoredFile.sha256)
                .where(StoredFile.created_at < limit, StoredFile.sha256 > after, *unused)
                .order_by(StoredFile.sha256)
                .limit(BATCH)
            ).all()
            if not names:
                return removed
            removed += _delete(names, unused)
            after = names[-1]


def _delete(names: Sequence[str], unused: Sequence[ColumnElement[bool]]) -> int:
    session = db.session()
    try:
        with session.begin_nested():
            result = session.execute(
                delete(StoredFile)
                .where(StoredFile.sha256.in_(names), *unused)
                .execution_options(synchronize_session=False)
            )
    except IntegrityError:
        # Somebody without the lock has just referred to one of them; the next sweep takes the others.
        return 0
    return int(result.rowcount)  # type: ignore[attr-defined]


def _unreferenced(table_name: str, column_name: str) -> ColumnElement[bool]:
    referring = table(table_name, column(column_name))
    return ~exists().where(referring.c[column_name] == StoredFile.sha256)


def _sweep_blobs(names: Sequence[str], grace_seconds: float) -> int:
    """Remove those without a row; the lock keeps away whoever is about to name one."""
    with transaction() as session:
        lock_files(shared=False)
        named = set(session.scalars(select(StoredFile.sha256).where(StoredFile.sha256.in_(names))))
        unnamed = [name for name in names if name not in named]
        return current_store().remove_all_older(unnamed, grace_seconds)


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(names)
    while batch := list(islice(iterator, BATCH)):
        yield batch
