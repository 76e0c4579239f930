"""The public fixtures: every test starts from the same state, on either engine; requests stand alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, g
from redis import Redis
from sqlalchemy import create_engine, func, inspect, select

from portal.auth.models import Role, User
from portal.config import PortalConfig
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.testing.clients import PortalClient
from portal.testing.people import make_user
from portal.testing.workers import WorkerProcesses


def number_of(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.both_engines
@pytest.mark.parametrize("turn", [1, 2])
def test_what_one_test_writes_the_next_does_not_see(app: Flask, config: PortalConfig, turn: int) -> None:
    assert number_of(User) == 0
    assert number_of(Role) > 0
    assert not (config.blobs_dir / "left-over").exists()

    user_id = make_user("somebody", "portal.jobs.view")
    config.blobs_dir.mkdir(exist_ok=True)
    (config.blobs_dir / "left-over").touch()

    assert user_id == 1


@pytest.mark.both_engines
def test_engine_is_the_one_asked_for(app: Flask, engine: str) -> None:
    assert db.engine.dialect.name == engine


@pytest.mark.postgresql
def test_mark_chooses_postgresql(app: Flask) -> None:
    assert db.engine.dialect.name == "postgresql"


@pytest.mark.both_engines
def test_database_url_is_an_empty_database(database_url: str) -> None:
    engine = create_engine(database_url)
    try:
        assert inspect(engine).get_table_names() == []
    finally:
        engine.dispose()


def test_requests_share_nothing_with_the_test(client: PortalClient) -> None:
    g.mark = "set by the test"

    assert client.get("/health/live").json == {"live": True}
    assert g.mark == "set by the test"


def test_test_sees_what_a_request_wrote(client: PortalClient) -> None:
    user_id = make_user("somebody")
    user = db.session.get(User, user_id)
    assert user is not None
    name = user.display_name

    client.get("/health/live")
    with transaction():
        db.session.get_one(User, user_id).display_name = name + " the second"

    assert user.display_name == name + " the second"


def test_signed_in_browsers_are_different_people(
    signed_in: Callable[..., PortalClient], client: PortalClient
) -> None:
    officer, administrator = signed_in(), signed_in(administrator=True)

    assert client.get("/panel/").status_code == 302
    assert officer.get("/panel/").status_code == administrator.get("/panel/").status_code == 200
    assert number_of(User) == 2


def test_queue_server_is_real_and_empty(queue_server: Redis, config: PortalConfig) -> None:
    assert queue_server.dbsize() == 0
    assert queue_server.config_get("appendonly") == {"appendonly": "yes"}
    assert Path(config.queue_socket).is_socket()


def test_workers_are_processes_that_can_be_killed(worker_processes: WorkerProcesses) -> None:
    first, second = worker_processes.start(2)
    assert first.poll() is None
    assert second.poll() is None

    worker_processes.kill()

    assert first.returncode == second.returncode == -9
