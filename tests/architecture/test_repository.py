"""What must not be in the repository: addresses of package indexes, paths of a machine, unfinished work."""

import re
import tempfile
from pathlib import Path

from tests.architecture.trees import ROOT, texts

INDEX = re.compile(
    r"--(extra-)?index-url|--find-links|--trusted-host|https?://[\w.-]+/(simple|packages)/|file://"
)
MACHINE = re.compile(r"(?<![\w.])/(root|home/\w+|Users/\w+)/")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError")


def test_requirements_hold_no_index_address() -> None:
    files = sorted((ROOT / "requirements").iterdir())
    found = [
        path.name
        for path in files
        if path.suffix == ".txt" and INDEX.search(path.read_text(encoding="utf-8"))
    ]

    assert found == []


def test_requirements_are_pinned_with_hashes() -> None:
    for name in ("base.txt", "dev.txt"):
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        pins = [line for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)]

        assert pins
        assert [line for line in pins if "==" not in line] == []
        assert text.count(" \\\n    --hash=sha256:") >= len(pins)


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    # The folder above the checkout, unless it is one that every machine has.
    place = ROOT if len(ROOT.parts) < 3 or ROOT.parent == Path(tempfile.gettempdir()) else ROOT.parent
    here = re.compile(re.escape(str(place)) + "/")
    found = [
        name for name, text in texts() if name != _this() and (MACHINE.search(text) or here.search(text))
    ]

    assert found == []


def test_nothing_is_left_unfinished() -> None:
    found = [
        name
        for name, text in texts()
        if name.endswith((".py", ".html", ".js")) and name != _this() and "/vendor/" not in name
        if UNFINISHED.search(text)
    ]

    assert found == []


def test_ci_runs_the_command_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="ascii")

    assert "make test" in script


def _this() -> str:
    return Path(__file__).relative_to(ROOT).as_posix()
