"""The processes of a measured installation, and what they have used."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from subprocess import Popen

import psutil

from benchmarks.campus import Campus
from benchmarks.worker import NOTES
from portal.jobs.queue import connect
from portal.kernel.processes import start_guarded
from portal.supervisor.web import environment_of
from portal.testing.postgresql import PostgresqlServer

READY_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What all workers have used together: CPU as the system counts it, statements, the largest process."""

    cpu_seconds: float
    statements: int
    memory_mb: float


class Crew:
    """Measured workers and the relay of one installation; started warm, killed at the end."""

    def __init__(self, campus: Campus, workers: int) -> None:
        self._campus = campus
        self._notes = campus.config.home / "notes.jsonl"
        self._notes.touch()
        variables = {**environment_of(campus.config), NOTES: str(self._notes)}
        self.workers = [self._start("benchmarks.worker", variables) for _ in range(workers)]
        self._relay = self._start("portal", variables, "relay")

    @staticmethod
    def _start(module: str, variables: dict[str, str], *arguments: str) -> "Popen[bytes]":
        return start_guarded([sys.executable, "-m", module, *arguments], environment=variables)

    def wait_until_ready(self) -> None:
        """Return when every worker has compiled its documents and listens.

        Raises:
            TimeoutError: when one does not come up.
        """
        connection = connect(self._campus.config)
        deadline = time.monotonic() + READY_SECONDS
        while len(connection.smembers("rq:workers")) < len(self.workers):  # type: ignore[arg-type]
            if time.monotonic() > deadline or any(worker.poll() is not None for worker in self.workers):
                raise TimeoutError("a worker did not start; see its output above")
            time.sleep(0.1)
        connection.close()

    def usage(self) -> Usage:
        """Return what was used since the start; call it when no run is going on."""
        self._wait_until_idle()
        notes = [json.loads(line) for line in self._notes.read_text(encoding="utf-8").splitlines()]
        processes = [psutil.Process(worker.pid) for worker in self.workers]
        memory = [process.memory_info().rss / 2**20 for process in processes]
        return Usage(
            cpu_seconds=sum(_cpu_seconds(process) for process in processes),
            statements=sum(note["statements"] for note in notes),
            memory_mb=max([*memory, *(note["memory_mb"] for note in notes)]),
        )

    def _wait_until_idle(self) -> None:
        while any(psutil.Process(worker.pid).children() for worker in self.workers):
            time.sleep(0.02)

    def end(self) -> None:
        """Kill every process."""
        for process in (self._relay, *self.workers):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()


def _cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU of a process and of its children that have ended (a worker forks one for each run)."""
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


@contextmanager
def crew_of(campus: Campus, workers: int) -> Iterator[Crew]:
    """Run queue server, relay and warm workers of this installation."""
    with campus.queue_server():
        # The workers of the run before were killed; their names would pass for these.
        connect(campus.config).flushall()
        crew = Crew(campus, workers)
        try:
            crew.wait_until_ready()
            yield crew
        finally:
            crew.end()


def server_cpu_seconds(server: PostgresqlServer | None) -> float:
    """Return the CPU of the database server's processes; 0 for SQLite, which has none."""
    if server is None:
        return 0.0
    folder = server.url().partition("host=")[2]
    for process in psutil.process_iter(["cmdline"]):
        if f"{folder}/data" in (process.info["cmdline"] or []):
            return _cpu_seconds(process) + sum(
                _cpu_seconds(child) for child in process.children(recursive=True)
            )
    return 0.0
