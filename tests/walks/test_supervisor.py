"""The whole portal under its supervisor: comes up, heals, stops, and leaves nothing running."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from portal.config import PortalConfig
from portal.supervisor import AlreadyRunning, Supervisor
from portal.supervisor.network import is_live
from portal.supervisor.queue_server import answers
from portal.supervisor.web import environment_of


def becomes_true(condition: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def family(process_id: int) -> list[psutil.Process]:
    """The process and all that descend from it."""
    process = psutil.Process(process_id)
    return [process, *process.children(recursive=True)]


def are_gone(processes: list[psutil.Process]) -> bool:
    return not any(item.is_running() and item.status() != psutil.STATUS_ZOMBIE for item in processes)


@pytest.fixture
def settings(tmp_path: Path) -> PortalConfig:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    return PortalConfig.load(home=tmp_path / "home", port=port, workers=1)


@pytest.fixture
def running(settings: PortalConfig) -> Iterator["subprocess.Popen[str]"]:
    """`portal run` in a process of its own, up and answering."""
    process = subprocess.Popen(
        [sys.executable, "-m", "portal", "run"],
        env=environment_of(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert becomes_true(lambda: is_live(settings.host, settings.port), 60)
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_every_child_that_is_killed_comes_back(settings: PortalConfig) -> None:
    supervisor = Supervisor(settings, announce=lambda line: None)
    supervisor.start()
    try:
        first = supervisor.process_ids
        assert set(first) == {"queue", "web", "relay", "worker-1"}
        for process_id in first.values():
            os.kill(process_id, signal.SIGKILL)

        assert becomes_true(lambda: not set(supervisor.process_ids.values()) & set(first.values()))
        assert becomes_true(lambda: is_live(settings.host, settings.port))
        assert becomes_true(lambda: answers(settings.queue_socket))
        everything = [item for number in supervisor.process_ids.values() for item in family(number)]
    finally:
        supervisor.stop()

    assert are_gone(everything)
    assert not is_live(settings.host, settings.port)


def test_a_home_folder_has_one_supervisor(settings: PortalConfig) -> None:
    settings.make_home()
    first = Supervisor(settings, web=False, announce=lambda line: None)
    first.start()
    try:
        with pytest.raises(AlreadyRunning, match=str(os.getpid())):
            Supervisor(settings, web=False).start()
    finally:
        first.stop()

    assert not answers(settings.queue_socket)


def test_a_busy_port_moves_to_the_next_free_one_and_says_so(settings: PortalConfig) -> None:
    said: list[str] = []
    with socket.socket() as listener:
        listener.bind((settings.host, settings.port))
        listener.listen()
        supervisor = Supervisor(settings, announce=said.append)
        supervisor.start()
        try:
            assert supervisor.config.port > settings.port
            assert is_live(settings.host, supervisor.config.port)
            assert str(supervisor.config.port) in supervisor.url
        finally:
            supervisor.stop()
    assert said == [f"Port {settings.port} is busy; using {supervisor.config.port} instead."]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything(
    running: "subprocess.Popen[str]", settings: PortalConfig, number: signal.Signals
) -> None:
    everything = family(running.pid)
    running.send_signal(number)

    assert running.wait(30) == 0
    assert are_gone(everything)
    assert not settings.queue_socket.exists()


def test_nothing_outlives_a_supervisor_that_is_killed(
    running: "subprocess.Popen[str]", settings: PortalConfig
) -> None:
    everything = family(running.pid)
    running.kill()
    running.wait()

    assert becomes_true(lambda: are_gone(everything), 10)
    again = Supervisor(settings, announce=lambda line: None)
    again.start()
    again.stop()
