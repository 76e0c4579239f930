"""The database: one declarative base, one session, the column types that keep time and JSON honest."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, DateTime, Dialect, Engine, MetaData, Uuid, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, declared_attr, mapped_column, registry
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

WRITE_OPTION = "portal_write"
BUSY_MILLISECONDS = 60_000

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware UTC going in and coming out; a naive value is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; instants are aware UTC")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class Base(DeclarativeBase):
    """Base of every model of the portal and its plugins."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={
            datetime: UtcDateTime(),
            uuid.UUID: Uuid(),
            dict[str, Any]: Json,
            list[Any]: Json,
        },
    )

    #: Whether changes through the session are written to the audit record.
    __audited__: ClassVar[bool] = True
    #: Columns that never appear in the audit record (secrets, tracking).
    __audit_exclude__: ClassVar[frozenset[str]] = frozenset()


class Versioned:
    """Gives a model the ``version`` that binding previews compare.

    ORM updates raise it and check it; Core updates set ``version=Model.version + 1`` themselves.
    """

    version: Mapped[int] = mapped_column(default=1, server_default="1")

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - SQLAlchemy passes the class
        return {"version_id_col": cls.version}


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": True}, disable_autonaming=True)


@event.listens_for(Engine, "connect")
def _prepare_connection(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    if "sqlite" not in type(connection).__module__:
        return
    # The driver must not open transactions by itself: BEGIN is ours (below).
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    # A read that upgrades to a write fails at once, whatever the time-out, so a writer says so first.
    writes = connection.get_execution_options().get(WRITE_OPTION, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(*, replica: bool = False) -> Iterator[Session]:
    """Give the request's session for reads and end its read transaction afterwards.

    Inside ``transaction()`` it is that transaction's session, and nothing is ended.

    Args:
        replica: Give a separate read-only session instead, for plain rows (select columns, not models) that may be
            some seconds old: on the replica of ``PORTAL_READ_REPLICA_URL``, or on the primary when there is none, when
            it is behind, or when it does not answer.
    """
    from portal.kernel.transaction import in_transaction

    if replica and not in_transaction():
        from portal.kernel.replica import replica_session

        with replica_session() as copy:
            yield copy
        return
    session = db.session()
    try:
        yield session
    finally:
        if not in_transaction():
            session.rollback()
