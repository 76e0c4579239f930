"""What makes SQLite fit for several processes: pragmas, and writers that say so at once."""

import pytest
from sqlalchemy import create_engine, func, select, update
from sqlalchemy.exc import OperationalError

from portal.kernel.db import db
from portal.kernel.transaction import transaction
from tests.portal.kernel.probe import Probe

pytestmark = pytest.mark.usefixtures("kernel")


def test_a_connection_prepares_itself_for_writers() -> None:
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 60_000}
    with db.engine.connect() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in expected}
    assert found == expected


def test_whoever_opened_a_transaction_first_is_the_writer_and_readers_do_not_wait(database_url: str) -> None:
    other = create_engine(database_url)
    with transaction(), other.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Probe)) == 0
        connection.rollback()
        connection.exec_driver_sql("PRAGMA busy_timeout=50")
        with pytest.raises(OperationalError, match="locked"):
            connection.execute(update(Probe).values(count=1))
    other.dispose()


def test_a_read_that_becomes_a_write_would_fail_at_once_which_is_why_writers_say_so(
    database_url: str,
) -> None:
    other = create_engine(database_url)
    with other.connect() as connection:
        connection.scalar(select(func.count()).select_from(Probe))
        with transaction() as session:
            session.add(Probe(name="a"))
        with pytest.raises(OperationalError, match="locked"):
            connection.execute(update(Probe).values(count=1))
    other.dispose()
