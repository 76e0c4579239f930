"""Figures that several processes keep together: none is lost, whoever ends how."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.kernel import metrics

CODE = """
import os, sys
from pathlib import Path
from portal.kernel import metrics
from portal.kernel.processes import in_child

things = metrics.counter("portal_test_things_total", "Things.", ("kind",))
seconds = metrics.histogram("portal_test_seconds", "Seconds.")
level = metrics.gauge("portal_test_level", "Level.")
folder = Path(sys.argv[1])
metrics.share(folder, "worker")

def child(number):
    metrics.share_as_child()
    things.labels("a").inc()
    seconds.observe(0.3)
    level.set(number)
    return os.getpid()

if sys.argv[2] == "children":
    for number in range(5):
        in_child(lambda: child(number))
elif sys.argv[2] == "killed":
    things.labels("a").inc(10)
    os.kill(os.getpid(), 9)
if sys.argv[2] == "show":
    print(metrics.exposition().decode())
if sys.argv[2] == "empty":
    metrics.empty(folder)
"""


def process(folder: Path, what: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-c", CODE, str(folder), what],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert answer.returncode == (-9 if what == "killed" else 0), answer.stderr
    return answer.stdout


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in metrics.folder_of(folder).glob("*.db"))


def test_nothing_is_lost_when_children_end_at_once_and_processes_are_killed(tmp_path: Path) -> None:
    process(tmp_path, "children")
    # Five children of one parent wrote into one file of each type.
    assert len(files(tmp_path)) == 3
    process(tmp_path, "killed")
    for _ in range(2):
        shown = process(tmp_path, "show")

    assert 'portal_test_things_total{kind="a"} 15.0' in shown
    assert 'portal_test_seconds_bucket{le="0.5"} 5.0' in shown
    assert "portal_test_seconds_count 5.0" in shown
    assert "portal_test_level 4.0" in shown
    # What ended processes left is one file of each type.
    assert files(tmp_path) == ["counter_past.db", "gauge_mostrecent_past.db", "histogram_past.db"]

    process(tmp_path, "empty")
    assert files(tmp_path) == []


def test_torn_file_does_not_spoil_the_others(tmp_path: Path) -> None:
    process(tmp_path, "killed")
    (metrics.folder_of(tmp_path) / "counter_worker-999999999.db").write_bytes(b"\x01\x02")
    process(tmp_path, "show")
    shown = process(tmp_path, "show")

    assert 'portal_test_things_total{kind="a"} 10.0' in shown


@pytest.mark.parametrize(
    "name", ["things_total", "Portal_x", "plugin", "portal_X", "portal_x-y", "other_portal_x"]
)
def test_name_without_an_owner_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="portal_… or plugin_<plugin>_…"):
        metrics.counter(name, "Things.")


def test_same_declaration_twice_is_the_same_figure() -> None:
    first = metrics.counter("plugin_toy_things_total", "Things.", ("kind",))

    assert metrics.counter("plugin_toy_things_total", "Things.", ("kind",)) is first
    with pytest.raises(ValueError, match="declared twice"):
        metrics.gauge("plugin_toy_things_total", "Things.", ("kind",))


def test_process_that_shares_nothing_keeps_its_own_figures() -> None:
    counter = metrics.counter("plugin_toy_own_total", "Own.")
    counter.inc()
    counter.inc(2)

    assert b"plugin_toy_own_total 3.0" in metrics.exposition()
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ
