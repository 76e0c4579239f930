"""The supervisor: start order, healing, stop order, and the lock that gives a home folder to one supervisor only."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, BinaryIO, Self

from portal.app import create_app
from portal.auth.accounts import is_anybody_there
from portal.config import PortalConfig
from portal.installation import PLUGINS_FAILED
from portal.kernel import metrics
from portal.kernel.errors import PortalError
from portal.kernel.processes import start_guarded
from portal.supervisor.children import Child
from portal.supervisor.network import is_live, listen, reachable
from portal.supervisor.queue_server import start_queue_server
from portal.supervisor.web import environment_of, web_command

WATCH_SECONDS = 0.2
START_SECONDS = 90.0


class AlreadyRunning(PortalError):
    """Another supervisor has this home folder."""


class StartFailed(PortalError):
    """A process that the portal needs did not come up."""


class Supervisor:
    """All processes of one installation; a context manager that starts them and stops them in order.

    Args:
        config: The settings; its port moves to the next free one when it is busy.
        announce: Told what people should know (``print`` in the terminal).
        web: Whether to serve the panel; without it only the queue server, workers and relay run.
        log_dir: Folder for the children's output, one file each; None means this process's own output.
    """

    def __init__(
        self,
        config: PortalConfig,
        *,
        announce: Callable[[str], object] = print,
        web: bool = True,
        log_dir: Path | None = None,
    ) -> None:
        self.config = config
        self._web = web
        self._announce = announce
        self._log_dir = log_dir
        self._children: list[Child] = []
        self._lock: BinaryIO | None = None
        self._handlers: dict[signal.Signals, Any] = {}
        self._stopping = threading.Event()
        self._impatient = threading.Event()
        self._started = threading.Event()
        self._failure: Exception | None = None
        self._keeper: threading.Thread | None = None
        self._listener: Any = None

    @property
    def url(self) -> str:
        """The address to open in a browser on this machine."""
        return f"http://{reachable(self.config.host)}:{self.config.port}"

    @property
    def process_ids(self) -> dict[str, int]:
        """Name → process id of every child that runs now."""
        return {child.name: child.process.pid for child in self._children if child.process is not None}

    def start(self) -> None:
        """Start everything and return once the web server answers.

        Order: queue server (when none is given), migrations, web, workers, relay.

        Raises:
            AlreadyRunning: when another supervisor has the home folder.
            StartFailed, QueueServerMissing: when something does not come up; all that was started is stopped.
        """
        self.config.make_home()
        self._take_lock()
        metrics.empty(self.config.run_dir)
        try:
            if self._web:
                self._choose_port()
            # A child ends with the thread that started it, so one thread starts, heals and stops them all.
            self._keeper = threading.Thread(target=self._keep, name="supervisor", daemon=True)
            self._keeper.start()
            while not self._started.wait(1):
                continue
            if self._failure is not None:
                raise self._failure
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything in order: workers, relay, web, queue server; leave nothing running. Safe to repeat."""
        self._stopping.set()
        if self._keeper is not None:
            self._keeper.join()
            self._keeper = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def wait(self) -> None:
        """Return on Ctrl-C, SIGTERM, or when another thread called :meth:`stop`."""
        with contextlib.suppress(KeyboardInterrupt):
            while not self._stopping.wait(1):
                continue

    def __enter__(self) -> Self:
        self._handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        for number in self._handlers:
            signal.signal(number, _interrupt)
        try:
            self.start()
        except BaseException:
            self._restore_handlers()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for number in self._handlers:
            signal.signal(number, lambda *_: self._impatient.set())
        self.stop()
        self._restore_handlers()

    def _restore_handlers(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _take_lock(self) -> None:
        # Kept open for the life of the supervisor: the kernel frees the lock however this process ends.
        file = (self.config.run_dir / "supervisor.lock").open("a+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            owner = file.read().decode("ascii", "replace").strip() or "unknown"
            file.close()
            raise AlreadyRunning(
                "already-running",
                f"The portal in {self.config.home} is running already (process {owner}). Stop that one first, "
                "or set PORTAL_HOME to another folder.",
                {"process_id": owner},
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n".encode("ascii"))
        file.flush()
        self._lock = file

    def _choose_port(self) -> None:
        wanted = self.config.port
        try:
            self._listener = listen(self.config.host, wanted)
        except OSError as error:
            raise StartFailed("port", f"Cannot listen on {self.config.host}:{wanted}: {error}.") from error
        port = self._listener.getsockname()[1]
        if port != wanted:
            if wanted:
                self._announce(f"Port {wanted} is busy; using {port} instead.")
            self.config = self.config.model_copy(update={"port": port})

    def _keep(self) -> None:
        try:
            self._start_children()
            self._await_start()
        except Exception as error:  # noqa: BLE001 - raised again by start(), in the thread of the caller
            self._failure = error
        self._started.set()
        while self._failure is None and not self._stopping.wait(WATCH_SECONDS):
            for child in self._children:
                child.heal()
        for child in reversed(self._children):
            child.stop(impatient=self._impatient.is_set)
        self._children.clear()

    def _start_children(self) -> None:
        environment = environment_of(self.config)
        portal = [sys.executable, "-m", "portal"]
        if not self.config.redis_url:
            self._add(Child("queue", self._start_queue))
        self._migrate([*portal, "migrate"], environment)
        if self._web:
            command = web_command(self.config, f"fd://{self._listener.fileno()}")
            self._add(self._child("web", command, environment))
        self._add(self._child("relay", [*portal, "relay"], environment))
        for number in range(1, self.config.workers + 1):
            # The first TERM asks for a stop after the chunk in hand, the second for one now.
            child = self._child(f"worker-{number}", [*portal, "worker"], environment)
            child.stop_signals = (signal.SIGTERM, signal.SIGTERM)
            self._add(child)

    def _start_queue(self) -> "subprocess.Popen[bytes]":
        with self._output("queue") as output:
            return start_queue_server(self.config, output=output)

    def _add(self, child: Child) -> None:
        self._children.append(child)
        child.begin()

    def _child(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Child:
        keep_open = [self._listener.fileno()] if name == "web" else []

        def start() -> "subprocess.Popen[bytes]":
            with self._output(name) as output:
                return start_guarded(command, environment=environment, output=output, keep_open=keep_open)

        return Child(name, start)

    def _migrate(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        with self._output("migrate") as output:
            process = start_guarded(command, environment=environment, output=output)
        # Plugins whose migrations failed are left out; the portal starts without them.
        if process.wait() not in (0, PLUGINS_FAILED):
            raise StartFailed(
                "migration-failed", f"The database could not be brought up to date.{self._see('migrate')}"
            )

    def _await_start(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self._web and not self._stopping.is_set() and not is_live(self.config.host, self.config.port):
            dead = [
                child.name for child in self._children if child.process and child.process.poll() is not None
            ]
            if dead or time.monotonic() > deadline:
                name = dead[0] if dead else "web"
                raise StartFailed("start-failed", f"The process {name} did not come up.{self._see(name)}")
            time.sleep(0.1)

    @contextmanager
    def _output(self, name: str) -> Iterator[int | None]:
        """Give the descriptor for a child's output, closed here once the child has its own copy."""
        if self._log_dir is None:
            yield None
            return
        self._log_dir.mkdir(parents=True, exist_ok=True)
        with (self._log_dir / f"{name}.log").open("ab") as file:
            yield file.fileno()

    def _see(self, name: str) -> str:
        return f" See {self._log_dir / f'{name}.log'}." if self._log_dir else " See its output above."


def run(config: PortalConfig, *, announce: Callable[[str], object] = print) -> None:
    """Run the portal until Ctrl-C or SIGTERM, then stop it in order."""
    # Ctrl-C may come at any time, also while things are being started; what was started is stopped in order.
    with contextlib.suppress(KeyboardInterrupt), Supervisor(config, announce=announce) as supervisor:
        announce(f"The portal is at {supervisor.url} (Ctrl-C stops it).")
        if not _has_users(supervisor.config):
            command = Path(sys.executable).with_name("portal")
            announce("It has no administrator yet. Type in another terminal:")
            announce(f"  PORTAL_HOME={supervisor.config.home} {command} users create-admin NAME")
        supervisor.wait()


def _has_users(config: PortalConfig) -> bool:
    with create_app(config).app_context():
        return is_anybody_there()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
