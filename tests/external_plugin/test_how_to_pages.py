"""The plugin that the how-to pages write, block by block: it keeps the rules of the house, and it works."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.documented_code import PACKAGE, documented_plugin
from tests.architecture.trees import ROOT

#: Run in a process of its own: the plugin's tables and hooks would stay with the tests that come after.
TESTS = Path(__file__).with_name("library_tests.py")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin, with its tests, as if it were installed."""
    folder = tmp_path_factory.mktemp("library")
    distribution = f"{PACKAGE}-1.0.dist-info"
    files = {
        **documented_plugin(),
        f"{distribution}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n",
        f"{distribution}/entry_points.txt": f"[portal.plugins]\nlibrary = {PACKAGE}.plugin\n",
        "test_library.py": TESTS.read_text(encoding="utf-8"),
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_what_the_pages_write_is_a_plugin_that_works(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", "."],
        cwd=project,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(project), str(ROOT)))},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
