"""The read replica: used for plain rows while it is fit for use, left alone while it is behind or away."""

import logging
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import Engine, Insert, create_engine, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError

from portal.kernel import replica
from portal.kernel.clock import utc_now
from portal.kernel.db import db, reading
from portal.kernel.errors import TemporaryFailure
from portal.kernel.metrics import exposition
from portal.kernel.replica import REPLICA_KEY, Beat, Replica, beat_once, current_replica
from portal.kernel.transaction import transaction
from portal.settings.models import Setting
from portal.testing.postgresql import PostgresqlServer
from portal.testing.sandboxes import Sandbox

pytestmark = pytest.mark.both_engines
NAMES = select(Setting.name)


def setting(name: str) -> Insert:
    return insert(Setting).values(name=name, value=1)


def put(name: str) -> None:
    with transaction() as session:
        session.execute(setting(name))


@pytest.fixture
def copy_url(sandbox: Sandbox, request: pytest.FixtureRequest) -> str:
    """A second database with what the primary has at this moment, and a fresh beat."""
    with transaction() as session:
        session.execute(delete(Beat))
        session.add(Beat(id=1, at=utc_now()))
    db.session.remove()
    db.engine.dispose()
    if sandbox.engine == "sqlite":
        target = sandbox.config.home / "replica.sqlite3"
        shutil.copyfile(sandbox.config.home / "portal.sqlite3", target)
        return f"sqlite:///{target}"
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    server.create("portal_replica", template=str(db.engine.url.database))
    return server.url("portal_replica")


@pytest.fixture
def copy(app: Flask, copy_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The second database as the application's replica; give a connection to write into it behind its back."""
    monkeypatch.setitem(app.extensions, REPLICA_KEY, Replica(url=copy_url, most_seconds=10))
    engine = create_engine(copy_url)
    with engine.begin() as connection:
        connection.execute(setting("copy"))
    yield engine
    engine.dispose()
    used = current_replica()
    if used is not None and used.engine is not None:
        used.engine.dispose()


@pytest.fixture
def look_again() -> Callable[[], None]:
    """Let the next read look at the replica anew."""

    def forget() -> None:
        used = current_replica()
        assert used is not None
        used._until = 0.0

    return forget


def read_names() -> list[str]:
    with reading(replica=True) as session:
        return list(session.scalars(NAMES))


def beat_is_old(engine: Engine, seconds: float) -> None:
    with engine.begin() as connection:
        connection.execute(update(Beat).values(at=utc_now() - timedelta(seconds=seconds)))


def test_heavy_reads_go_to_the_replica(copy: Engine) -> None:
    put("primary")

    assert read_names() == ["copy"]
    with reading() as session:
        assert list(session.scalars(NAMES)) == ["primary"]


def test_inside_a_transaction_it_is_the_primary_with_what_was_just_written(copy: Engine) -> None:
    with transaction() as session:
        session.execute(setting("mine"))
        assert read_names() == ["mine"]


def test_without_a_replica_it_is_the_primary(app: Flask) -> None:
    put("primary")

    assert read_names() == ["primary"]


def test_session_is_not_the_requests(app: Flask) -> None:
    with reading(replica=True) as session:
        assert session is not db.session()


@pytest.mark.parametrize("with_replica", [False, True])
def test_models_are_refused_because_rows_are_plain(
    app: Flask, with_replica: bool, request: pytest.FixtureRequest
) -> None:
    if with_replica:
        request.getfixturevalue("copy")

    with pytest.raises(TypeError, match="select columns of Setting"), reading(replica=True) as session:
        session.scalars(select(Setting)).all()


@pytest.mark.parametrize("with_replica", [False, True])
def test_nothing_can_be_written(app: Flask, with_replica: bool, request: pytest.FixtureRequest) -> None:
    if with_replica:
        request.getfixturevalue("copy")

    with pytest.raises(DBAPIError, match=r"read-?only"), reading(replica=True) as session:
        session.execute(setting("x"))
    put("still possible")


def test_replica_that_is_behind_is_not_used_until_it_has_caught_up(
    copy: Engine, look_again: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    put("primary")
    beat_is_old(copy, 100)

    with caplog.at_level(logging.WARNING):
        assert read_names() == ["primary"]
        assert read_names() == ["primary"]
    assert [record.getMessage() for record in caplog.records] == [
        "the read replica is not used: it is 100 seconds behind"
    ]
    assert b'portal_replica_fallbacks_total{reason="behind"}' in exposition()

    beat_is_old(copy, 1)
    look_again()
    assert read_names() == ["copy"]


def test_replica_without_a_beat_is_not_used(copy: Engine) -> None:
    with copy.begin() as connection:
        connection.execute(delete(Beat))

    assert read_names() == []


def test_replica_that_does_not_answer_is_left_alone(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    away = "sqlite:////no/such/folder/x.sqlite3"
    if db.engine.dialect.name == "postgresql":
        away = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    monkeypatch.setitem(app.extensions, REPLICA_KEY, Replica(url=away, most_seconds=10))
    put("primary")

    with caplog.at_level(logging.WARNING):
        assert read_names() == ["primary"]
        assert read_names() == ["primary"]
    assert [record.getMessage() for record in caplog.records] == [
        "the read replica is not used: it does not answer (OperationalError)"
    ]
    assert b'portal_replica_fallbacks_total{reason="unreachable"}' in exposition()


def test_replica_that_goes_away_in_the_middle_lets_the_next_try_use_the_primary(copy: Engine) -> None:
    put("primary")

    with pytest.raises(TemporaryFailure) as caught, reading(replica=True):
        lost = OperationalError("SELECT 1", None, Exception("gone"), connection_invalidated=True)
        raise lost
    assert caught.value.code == "replica-away"
    assert read_names() == ["primary"]


def test_mistake_in_a_query_is_not_taken_for_a_lost_replica(copy: Engine) -> None:
    with pytest.raises(DBAPIError), reading(replica=True) as session:
        session.execute(text("SELECT no_such_column FROM portal_setting"))

    assert read_names() == ["copy"]


def test_relay_writes_the_beat_when_there_is_a_replica(copy: Engine) -> None:
    with transaction() as session:
        session.execute(delete(Beat))
    for _ in range(2):
        with transaction():
            beat_once()

    beat = db.session.scalar(select(Beat.at))
    assert beat is not None
    assert abs((utc_now() - beat).total_seconds()) < 60


def test_without_a_replica_there_is_no_beat(app: Flask) -> None:
    with transaction():
        beat_once()

    assert db.session.scalar(select(Beat.at)) is None
    assert replica.current_replica() is None
