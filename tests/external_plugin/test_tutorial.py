"""The tutorial, command by command, in an environment of its own with the portal installed from its built wheel."""

import re
from pathlib import Path

import pytest

from tests.architecture.trees import ROOT
from tests.external_plugin.environment import Environment, with_the_portal

TUTORIAL = ROOT / "docs" / "tutorial" / "first-plugin.md"
#: A fenced block, with the comment above it that says where it goes.
BLOCK = re.compile(r"(?:<!-- (?P<place>[^\n]+) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)
IN_FILE = re.compile(r"in (?P<file>\S+) (?P<how>replace:|after:|at the end) ?(?P<line>.*)")


@pytest.fixture
def environment(tmp_path: Path, wheel: Path) -> Environment:
    return with_the_portal(tmp_path, wheel)


def write(folder: Path, place: str, text: str) -> None:
    """Do with the text what the comment above its block says."""
    if place.startswith("new file "):
        (folder / place.removeprefix("new file ")).write_text(text, encoding="utf-8")
        return
    found = IN_FILE.fullmatch(place)
    assert found, f"not understood: {place}"
    path = folder / found["file"]
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    if found["how"] == "at the end":
        path.write_text("".join([*lines, "\n\n", text]), encoding="utf-8")
        return
    at = [number for number, line in enumerate(lines) if found["line"] in line]
    assert len(at) == 1, f"{place}: {len(at)} lines hold this text"
    kept = [lines[at[0]]] if found["how"] == "after:" else []
    lines[at[0] : at[0] + 1] = [*kept, text]
    path.write_text("".join(lines), encoding="utf-8")


def test_whoever_follows_the_tutorial_sees_what_it_says(environment: Environment) -> None:
    printed = ""
    kinds = []
    for block in BLOCK.finditer(TUTORIAL.read_text(encoding="utf-8")):
        kinds.append(block["kind"])
        if block["kind"] == "sh":
            printed = environment.run(block["text"])
        elif block["kind"] == "output":
            assert block["text"].strip() in printed
        elif block["kind"] == "python":
            assert block["place"], f"where does this go?\n{block['text']}"
            write(environment.place, block["place"], block["text"])

    assert {"sh", "output", "python"} <= set(kinds) <= {"sh", "output", "python", "text"}
    assert environment.run('python -c "import portal; print(portal.__file__)"').startswith(
        str(environment.folder)
    ), "the portal of the wheel was used, not that of the repository"
