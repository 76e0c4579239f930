"""Walks the list of hooks: each is documented, typed, and used by the portal itself."""

import inspect
from pathlib import Path
from types import FunctionType

import pytest

import portal
from portal.hooks import specs

HOOKS = {
    name: spec
    for name, spec in vars(specs).items()
    if isinstance(spec, FunctionType) and hasattr(spec, "portal_spec")
}


def test_the_list_is_not_empty_and_every_name_has_the_prefix() -> None:
    assert len(HOOKS) >= 15
    assert [name for name in HOOKS if not name.startswith("portal_")] == []


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_documented_and_annotated(name: str) -> None:
    spec = HOOKS[name]
    text = inspect.getdoc(spec) or ""
    assert text.split("\n")[0].endswith((".", ":")) or text.split("\n")[0].count(".")
    assert "First user:" in text
    assert "Since:" in text
    signature = inspect.signature(spec)
    assert signature.return_annotation is not inspect.Signature.empty
    for argument in signature.parameters.values():
        assert argument.annotation is not inspect.Parameter.empty
        assert f"{argument.name}:" in text, f"{argument.name} is not explained"


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_called_by_the_portal(name: str) -> None:
    root = Path(portal.__file__).parent
    callers = [
        path
        for path in root.rglob("*.py")
        if path.name != "specs.py" and f'"{name}"' in path.read_text(encoding="utf-8")
    ]
    assert callers, f"nobody calls {name}"
