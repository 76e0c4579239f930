"""Python that the documents show compiles, and names and arguments that it takes from the portal and its plugins exist."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest

from tests.architecture.documented_code import (
    PLUGIN_PAGES,
    Block,
    blocks_of,
    documented_blocks,
    documented_plugin,
)
from tests.architecture.trees import ROOT

#: Generated from the code: signatures without a body.
GENERATED = ROOT / "docs" / "reference"
OURS = ("portal", "plugins")


def shown() -> Iterator[tuple[str, str]]:
    """Give a name and the text of every file and every lone block of Python."""
    yield from ((path, text) for path, text in documented_plugin().items() if path.endswith(".py"))
    for block in documented_blocks("python"):
        if not block.page.is_relative_to(GENERATED) and not belongs_to_the_plugin(block):
            yield block.shown, textwrap.dedent(block.text)


def belongs_to_the_plugin(block: Block) -> bool:
    return block.page.stem in PLUGIN_PAGES and bool(block.place)


CODE = list(shown())


@pytest.mark.parametrize(("name", "text"), CODE, ids=[name for name, _ in CODE])
def test_code_in_documents_fits_the_portal(name: str, text: str) -> None:
    tree = ast.parse(text, name)
    taken = dict(imported(tree))
    wrong = [
        f"line {call.lineno}: {call.func.id} takes no {keyword.arg}"
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in taken
        for keyword in call.keywords
        if keyword.arg is not None and not takes(taken[call.func.id], keyword.arg)
    ]

    assert wrong == []


def imported(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    """Give what the code imports from us: name → object; AttributeError or ImportError when there is no such thing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in OURS:
            if (node.module or "").startswith("plugins.library"):
                continue
            module = import_module(node.module or "")
            yield from ((item.asname or item.name, getattr(module, item.name)) for item in node.names)


def takes(function: Callable[..., Any], argument: str) -> bool:
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:
        return True
    variable = any(item.kind is inspect.Parameter.VAR_KEYWORD for item in parameters.values())
    return variable or argument in parameters


def test_hooks_that_documents_implement_exist() -> None:
    specs = {name for module in HOOKS for name in vars(import_module(module))}
    written = {
        node.name: name
        for name, text in CODE
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(item, ast.Name) and item.id == "hookimpl" for item in node.decorator_list)
    }

    assert len(written) > 10
    assert {hook: name for hook, name in written.items() if hook not in specs} == {}


HOOKS = (
    "portal.hooks.specs",
    "plugins.admissions.hooks",
    "plugins.enrollments.hooks",
    "plugins.submissions.hooks",
)


def test_every_page_that_builds_the_plugin_adds_to_it() -> None:
    silent = [
        name
        for name in PLUGIN_PAGES
        if not any(block.place for block in blocks_of(ROOT / "docs" / "how-to" / f"{name}.md"))
    ]

    assert silent == []
