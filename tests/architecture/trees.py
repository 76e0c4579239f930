"""The source files of the house, parsed: what the architecture tests look at."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the root, text and tree."""

    path: str
    text: str
    tree: ast.Module

    def walk(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        return (node for node in ast.walk(self.tree) if isinstance(node, kinds))


@cache
def sources() -> tuple[Source, ...]:
    """Every Python file of the portal and the bundled plugins, without generated revisions."""
    found = []
    for folder in ("portal", "plugins"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if "/migrations/versions/" not in name:
                text = path.read_text(encoding="utf-8")
                found.append(Source(name, text, ast.parse(text)))
    return tuple(found)


@cache
def repository_files() -> tuple[Path, ...]:
    """Every file that is or would be committed; without git, every file outside the usual folders of tools."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.decode("utf-8").split("\0") if name]
    else:
        hidden = {".venv", "var", "build", "__pycache__"}
        paths = [path for path in ROOT.rglob("*") if not hidden.intersection(path.relative_to(ROOT).parts)]
    return tuple(path for path in paths if path.is_file())


def texts() -> Iterator[tuple[str, str]]:
    """Path and text of every text file of the repository."""
    for path in repository_files():
        data = path.read_bytes()
        if b"\0" not in data:
            yield path.relative_to(ROOT).as_posix(), data.decode("utf-8", "replace")
