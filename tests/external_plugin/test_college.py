"""A plugin that replaces the slip and gives the student numbers, installed into the portal and taken away again."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.trees import ROOT
from tests.external_plugin.environment import Portal

pytestmark = pytest.mark.xdist_group("installed plugins")

COLLEGE = Path(__file__).parent / "college"
ADMITTING = (Path(__file__).parent / "admitting.py", ROOT / "tests/plugins/admissions/university.py")


def admit(portal: Portal, name: str) -> tuple[dict[str, Any], list[str]]:
    """Make two students in a new portal; return what the program found, and the words of their slips."""
    folder = portal.folder / name
    folder.mkdir()
    for program in ADMITTING:
        shutil.copy(program, folder)
    portal.move_to(folder / "home")
    said = portal.environment.run(f"python '{folder}/admitting.py' '{folder}' 2>/dev/null")
    texts = [
        subprocess.run(["pdftotext", "-raw", path, "-"], check=True, capture_output=True, text=True).stdout
        for path in sorted(folder.glob("*.pdf"))
    ]
    return json.loads(said.splitlines()[-1]), texts


def test_slips_and_numbers_are_the_plugins_until_it_is_removed(installed: Portal) -> None:
    installed.install(COLLEGE)
    with_it, slips = admit(installed, "with-college")

    assert with_it == {
        "done": 2,
        "compiled": True,
        "reason": "",
        "shapes added by the job": 0,
        "numbers": ["COL26-1X", "COL26-2X"],
    }
    for number, text in zip(with_it["numbers"], slips, strict=True):
        assert "Certificate of matriculation" in text
        assert f"Matriculated as {number}" in text
        assert "DESIRED STUDY COURSES" not in text
    assert ["No photo" in text for text in slips] == [False, True]

    installed.uninstall("portal-college")
    without, slips = admit(installed, "without-college")

    assert without["numbers"] == ["K1000000", "K1000001"]
    for number, text in zip(without["numbers"], slips, strict=True):
        assert "DESIRED STUDY COURSES" in text
        assert f"Student number {number}" in text
        assert "matriculation" not in text
