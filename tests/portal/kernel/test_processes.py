"""Guarded processes end with their parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from portal.kernel.processes import start_guarded

PARENT = """
import sys, time
from portal.kernel.processes import start_guarded
child = start_guarded(["sleep", "60"], user=sys.argv[1] or None)
print(child.pid, flush=True)
time.sleep(60)
"""


def becomes_true(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def is_gone(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii")
    return state.rpartition(")")[2].split()[0] == "Z"


def test_child_is_killed_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, ""], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert not is_gone(child)

    parent.kill()
    parent.wait()
    parent.stdout.close()

    assert becomes_true(lambda: is_gone(child))


def test_guard_is_replaced_by_the_command_and_gives_its_status() -> None:
    child = start_guarded([sys.executable, "-c", "import sys; sys.exit(7)"])

    assert child.wait(10) == 7


def test_command_gets_the_environment_and_the_kept_descriptors() -> None:
    read, write = os.pipe()
    code = "import os; os.write(int(os.environ['FD']), os.environ['WORD'].encode())"
    child = start_guarded(
        [sys.executable, "-c", code], environment={"FD": str(write), "WORD": "hello"}, keep_open=[write]
    )
    os.close(write)
    try:
        assert child.wait(10) == 0
        assert os.read(read, 100) == b"hello"
    finally:
        os.close(read)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a process as somebody else")
def test_child_of_another_user_is_killed_too() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, "nobody"], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert becomes_true(lambda: Path(f"/proc/{child}").stat().st_uid != 0)

    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    assert becomes_true(lambda: is_gone(child))
