"""The tutorial, command by command, in an environment of its own with the portal installed from its built wheel."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.architecture.trees import ROOT, repository_files

TUTORIAL = ROOT / "docs" / "tutorial" / "first-plugin.md"
#: A fenced block, with the comment above it that says where it goes.
BLOCK = re.compile(r"(?:<!-- (?P<place>[^\n]+) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)
IN_FILE = re.compile(r"in (?P<file>\S+) (?P<how>replace:|after:|at the end) ?(?P<line>.*)")
_STATE = "__state__"


@dataclass
class Environment:
    """A virtual environment that borrows the libraries of this one, and a shell whose settings and folder stay."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    place: Path = Path()

    def make(self) -> None:
        """Make the environment; ``pip`` in it downloads nothing."""
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.folder / "venv"], check=True)
        programs = self.folder / "venv" / "bin"
        libraries = next((self.folder / "venv" / "lib").iterdir()) / "site-packages"
        ours = sysconfig.get_paths()["purelib"]
        (libraries / "borrowed.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
        for program in ("pip", "pytest"):
            script = programs / program
            script.write_text(f'#!/bin/sh\nexec "{programs}/python" -m {program} "$@"\n')
            script.chmod(0o755)
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PORTAL_", "PYTEST_", "PYTHON"))
        }
        if "PORTAL_QUEUE_SERVER" in os.environ:
            kept["PORTAL_QUEUE_SERVER"] = os.environ["PORTAL_QUEUE_SERVER"]
        # "0" is how pip wants to be told that this is switched off.
        quiet = {
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
            "PIP_NO_INDEX": "1",
            "PIP_QUIET": "1",
            "PORTAL_WORKERS": "1",
        }
        self.variables = {**kept, **quiet, "PATH": f"{programs}:{os.environ['PATH']}"}
        self.place = self.folder / "work"
        self.place.mkdir()

    def run(self, commands: str) -> str:
        """Run commands one after the other where the last ones ended; return what they print."""
        script = f"set -e\n{commands}\nprintf '\\n%s\\n' {_STATE}; pwd; printf '%s' \"$PORTAL_HOME\""
        done = subprocess.run(
            ["sh", "-c", script],
            cwd=self.place,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        printed, _, state = done.stdout.rpartition(f"\n{_STATE}\n")
        place, _, home = state.partition("\n")
        self.place = Path(place)
        if home:
            self.variables["PORTAL_HOME"] = home
        return printed.strip()


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return with_the_portal(tmp_path)


def with_the_portal(folder: Path) -> Environment:
    """Return a new environment in which the portal is installed from its wheel."""
    made = Environment(folder)
    made.make()
    source = folder / "source"
    for path in repository_files():
        name = path.relative_to(ROOT)
        if name.parts[0] in ("portal", "plugins", "migrations") or len(name.parts) == 1:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, source / name)
    made.run(f"pip wheel --wheel-dir '{folder}' '{source}' && pip install '{folder}'/campus_portal-*.whl")
    shutil.rmtree(source)
    return made


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
