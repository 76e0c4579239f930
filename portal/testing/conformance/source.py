"""A plugin's package as files: found and parsed without running any of it."""

import ast
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import ModuleSpec
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from portal.hooks.discovery import ENTRY_POINT_GROUP

#: Business code: what may be imported without panel, queue or renderer.
BUSINESS = frozenset({"api", "models", "permissions", "errors", "hooks"})


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One Python file.

    Args:
        path: Where it lies.
        shown: The path as messages name it.
        module: Its dotted name.
        tree: What is in it.
        is_package: It is the ``__init__`` of a package.
        is_test: It belongs to the tests.
    """

    path: Path
    shown: str
    module: str
    tree: ast.Module
    is_package: bool = False
    is_test: bool = False


class PluginSource:
    """The package of a plugin, and its tests if they are to be looked at.

    Raises:
        LookupError: there is no such package.
    """

    def __init__(self, package: str, tests: Path | None = None) -> None:
        found = found_module(package)
        if found is None or not found.submodule_search_locations:
            raise LookupError(
                f"There is no package {package!r}. Give its full name, such as 'plugins.admissions'."
            )
        self.package = package
        self.folder = Path(next(iter(found.submodule_search_locations)))
        self.tests = tests
        self.module_name = f"{package}.plugin"

    @cached_property
    def files(self) -> tuple[SourceFile, ...]:
        """Every Python file of the package but revisions, then those of the tests."""
        own = tuple(
            self._read(path, self.folder, self.package, is_test=False)
            for path in sorted(self.folder.rglob("*.py"))
            if "versions" not in path.relative_to(self.folder).parts
        )
        tests = self.tests
        if tests is None:
            return own
        return own + tuple(
            self._read(path, tests, tests.name, is_test=True) for path in sorted(tests.rglob("*.py"))
        )

    def room_of(self, file: SourceFile) -> str:
        """Return the part of the package that a file belongs to: ``api``, ``models``, ``admin`` …"""
        return "" if file.is_test else file.module.removeprefix(f"{self.package}.").partition(".")[0]

    def stated(self, name: str) -> Any:
        """Return what ``plugin.py`` assigns to a name, if that is plain data; else None."""
        for file in self.files:
            if file.module == self.module_name:
                return literal(file.tree, name)
        return None

    def _read(self, path: Path, root: Path, package: str, *, is_test: bool) -> SourceFile:
        parts = path.relative_to(root).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        return SourceFile(
            path=path,
            shown=f"{root.name}/{path.relative_to(root).as_posix()}",
            module=".".join((package, *(parts[:-1] if is_package else parts))),
            tree=ast.parse(path.read_text(encoding="utf-8"), str(path)),
            is_package=is_package,
            is_test=is_test or "tests" in parts,
        )


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What one line imports: a module, and the names from it (none for ``import module``)."""

    module: str
    names: tuple[str, ...]
    line: int


def imports_of(file: SourceFile) -> Iterator[Imported]:
    """Give what a file imports, wherever in it; relative imports by their full name."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Imported(module=alias.name, names=(), line=node.lineno)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(file, node)
            yield Imported(module=module, names=tuple(alias.name for alias in node.names), line=node.lineno)
        elif isinstance(node, ast.Call) and _imports_by_name(node):
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield Imported(module=name.value, names=(), line=node.lineno)


def found_module(name: str) -> ModuleSpec | None:
    """Return where a module lies; None when there is none, nor perhaps its parent."""
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None


def literal(tree: ast.Module, name: str) -> Any:
    """Return the plain data that a module assigns to a name; None when it assigns none."""
    for node in tree.body:
        target: ast.expr | None = None
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
        elif isinstance(node, ast.AnnAssign):
            target = node.target
        if (
            isinstance(target, ast.Name)
            and target.id == name
            and isinstance(node, ast.Assign | ast.AnnAssign)
        ):
            try:
                return ast.literal_eval(node.value) if node.value is not None else None
            except ValueError:
                return None
    return None


def public_names(module: str) -> frozenset[str] | None:
    """Return the ``__all__`` of a module, read from its file; None when it has none, or there is no such module."""
    found = found_module(module)
    if found is None or found.origin is None:
        return None
    stated = literal(ast.parse(Path(found.origin).read_text(encoding="utf-8")), "__all__")
    return frozenset(stated) if stated is not None else None


def installed_packages() -> dict[str, str]:
    """Return plugin → package of every installed plugin."""
    return {
        entry.name: entry.value.partition(":")[0].rpartition(".")[0]
        for entry in entry_points(group=ENTRY_POINT_GROUP)
    }


def _absolute(file: SourceFile, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = file.module.split(".")
    kept = parts[: len(parts) - node.level + (1 if file.is_package else 0)]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _imports_by_name(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in ("import_module", "__import__") and bool(call.args)
