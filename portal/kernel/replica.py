"""The read replica: a second engine for reads that may be a few seconds old, left alone while it is behind or away.

The relay writes a beat to the primary; how old the replica's copy of it is, by the primary's clock, is its lag. So any
kind of replication will do, and an idle database does not look like one that is behind.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from flask import Flask, current_app
from sqlalchemy import URL, Engine, NullPool, create_engine, event, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Mapped, ORMExecuteState, Session, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry

from portal.kernel.clock import database_now
from portal.kernel.db import Base, db
from portal.kernel.errors import TemporaryFailure
from portal.kernel.metrics import counter

log = logging.getLogger(__name__)

REPLICA_KEY = "PORTAL_REPLICA"
READER_KEY = "PORTAL_PRIMARY_READER"
BEAT_ID = 1
BEAT_SECONDS = 5.0
#: How long a look at the replica's lag is believed, and how long one that was away is left alone.
BELIEVED_SECONDS = 2.0
AWAY_SECONDS = 10.0
CONNECT_SECONDS = 3

FALLBACKS = counter(
    "portal_replica_fallbacks_total", "Reads for the replica that the primary answered.", ("reason",)
)


class Beat(Base):
    """One row: when the relay last wrote to the primary, by the primary's clock."""

    __tablename__ = "portal_beat"
    __audited__ = False

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]


@dataclass
class Replica:
    """The replica of one application in one process.

    Args:
        engine: Made at the first use, so that a process that forks has none before.
        most_seconds: Largest lag at which it is used.
    """

    url: str
    most_seconds: float
    engine: Engine | None = None
    #: Why it is not used now; empty: it is.
    reason: str = ""
    _until: float = 0.0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def is_usable(self) -> bool:
        """Say whether it answers and is not too far behind; looks again every two seconds."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._look()
            return not self.reason

    def left_alone(self, error: BaseException) -> None:
        """Use the primary for a while, because the replica failed."""
        with self._lock:
            self._note("unreachable", f"it does not answer ({type(error).__name__})", AWAY_SECONDS)

    def session(self) -> Session:
        """Return a new session on the replica."""
        if self.engine is None:
            self.engine = _engine(self.url)
        return Session(self.engine, autoflush=False)

    def _look(self) -> None:
        try:
            with self.session() as session:
                beat = session.scalar(select(Beat.at).where(Beat.id == BEAT_ID))
        except SQLAlchemyError as error:
            self._note("unreachable", f"it does not answer ({type(error).__name__})", AWAY_SECONDS)
            return
        with Session(db.engine) as session:
            now = database_now(session)
        lag = (now - beat).total_seconds() if beat is not None else float("inf")
        if lag > self.most_seconds + BEAT_SECONDS:
            self._note(
                "behind",
                f"it is {lag:.0f} seconds behind" if beat else "it has no beat yet",
                BELIEVED_SECONDS,
            )
        else:
            self._note("", "", BELIEVED_SECONDS)

    def _note(self, reason: str, words: str, seconds: float) -> None:
        if reason and reason != self.reason:
            log.warning("the read replica is not used: %s", words)
        elif self.reason and not reason:
            log.warning("the read replica is used again")
        self.reason, self._until = reason, time.monotonic() + seconds


def init_replica(app: Flask, url: str, most_seconds: float) -> None:
    """Give the application its replica; an empty URL means none."""
    app.extensions[REPLICA_KEY] = Replica(url=url, most_seconds=most_seconds) if url else None


def current_replica() -> Replica | None:
    """Return the replica of the running application, or None."""
    found: Replica | None = current_app.extensions.get(REPLICA_KEY)
    return found


@contextmanager
def replica_session() -> Iterator[Session]:
    """Give a separate read-only session for plain rows, on the replica when it is fit for use, else on the primary.

    Raises:
        TemporaryFailure: ``replica-away``, when the replica fails in the middle; a second try reads from the primary.
    """
    replica = current_replica()
    if replica is not None and replica.is_usable():
        try:
            with _plain(replica.session()) as session:
                yield session
        except DBAPIError as error:
            if not _is_lost(error):
                raise
            replica.left_alone(error)
            raise TemporaryFailure("replica-away", "The database copy went away. Try again.") from error
        return
    if replica is not None:
        FALLBACKS.labels(replica.reason).inc()
    with _plain(Session(_primary(), autoflush=False)) as session:
        yield session


def forget_connections() -> None:
    """Forget the replica's connections after a fork, without closing: they are the parent's."""
    replica = current_replica()
    if replica is not None and replica.engine is not None:
        replica.engine.dispose(close=False)


def beat_once() -> None:
    """Write the beat when there is a replica to measure. Needs an open transaction."""
    if current_replica() is None:
        return
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    now = database_now(db.session())
    written = insert(Beat).values(id=BEAT_ID, at=now)
    db.session.execute(written.on_conflict_do_update(index_elements=["id"], set_={"at": now}))


@contextmanager
def _plain(session: Session) -> Iterator[Session]:
    event.listen(session, "do_orm_execute", _refuse_objects)
    try:
        session.connection(execution_options={"postgresql_readonly": True})
        yield session
    finally:
        session.close()


def _refuse_objects(state: ORMExecuteState) -> None:
    """Refuse whole records: they would be bound to a session that is gone, and could not be changed."""
    columns: Any = getattr(state.statement, "column_descriptions", ())
    for column in columns:
        if isinstance(column.get("expr"), type):
            raise TypeError(
                f"reading(replica=True) gives plain rows: select columns of {column['expr'].__name__}, not the model"
            )


def _is_lost(error: DBAPIError) -> bool:
    # 40001: the replica had to cancel the query to go on replaying.
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in {
        "40001",
        "57P01",
        "57P03",
    }


def _primary() -> Engine:
    """Return the engine that reads from the primary: its own, or where only the connection can be made read-only, another."""
    if db.engine.dialect.name != "sqlite":
        return db.engine
    engine: Engine | None = current_app.extensions.get(READER_KEY)
    if engine is None:
        engine = current_app.extensions[READER_KEY] = _engine(db.engine.url)
    return engine


def _engine(url: str | URL) -> Engine:
    if make_url(url).get_backend_name() != "sqlite":
        arguments = {"connect_timeout": CONNECT_SECONDS}
        return create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=arguments)
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    event.listen(engine, "connect", _only_read)
    return engine


def _only_read(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only=ON")
    cursor.close()
