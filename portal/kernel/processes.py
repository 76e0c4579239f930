"""Processes that end with their parent, even when that is killed with ``kill -9``. Standard library only.

Run as a script (``python -I -S processes.py [--user NAME] [--signal NAME] [--parent PID] -- command …``) it becomes the guard of any
command: on Linux by asking the kernel for a signal and replacing itself with the command, elsewhere by staying
beside the command and watching the pipe that only the parent holds open.
"""

import argparse
import contextlib
import ctypes
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn, TypeVar

_PR_SET_PDEATHSIG = 1
_ON_LINUX = sys.platform.startswith("linux")
T = TypeVar("T")

_forking_process = 0


def die_with_parent(number: int = signal.SIGKILL, *, parent: int | None = None) -> None:
    """Make the kernel send this process ``number`` when its parent ends.

    Linux only; does nothing elsewhere. Call it in the child, first thing after the fork: the wish is not inherited.

    Args:
        number: The signal.
        parent: Process id of the parent; when it has ended already, this process gets the signal now.
    """
    if not _ON_LINUX:
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), number)


def will_fork() -> None:
    """Note that this process is going to fork, so that libraries with threads of their own are not started in it."""
    global _forking_process  # noqa: PLW0603 - a fact about the process
    _forking_process = os.getpid()


def forks_later() -> bool:
    """Say whether this very process is going to fork; its children are not."""
    return os.getpid() == _forking_process


def in_child(function: Callable[[], T]) -> T:
    """Run ``function`` in a child made for it and return its result, or raise its error; both must be picklable."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            answer: tuple[bool, object] = (True, function())
        except BaseException as error:  # noqa: BLE001 - the parent raises it
            answer = (False, error)
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(answer, pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        content = pipe.read()
    os.waitpid(child, 0)
    done, result = pickle.loads(content)  # noqa: S301 - written by our own child
    if not done:
        raise result
    found: T = result
    return found


def start_guarded(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
    user: str | None = None,
    output: int | None = None,
    keep_open: Sequence[int] = (),
) -> "subprocess.Popen[bytes]":
    """Start a command in a session of its own that ends when this process does, and return it.

    Args:
        command: Program and arguments.
        environment: Its whole environment; None means this process's.
        death_signal: What it gets when this process ends without stopping it.
        user: Name of the system user to run as; needs root.
        output: File descriptor for its output; None means this process's own.
        keep_open: Descriptors it inherits under the same numbers, such as a listening socket.
    """
    guard = [sys.executable, "-I", "-S", str(Path(__file__).absolute())]
    guard += ["--signal", death_signal.name, "--parent", str(os.getpid())]
    if user:
        guard += ["--user", user]
    return subprocess.Popen(
        [*guard, "--", *command],
        env=environment,
        stdin=subprocess.DEVNULL if _ON_LINUX else subprocess.PIPE,
        stdout=output,
        stderr=output,
        pass_fds=tuple(keep_open),
        start_new_session=True,
    )


def _become(user: str) -> None:
    import pwd

    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def _watch_pipe(child: "subprocess.Popen[bytes]", number: int) -> None:
    """Wait for the end of standard input, which only the parent's death brings, then end the child."""
    while os.read(0, 1):
        continue
    with contextlib.suppress(ProcessLookupError):
        os.kill(child.pid, number)


def _stand_beside(command: Sequence[str], number: int) -> int:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, close_fds=False)

    def pass_on(received: int, frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, received)

    for received in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(received, pass_on)
    threading.Thread(target=_watch_pipe, args=(child, number), daemon=True).start()
    return child.wait()


def main() -> NoReturn:
    """Guard the command of the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--user")
    parser.add_argument("--signal", default="SIGKILL")
    parser.add_argument("--parent", type=int)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    number = signal.Signals[options.signal]
    if options.user:
        # Before the wish below: changing the user forgets it.
        _become(options.user)
    if not _ON_LINUX:
        sys.exit(_stand_beside(command, number))
    die_with_parent(number, parent=options.parent)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
