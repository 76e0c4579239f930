"""The points at which a soak run kills a process: silent in every normal run, deadly when asked."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from portal.kernel import faults

PROGRAM = "from portal.kernel import faults\nfor name in faults.POINTS: faults.point(name)\nprint('alive')"


def run(**environment: str) -> "subprocess.CompletedProcess[bytes]":
    variables = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", PROGRAM], env=variables, capture_output=True, check=False)


def test_nothing_happens_unless_it_is_asked_for() -> None:
    assert run().stdout == b"alive\n"
    assert run(PORTAL_FAULT="claimed:0").stdout == b"alive\n"


@pytest.mark.parametrize(
    ("wanted", "where"), [("synced:1", "synced"), ("before-commit", "before-commit"), ("any:1", "claimed")]
)
def test_the_process_dies_at_the_named_point_and_leaves_its_name(
    wanted: str, where: str, tmp_path: Path
) -> None:
    log = tmp_path / "faults"
    finished = run(PORTAL_FAULT=wanted, PORTAL_FAULT_LOG=str(log))
    assert (finished.returncode, finished.stdout) == (-signal.SIGKILL, b"")
    assert log.read_text() == f"{where}\n"


def test_every_named_point_is_passed_by_the_portals_own_code() -> None:
    root = Path(faults.__file__).parents[1]
    code = "".join(path.read_text(encoding="utf-8") for path in root.rglob("*.py"))
    assert [name for name in faults.POINTS if f'faults.point("{name}")' not in code] == []
