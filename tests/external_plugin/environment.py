"""A virtual environment of its own with the portal installed from its built wheel, and a shell in it."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.architecture.trees import ROOT, repository_files

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
        ours = sysconfig.get_paths()["purelib"]
        (self.libraries / "borrowed.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
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

    @property
    def libraries(self) -> Path:
        """The folder into which ``pip`` installs."""
        return next((self.folder / "venv" / "lib").iterdir()) / "site-packages"

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


class Portal:
    """The portal in an environment: homes with migrated databases, plugins that come and go, commands.

    Args:
        environment: Where it is installed.
    """

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.folder = environment.folder
        self.variables: dict[str, str] = {}
        self._process: subprocess.Popen[str] | None = None

    @property
    def database_url(self) -> str:
        """Where the records are."""
        return self.variables["PORTAL_DATABASE_URL"]

    @contextmanager
    def running(self) -> Iterator["Portal"]:
        """Keep the process that runs the commands."""
        program = Path(__file__).with_name("forking.py")
        with subprocess.Popen(
            [self.folder / "venv" / "bin" / "python", program],
            cwd=self.environment.place,
            # As for ``python -m``: what lies in the current folder is found too.
            env={**self.environment.variables, "PYTHONPATH": str(self.environment.place)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as self._process:
            yield self

    def status(self, *command: str, **variables: str) -> tuple[int, str]:
        """Run a command of the portal; return its exit status and what it prints."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"command": command, "variables": {**self.variables, **variables}}
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        code, printed = json.loads(self._process.stdout.readline())
        return code, printed

    def run(self, *command: str) -> str:
        """Run a command that must succeed; return what it prints."""
        code, printed = self.status(*command)
        assert code == 0, f"portal {' '.join(command)}\n{printed}"
        return printed.strip()

    def core_pages(self, **variables: str) -> tuple[list[int], dict[str, str]]:
        """Return what the core's pages answer, and plugin → why it is left out."""
        code, printed = self.status("core-pages", **variables)
        assert code == 0, printed
        answers, problems = json.loads(printed.splitlines()[-1])
        return answers, problems

    def move_to(self, home: Path, database_url: str = "") -> None:
        """Make a new home with a migrated database and let all further commands use it."""
        self.variables = {
            "PORTAL_HOME": str(home),
            "PORTAL_DATABASE_URL": database_url or f"sqlite:///{home}/portal.sqlite3",
        }
        self.environment.variables |= self.variables
        self.run("init")
        self.run("migrate")

    def install(self, project: Path) -> None:
        """Install the project of a plugin as it is now, over the version that is there."""
        copy = self.folder / "projects" / project.name
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(project, copy, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
        self.environment.run(f"pip install --force-reinstall '{copy}'")

    def uninstall(self, package: str) -> None:
        """Take a package out of the environment."""
        self.environment.run(f"pip uninstall --yes {package}")


def build_wheel(folder: Path) -> Path:
    """Build the portal's wheel of what the repository holds, in a new folder, and return it."""
    source = folder / "source"
    for path in repository_files():
        name = path.relative_to(ROOT)
        if name.parts[0] in ("portal", "plugins", "migrations") or len(name.parts) == 1:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", folder, source], check=True, capture_output=True)
    shutil.rmtree(source)
    return next(folder.glob("campus_portal-*.whl"))


def with_the_portal(folder: Path, wheel: Path) -> Environment:
    """Return a new environment in which the portal is installed from its wheel."""
    made = Environment(folder)
    made.make()
    made.run(f"pip install '{wheel}'")
    return made
