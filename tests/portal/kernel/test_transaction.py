"""One way to write: nesting, callbacks, savepoints, and what errors of the database become."""

import contextlib
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from portal.kernel.db import db, reading
from portal.kernel.errors import Conflict, NestedTransaction, StorageFull, TemporaryFailure
from portal.kernel.transaction import in_transaction, on_commit, run_in_transaction, savepoint, transaction
from tests.portal.kernel.probe import Probe, count_up

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("kernel")]


def names() -> set[str]:
    with reading() as session:
        return set(session.scalars(select(Probe.name)))


def test_what_is_written_is_committed_at_the_end() -> None:
    with transaction() as session:
        assert in_transaction()
        session.add(Probe(name="a"))
    assert not in_transaction()
    assert names() == {"a"}


def test_an_error_rolls_everything_back_and_drops_the_callbacks() -> None:
    called: list[str] = []
    with pytest.raises(ZeroDivisionError), transaction() as session:
        session.add(Probe(name="a"))
        session.flush()
        on_commit(lambda: called.append("too late"))
        raise ZeroDivisionError
    assert not in_transaction()
    assert (names(), called) == (set(), [])


def test_a_second_transaction_inside_is_an_error_and_ends_the_first() -> None:
    with pytest.raises(NestedTransaction), transaction() as session:
        session.add(Probe(name="a"))
        with transaction():
            pass
    assert names() == set()


def test_callbacks_run_in_order_after_the_commit_and_may_write_themselves() -> None:
    seen: list[Any] = []

    def write_too() -> None:
        with transaction() as session:
            seen.append(session.scalar(select(func.count()).select_from(Probe)))
            session.add(Probe(name="second"))

    with transaction() as session:
        session.add(Probe(name="first"))
        on_commit(write_too)
        on_commit(lambda: seen.append("last"))
        assert seen == []
    assert seen == [1, "last"]
    assert names() == {"first", "second"}


def test_a_failing_callback_is_logged_and_the_next_one_runs(caplog: pytest.LogCaptureFixture) -> None:
    called: list[str] = []

    def fail() -> None:
        raise RuntimeError("the bell is broken")

    with caplog.at_level(logging.ERROR), transaction() as session:
        session.add(Probe(name="a"))
        on_commit(fail)
        on_commit(lambda: called.append("rung"))
    assert (names(), called) == ({"a"}, ["rung"])
    assert "the bell is broken" in caplog.text


def test_a_callback_needs_an_open_transaction() -> None:
    with pytest.raises(NestedTransaction):
        on_commit(lambda: None)


def test_what_a_savepoint_holds_fails_alone() -> None:
    with transaction() as session:
        session.add(Probe(name="a"))
        session.flush()
        with pytest.raises(IntegrityError), savepoint():
            session.add(Probe(name="a"))
            session.flush()
        session.add(Probe(name="b"))
    assert names() == {"a", "b"}


def test_a_released_savepoint_is_not_a_commit() -> None:
    called: list[str] = []
    with contextlib.suppress(ZeroDivisionError), transaction() as session:
        with savepoint():
            session.add(Probe(name="a"))
            on_commit(lambda: called.append("rung"))
        assert called == []
        raise ZeroDivisionError
    assert (names(), called) == (set(), [])


def test_a_broken_rule_of_the_database_stays_what_it_is() -> None:
    with transaction() as session:
        session.add(Probe(name="a"))
    with pytest.raises(IntegrityError) as caught, transaction() as session:
        session.add(Probe(name="a"))
    assert caught.value.__cause__ is not caught.value
    assert names() == {"a"}


def test_a_row_changed_by_somebody_else_is_a_conflict() -> None:
    with transaction() as session:
        session.add(Probe(name="a"))
    with pytest.raises(Conflict) as caught, transaction() as session:
        row = session.scalars(select(Probe)).one()
        session.execute(
            update(Probe).values(version=Probe.version + 1).execution_options(synchronize_session=False)
        )
        row.name = "b"
    assert (caught.value.code, caught.value.status) == ("changed-meanwhile", 409)
    assert names() == {"a"}


def test_core_and_orm_writes_raise_the_version() -> None:
    with transaction() as session:
        session.add(Probe(name="a"))
    with transaction() as session:
        session.scalars(select(Probe)).one().name = "b"
    with transaction() as session:
        session.execute(update(Probe).values(count=1, version=Probe.version + 1))
    assert db.session.scalar(select(Probe.version)) == 3


class FromDriver(Exception):
    """What a database driver raises."""

    def __init__(self, text: str, state: str | None = None) -> None:
        super().__init__(text)
        self.sqlstate = state


@pytest.mark.parametrize(
    ("raised", "becomes", "code"),
    [
        (FromDriver("could not serialize access", "40001"), TemporaryFailure, "database-busy"),
        (FromDriver("deadlock detected", "40P01"), TemporaryFailure, "database-busy"),
        (FromDriver("canceling statement due to lock timeout", "55P03"), TemporaryFailure, "database-busy"),
        (FromDriver("database is locked"), TemporaryFailure, "database-busy"),
        (FromDriver("could not extend file", "53100"), StorageFull, "storage-full"),
        (FromDriver("database or disk is full"), StorageFull, "storage-full"),
    ],
)
def test_errors_that_pass_get_their_own_name(raised: Exception, becomes: type[Exception], code: str) -> None:
    with pytest.raises(becomes) as caught, transaction():
        raise OperationalError("UPDATE …", {}, raised)
    assert getattr(caught.value, "code", None) == code
    assert isinstance(caught.value.__cause__, OperationalError)


def failing(times: int, error: Callable[[], Exception]) -> tuple[Callable[[], str], list[int]]:
    tries: list[int] = []

    def write() -> str:
        tries.append(1)
        db.session.add(Probe(name=f"try-{len(tries)}"))
        db.session.flush()
        if len(tries) <= times:
            raise error()
        return "done"

    return write, tries


def busy() -> Exception:
    return OperationalError("UPDATE …", {}, FromDriver("deadlock detected", "40P01"))


def test_a_deadlock_is_repeated_from_the_start_and_only_the_last_try_counts() -> None:
    write, tries = failing(2, busy)
    assert run_in_transaction(write) == "done"
    assert (len(tries), names()) == (3, {"try-3"})


def test_repeating_ends_after_the_given_tries() -> None:
    write, tries = failing(9, busy)
    with pytest.raises(TemporaryFailure):
        run_in_transaction(write, retries=2)
    assert (len(tries), names()) == (3, set())


def test_a_full_disk_and_a_bug_are_not_repeated() -> None:
    for error in (StorageFull, ZeroDivisionError):
        write, tries = failing(9, error)
        with pytest.raises(error):
            run_in_transaction(write)
        assert len(tries) == 1


def test_reading_ends_its_read_transaction_but_never_a_write_transaction() -> None:
    with reading() as session:
        session.scalar(select(func.count()).select_from(Probe))
        assert session.in_transaction()
    assert not db.session().in_transaction()
    with transaction() as session:
        session.add(Probe(name="a"))
        with reading() as inner:
            assert inner is session
    assert names() == {"a"}


def test_readers_that_write_beside_other_processes_see_no_lock_error(
    kernel: Flask, database_url: str
) -> None:
    threads_count, times = 8, 12
    with transaction() as session:
        session.add(Probe(name="shared"))
    errors: list[Exception] = []

    def work() -> None:
        with kernel.app_context():
            try:
                count_up("shared", times)
            except Exception as error:
                errors.append(error)

    command = [sys.executable, "-m", "tests.portal.kernel.probe", database_url, str(3 * times)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    threads = [threading.Thread(target=work) for _ in range(threads_count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in processes:
        _, words = process.communicate(timeout=60)
        assert process.returncode == 0, words.decode()
    assert errors == []
    with reading() as session:
        assert session.scalar(select(Probe.count)) == threads_count * times + 2 * 3 * times
