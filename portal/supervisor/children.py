"""One child process: started, watched, restarted with a growing pause, stopped politely and then not."""

import contextlib
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 30.0
#: After this long without a crash the next pause is short again.
STEADY_SECONDS = 60.0


@dataclass
class Child:
    """A process that should be running.

    Args:
        name: What people call it (``worker-1``).
        start: Starts it once and returns the process.
        stop_signals: What is sent, one after the other, each after ``patience_seconds`` in vain; SIGKILL comes last.
    """

    name: str
    start: Callable[[], "subprocess.Popen[bytes]"]
    stop_signals: Sequence[signal.Signals] = (signal.SIGTERM,)
    patience_seconds: float = 10.0
    process: "subprocess.Popen[bytes] | None" = None
    restarts: int = 0
    _pause: float = field(default=FIRST_PAUSE_SECONDS, repr=False)
    _started: float = field(default=0.0, repr=False)
    _due: float | None = field(default=None, repr=False)

    def begin(self) -> None:
        """Start the process."""
        self._due = None
        self._started = time.monotonic()
        self.process = self.start()

    def heal(self) -> None:
        """Look at the process once: note its death, and start it again when its pause is over."""
        now = time.monotonic()
        if self._due is not None:
            if now >= self._due:
                self.restarts += 1
                self._begin_again()
            return
        if self.process is None or self.process.poll() is None:
            return
        if now - self._started > STEADY_SECONDS:
            self._pause = FIRST_PAUSE_SECONDS
        log.warning(
            "%s ended (%s); starting it again in %.1f s",
            self.name,
            _reason(self.process.returncode),
            self._pause,
        )
        self._wait_before_next()

    def stop(self, *, impatient: Callable[[], bool] = lambda: False) -> None:
        """End the process and wait until it has gone; ``impatient`` cuts the waiting short."""
        self._due = None
        process, self.process = self.process, None
        if process is None:
            return
        for number in self.stop_signals:
            if process.poll() is not None:
                break
            process.send_signal(number)
            _wait(process, self.patience_seconds, impatient)
        if process.poll() is None:
            log.warning("%s does not stop; killing it", self.name)
            with contextlib.suppress(ProcessLookupError):
                # Its session is its own, so this takes its children too.
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _begin_again(self) -> None:
        try:
            self.begin()
        except Exception:
            # Whatever keeps it from starting (no memory, a server not there yet) may pass.
            log.exception("%s could not be started", self.name)
            self._wait_before_next()

    def _wait_before_next(self) -> None:
        self._due = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)


def _wait(process: "subprocess.Popen[bytes]", seconds: float, impatient: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline and not impatient():
        time.sleep(0.05)


def _reason(code: int) -> str:
    if code >= 0:
        return f"status {code}"
    return f"signal {signal.Signals(-code).name}"
