"""The public surface of a module as text: every public name with its kind, signature and members.

A test keeps the text in a file and compares: whoever changes the surface sees it, and says so in the changelog.
"""

import ast
import enum
import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, is_dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from portal.kernel.deprecation import Deprecated

_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_LONGEST = 160
#: What plugins import of the portal.
SDK_MODULES = (
    "portal.sdk",
    "portal.sdk.documents",
    "portal.sdk.jobs",
    "portal.sdk.metrics",
    "portal.sdk.rest",
    "portal.sdk.web",
)
#: What the tests of plugins import of it.
TESTING_MODULES = (
    "portal.testing",
    "portal.testing.fixtures",
    "portal.testing.browsing",
    "portal.testing.surface",
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One public name.

    Args:
        name: Of the thing, or ``Class.member``.
        kind: ``function``, ``context manager``, ``fixture``, ``class``, ``dataclass``, ``exception``, ``field`` …
        text: Signature, bases, annotation with default, or value; as it stands in the source.
        summary: First line of its documentation; may be empty.
        members: Of a class: its public fields and methods, those of bases included that are not public themselves.
    """

    name: str
    kind: str
    text: str
    summary: str = ""
    members: tuple["Entry", ...] = ()

    def lines(self) -> Iterator[str]:
        """Give one line for it and one for each member."""
        yield f"{self.name}: {self.kind} {self.text}".rstrip()
        for member in self.members:
            yield from member.lines()


def surface_of(module_name: str) -> list[Entry]:
    """Return what a module offers, by name: what its ``__all__`` names, or else what it defines without underscore."""
    module = importlib.import_module(module_name)
    stated = getattr(module, "__all__", None)
    names = stated if stated is not None else _defined(module_name)
    own = {id(value) for value in vars(module).values() if isinstance(value, type)}
    scope = _Scope(packages={"portal", module_name.partition(".")[0]}, public=_public_classes() | own)
    found = [_entry(module_name, name, vars(module)[name], scope) for name in names]
    found += [Entry(name=name, kind="name", text=str(old)) for name, old in old_names(module).items()]
    return sorted(found, key=lambda entry: entry.name)


def old_names(module: ModuleType) -> Mapping[str, Deprecated]:
    """Return the deprecated names that a module still gives, with what becomes of them."""
    names: Mapping[str, Deprecated] = getattr(module, "__deprecated__", {})
    return names


def surface_lines(module_name: str) -> list[str]:
    """Return the surface of a module as lines, for a snapshot."""
    return [line for entry in surface_of(module_name) for line in entry.lines()]


def public_modules(package_name: str) -> list[str]:
    """Return the public modules of a plugin: those of ``api`` that have an ``__all__``, and its hookspecs."""
    api = importlib.import_module(f"{package_name}.api")
    inside = [f"{api.__name__}.{item.name}" for item in pkgutil.iter_modules(getattr(api, "__path__", ()))]
    found = [name for name in [api.__name__, *inside] if hasattr(importlib.import_module(name), "__all__")]
    hooks = f"{package_name}.hooks"
    return [*found, hooks] if importlib.util.find_spec(hooks) is not None else found


@dataclass(frozen=True, kw_only=True)
class _Scope:
    """Whose classes are shown in full, and which of them are public themselves (by ``id``)."""

    packages: Collection[str]
    public: Collection[int]

    def holds(self, value: type) -> bool:
        return value.__module__.partition(".")[0] in self.packages


@cache
def _public_classes() -> frozenset[int]:
    modules = [importlib.import_module(name) for name in SDK_MODULES]
    return frozenset(
        id(value)
        for module in modules
        for name in module.__all__
        if isinstance(value := getattr(module, name), type)
    )


def _entry(module_name: str, name: str, value: Any, scope: _Scope) -> Entry:
    if isinstance(value, type):
        return _class(name, value, scope)
    function = inspect.unwrap(value) if callable(value) else value
    if inspect.isfunction(function):
        node = _definition(function.__module__, function.__qualname__)
    else:
        node = _definition(module_name, name)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        shown = _function(name, node)
        old: Deprecated | None = getattr(value, "__deprecated__", None)
        return shown if old is None else replace(shown, text=f"{shown.text}, {old}")
    return _value(module_name, name, value)


def _value(module_name: str, name: str, value: Any) -> Entry:
    if isinstance(value, str | int | float | bytes | tuple | frozenset):
        shown = sorted(value) if isinstance(value, frozenset) else value
        return Entry(name=name, kind="constant", text=_short(f"= {shown!r}"))
    written = _assigned(module_name, name)
    # A union, a Literal, a Callable: a name for a type, best shown as it is written.
    if written is not None and type(value).__module__ in ("typing", "types", "collections.abc"):
        return Entry(name=name, kind="type", text=f"= {_short(written)}")
    return Entry(name=name, kind="object", text=type(value).__name__)


def _function(name: str, node: ast.FunctionDef | ast.AsyncFunctionDef, kind: str = "function") -> Entry:
    marks = {_last(mark) for mark in node.decorator_list}
    for mark, what in _KINDS_BY_MARK.items():
        if mark in marks:
            kind = what
    answer = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    text = f"({ast.unparse(node.args)}){answer}"
    if kind == "property":
        text = answer.removeprefix(" -> ")
    return Entry(name=name, kind=kind, text=text, summary=_summary(node))


_KINDS_BY_MARK = {
    "contextmanager": "context manager",
    "fixture": "fixture",
    "hookspec": "hookspec",
    "property": "property",
    "cached_property": "property",
    "classmethod": "class method",
    "staticmethod": "static method",
}


def _class(name: str, value: type, scope: _Scope) -> Entry:
    node = _definition(value.__module__, value.__qualname__)
    if not isinstance(node, ast.ClassDef) or not scope.holds(value):
        return Entry(name=name, kind="class", text=f"of {value.__module__.partition('.')[0]}")
    bases = f"({', '.join(ast.unparse(base) for base in node.bases)})" if node.bases else ""
    members: dict[str, Entry] = {}
    for owner in value.__mro__:
        # What a public base has stands with that base.
        if scope.holds(owner) and (owner is value or id(owner) not in scope.public):
            inner = _definition(owner.__module__, owner.__qualname__)
            for member in _members(name, inner, enum.Enum in owner.__mro__):
                members.setdefault(member.name, member)
    kind = _class_kind(value)
    return Entry(
        name=name,
        kind=kind,
        text=bases + (_options(node) if kind == "dataclass" else ""),
        summary=_summary(node),
        members=tuple(members.values()),
    )


def _class_kind(value: type) -> str:
    kinds = {BaseException: "exception", enum.Enum: "enum", BaseModel: "model"}
    found = next((kind for base, kind in kinds.items() if issubclass(value, base)), "")
    if found:
        return found
    if "__table__" in vars(value):
        return "table"
    return "dataclass" if is_dataclass(value) else "class"


def _members(name: str, node: ast.AST | None, is_enum: bool) -> Iterator[Entry]:
    for item in node.body if isinstance(node, ast.ClassDef) else ():
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            if not item.target.id.startswith("_"):
                text = _short(f"{ast.unparse(item.annotation)}{_default(item.value)}")
                yield Entry(name=f"{name}.{item.target.id}", kind="field", text=text)
        elif isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            if not item.targets[0].id.startswith("_"):
                kind = "member" if is_enum else "field"
                text = _short(_default(item.value).strip())
                yield Entry(name=f"{name}.{item.targets[0].id}", kind=kind, text=text)
        elif isinstance(item, ast.FunctionDef) and (item.name == "__init__" or item.name[0] != "_"):
            yield _function(f"{name}.{item.name}", item, "method")


#: What makes a column or the field of a form; of it only the default counts.
_MAKERS = frozenset({"Field", "mapped_column", "registry", "relationship"})


def _default(value: ast.expr | None) -> str:
    """Return what a field is when nothing is given; how a column or a form is made from it is no part of the surface."""
    if isinstance(value, ast.Call) and _last(value) in _MAKERS:
        value = value.args[0] if _last(value) == "Field" and value.args else None
    if value is None or (isinstance(value, ast.Constant) and value.value is ...):
        return ""
    return f" = {ast.unparse(value)}"


def _options(node: ast.ClassDef) -> str:
    for mark in node.decorator_list:
        if isinstance(mark, ast.Call) and _last(mark) == "dataclass":
            return " " + ", ".join(ast.unparse(option) for option in mark.keywords)
    return ""


@cache
def _file(module_name: str) -> str:
    module = importlib.import_module(module_name) if module_name != "builtins" else ModuleType("builtins")
    return getattr(module, "__file__", None) or ""


@cache
def _tree(module_name: str) -> ast.Module:
    path = _file(module_name)
    return ast.parse(Path(path).read_text(encoding="utf-8") if path.endswith(".py") else "")


def _definition(module_name: str, qualified: str) -> ast.AST | None:
    """Return the definition of a function or class in its module; None when there is no such text."""
    node: ast.AST | None = _tree(module_name) if module_name and qualified else None
    for part in qualified.split("."):
        node = next(
            (
                item
                for item in getattr(node, "body", ())
                if isinstance(item, _DEFINITIONS) and item.name == part
            ),
            None,
        )
    return node


def _defined(module_name: str) -> list[str]:
    found = [item for item in _tree(module_name).body if isinstance(item, _DEFINITIONS)]
    return [item.name for item in found if not item.name.startswith(("_", "pytest_"))]


def _assigned(module_name: str, name: str) -> str | None:
    """Return the text that a module assigns to a name, followed through its imports."""
    for item in _tree(module_name).body:
        if isinstance(item, ast.Assign) and _last(item.targets[0]) == name:
            return ast.unparse(item.value)
        if isinstance(item, ast.ImportFrom) and item.module:
            for alias in item.names:
                if (alias.asname or alias.name) == name:
                    return _assigned(item.module, alias.name)
    return None


def _last(node: ast.expr) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _summary(node: ast.AST) -> str:
    words = ast.get_docstring(node) if isinstance(node, _DEFINITIONS) else None
    return " ".join((words or "").partition("\n\n")[0].split())


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
