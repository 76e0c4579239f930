"""One child: restarted with a growing pause, stopped politely and then not."""

import signal
import subprocess
import sys
import time

from portal.kernel.processes import start_guarded
from portal.supervisor.children import Child

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"


def sleeper() -> "subprocess.Popen[bytes]":
    return start_guarded(["sleep", "60"])


def healed(child: Child, restarts: int) -> bool:
    deadline = time.monotonic() + 10
    while child.restarts < restarts and time.monotonic() < deadline:
        child.heal()
        time.sleep(0.02)
    return child.restarts == restarts


def test_killed_child_is_started_again() -> None:
    child = Child("sleeper", sleeper)
    child.begin()
    assert child.process is not None
    first = child.process.pid
    child.process.kill()
    child.process.wait()

    assert healed(child, 1)
    assert child.process is not None
    assert child.process.pid != first
    child.stop()


def test_pause_grows_while_the_child_keeps_dying() -> None:
    child = Child("short-lived", lambda: start_guarded(["false"]))
    child.begin()
    started = time.monotonic()

    assert healed(child, 3)
    assert time.monotonic() - started > 0.2 + 0.4 + 0.8
    child.stop()


def test_start_that_raises_is_tried_again() -> None:
    attempts = []

    def start() -> "subprocess.Popen[bytes]":
        attempts.append(None)
        if len(attempts) == 2:
            raise OSError("no memory for now")
        return start_guarded(["false"] if len(attempts) == 1 else ["sleep", "60"])

    child = Child("late", start)
    child.begin()

    assert healed(child, 2)
    assert child.process is not None
    assert child.process.poll() is None
    child.stop()


def test_stop_asks_first_and_then_kills() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    child = Child("stubborn", lambda: process, patience_seconds=0.3)
    child.begin()
    child.stop()

    assert process.returncode == -signal.SIGKILL
    process.stdout.close()


def test_stopped_child_is_not_started_again() -> None:
    child = Child("sleeper", sleeper)
    child.begin()
    child.stop()
    child.heal()

    assert child.process is None
    assert child.restarts == 0
