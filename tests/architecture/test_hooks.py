"""Every hook is documented, annotated and has a user. That each is reached: tests/portal/hooks/test_every_hook.py."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from portal.hooks import specs
from tests.architecture.trees import ROOT, sources

HOOKS: dict[str, Callable[..., Any]] = {
    name: function
    for name, function in vars(specs).items()
    if name.startswith("portal_") and inspect.isfunction(function)
}


def test_there_are_hooks() -> None:
    assert len(HOOKS) > 10


@pytest.mark.parametrize("name", HOOKS)
def test_hook_is_documented(name: str) -> None:
    words = inspect.getdoc(HOOKS[name]) or ""

    assert words.splitlines()[0].endswith(".")
    assert "First user: " in words
    assert "Since: " in words
    for argument in inspect.signature(HOOKS[name]).parameters:
        assert f"{argument}:" in words, f"{argument} of {name} is not documented"


@pytest.mark.parametrize("name", HOOKS)
def test_hook_is_annotated(name: str) -> None:
    signature = inspect.signature(HOOKS[name])

    assert signature.return_annotation is not inspect.Signature.empty
    assert all(item.annotation is not inspect.Parameter.empty for item in signature.parameters.values())


@pytest.mark.parametrize("name", HOOKS)
def test_hook_has_a_user(name: str) -> None:
    users = [
        source.path
        for source in sources()
        if f"def {name}(" in source.text and source.path != "portal/hooks/specs.py"
    ]

    assert users, f"{name} has no user: a hook enters with its first one"


@pytest.mark.parametrize("name", HOOKS)
def test_hook_stands_in_the_reference(name: str) -> None:
    assert f"## `{name}`" in (ROOT / "docs" / "reference" / "hooks.md").read_text(encoding="utf-8")
