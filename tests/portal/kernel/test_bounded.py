"""Reads that end by themselves, on both databases."""

import time
from contextlib import nullcontext

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import DBAPIError

from portal.kernel.bounded import ReadingTooLong, reading_at_most
from portal.kernel.db import db
from portal.kernel.errors import NestedTransaction
from portal.kernel.transaction import transaction
from tests.portal.kernel.probe import Probe

pytestmark = pytest.mark.both_engines

ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(60)",
}


def number_of_probes() -> int:
    return db.session.scalar(select(func.count()).select_from(Probe)) or 0


def hang() -> None:
    db.session.execute(text(ENDLESS[db.engine.dialect.name]))


def test_a_statement_that_takes_too_long_is_cut_off(kernel: Flask) -> None:
    began = time.monotonic()
    with pytest.raises(ReadingTooLong, match=r"longer than 0\.2 seconds"):
        with reading_at_most(0.2):
            hang()
    assert time.monotonic() - began < 2


def test_no_statement_begins_when_the_time_is_up(kernel: Flask) -> None:
    with pytest.raises(ReadingTooLong):
        with reading_at_most(0.05) as session:
            time.sleep(0.1)
            session.execute(select(func.count()).select_from(Probe))


def test_the_limit_holds_after_the_transaction_was_ended_inside(kernel: Flask) -> None:
    with pytest.raises(ReadingTooLong):
        with reading_at_most(0.2) as session:
            number_of_probes()
            session.rollback()
            hang()


def test_afterwards_the_session_reads_and_writes_without_limit(kernel: Flask) -> None:
    with pytest.raises(ReadingTooLong):
        with reading_at_most(0.1):
            hang()
    with transaction() as session:
        session.add(Probe(name="one"))
    time.sleep(0.15)
    assert number_of_probes() == 1


def test_nothing_can_be_written_inside(kernel: Flask, engine: str) -> None:
    with transaction() as session:
        session.add(Probe(name="one"))
    with pytest.raises(NestedTransaction):
        with reading_at_most(1):
            with transaction():
                db.session.execute(delete(Probe))
    # PostgreSQL refuses; on SQLite it is as if it had never been.
    refused = pytest.raises(DBAPIError, match="read-only") if engine == "postgresql" else nullcontext()
    with refused:
        with reading_at_most(1) as session:
            session.execute(delete(Probe))
    assert number_of_probes() == 1


def test_inside_a_transaction_it_is_refused(kernel: Flask) -> None:
    with transaction():
        with pytest.raises(NestedTransaction):
            with reading_at_most(1):
                pass
