"""Walks the list of hookspecs: each one can be implemented by a plugin and is reached by name."""

import inspect
from types import ModuleType
from typing import Any

import pytest

from portal.hooks import specs
from portal.hooks.manager import Plugins
from portal.hooks.specs import hookimpl, hookspec
from portal.kernel.errors import PluginLoadError

HOOKS = {
    name: inspect.signature(function)
    for name, function in vars(specs).items()
    if name.startswith("portal_") and inspect.isfunction(function)
}
#: Called before the others, while the plugin is registered; it has a test of its own.
CALLED_LATER = sorted(set(HOOKS) - {"portal_hookspecs"})


def core_with(name: str, arguments: list[str], answer: object = None) -> ModuleType:
    """A core module that implements one hook, taking these arguments, and answers with them and ``answer``."""
    module = ModuleType("toy_core")
    source = f"def {name}({', '.join(arguments)}):\n    return answer, ({''.join(f'{item}, ' for item in arguments)})"
    scope: dict[str, Any] = {"answer": answer}
    exec(source, scope)
    setattr(module, name, hookimpl(scope[name]))
    return module


@pytest.fixture(autouse=True)
def no_installed_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [])


@pytest.mark.parametrize("name", CALLED_LATER)
def test_hook_reaches_a_plugin_with_its_arguments(name: str) -> None:
    arguments = list(HOOKS[name].parameters)
    plugins = Plugins(core_with(name, arguments, "answer"))
    plugins.check()

    answers = plugins.by_plugin(name, **{item: f"the {item}" for item in arguments})

    assert plugins.problems == []
    assert answers == [("portal", ("answer", tuple(f"the {item}" for item in arguments)))]


@pytest.mark.parametrize("name", CALLED_LATER)
def test_argument_that_the_spec_does_not_have_is_named(name: str) -> None:
    plugins = Plugins(core_with(name, ["misspelt"]))

    assert len(plugins.problems) == 1
    assert "misspelt" in plugins.problems[0].message


def test_hook_that_nobody_specifies_stops_the_start() -> None:
    with pytest.raises(PluginLoadError, match="portal_modells"):
        Plugins(core_with("portal_modells", [])).check()


def test_portal_hookspecs_gives_a_plugin_hooks_of_its_own() -> None:
    def toy_things_happened(event: object) -> None:
        """Notice: things happened."""

    own_specs = ModuleType("toy_hooks")
    own_specs.toy_things_happened = hookspec(toy_things_happened)  # type: ignore[attr-defined]
    core = core_with("toy_things_happened", ["event"])
    core.portal_hookspecs = hookimpl(lambda: [own_specs])  # type: ignore[attr-defined]

    plugins = Plugins(core)
    plugins.check()

    assert plugins.by_plugin("toy_things_happened", event=7) == [("portal", (None, (7,)))]
