"""Real worker processes for tests: started with the application's settings, killed with the test."""

import sys
from subprocess import Popen
from types import TracebackType
from typing import Self

from portal.config import PortalConfig
from portal.kernel.processes import start_guarded
from portal.supervisor.web import environment_of


class WorkerProcesses:
    """Starts ``portal worker`` processes of one installation; a context manager that kills what is left."""

    def __init__(self, config: PortalConfig) -> None:
        self._config = config
        self.running: list[Popen[bytes]] = []

    def start(self, count: int = 1, **environment: str) -> list["Popen[bytes]"]:
        """Start ``count`` workers, each with these additional environment variables, and return them."""
        command = [sys.executable, "-m", "portal", "worker"]
        variables = {**environment_of(self._config), **environment}
        started = [start_guarded(command, environment=variables) for _ in range(count)]
        self.running += started
        return started

    def kill(self) -> None:
        """End every worker as by ``kill -9`` and wait until it has gone."""
        for process in self.running:
            process.kill()
        for process in self.running:
            process.wait()
        self.running.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.kill()
