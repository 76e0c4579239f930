"""Live and ready: open to everybody, silent about details, honest about what is missing."""

from pathlib import Path

import pytest
from flask import Flask
from redis import Redis

from portal.config import PortalConfig
from portal.health import checks
from portal.hooks.declarations import CheckResult, HealthCheck
from portal.kernel.db import db
from portal.testing.clients import PortalClient


def raising() -> CheckResult:
    raise RuntimeError("broken in a new way")


def test_live_answers_without_the_database(client: PortalClient, app: Flask) -> None:
    db.engine.dispose()

    answer = client.get("/health/live")

    assert (answer.status_code, answer.json) == (200, {"live": True})


@pytest.mark.both_engines
def test_ready_names_each_check_and_nothing_else(client: PortalClient) -> None:
    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["ready"] is True
    assert {"database", "migrations", "storage"} <= set(answer.json["checks"])
    assert set(answer.json["checks"].values()) <= {True, False}


@pytest.mark.both_engines
def test_not_ready_while_a_revision_is_missing(client: PortalClient) -> None:
    with db.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM portal_alembic_version")

    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["checks"]["migrations"] is False


def test_ready_without_a_queue_server_because_nothing_is_lost(client: PortalClient) -> None:
    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["checks"]["queue server"] is False


def test_queue_server_that_evicts_is_named(app: Flask, queue_server: Redis) -> None:
    assert checks.check_queue_server() == CheckResult(ok=True, message="The queue server answers.")

    queue_server.config_set("maxmemory-policy", "allkeys-lru")

    assert "allkeys-lru" in checks.check_queue_server().message


def test_storage_that_cannot_be_written_is_named(
    app: Flask, config: PortalConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)

    result = checks.check_storage()

    assert not result.ok
    assert str(Path(config.home)) in result.message


def test_check_that_raises_has_failed() -> None:
    check = HealthCheck(name="new", check=raising)

    assert checks._find(check) == CheckResult(ok=False, message="RuntimeError: broken in a new way")
