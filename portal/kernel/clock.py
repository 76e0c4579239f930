"""The two clocks: this process's, and the database's, which leases are measured by."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, func, literal_column, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement


def utc_now() -> datetime:
    """Return this moment as an aware UTC datetime."""
    return datetime.now(UTC)


def database_clock(dialect_name: str) -> ColumnElement[Any]:
    """Return the SQL expression of the database's own clock, the only one that leases are compared with."""
    if dialect_name == "sqlite":
        return literal_column("strftime('%Y-%m-%d %H:%M:%f', 'now')")
    return func.clock_timestamp(type_=DateTime(timezone=True))


def database_now(session: Session) -> datetime:
    """Return the database's time as an aware UTC datetime. One small SELECT."""
    return read_clock(session.execute(select(database_clock(session.get_bind().dialect.name))).scalar_one())


def read_clock(value: Any) -> datetime:
    """Return what a query gave for :func:`database_clock` as an aware UTC datetime."""
    if isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    moment: datetime = value
    return moment.astimezone(UTC)
