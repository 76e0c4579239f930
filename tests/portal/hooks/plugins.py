"""Makes plugins for tests: modules that behave as somebody's installed package would."""

import importlib.metadata
from types import ModuleType
from typing import Any

import pluggy

from portal.hooks.discovery import ENTRY_POINT_GROUP
from portal.hooks.manager import Plugins
from portal.hooks.specs import hookimpl

INSTALLED = tuple(entry.name for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP))


def plugin(name: str, *, requires: tuple[str, ...] = (), **hooks: Any) -> ModuleType:
    """Return a plugin; a hook is given as its answer, or as the function itself."""
    module = ModuleType(f"a_package_of_{name}")
    module.__dict__.update(PORTAL_API="1", NAME=name, TITLE=name.capitalize(), REQUIRES=requires)
    for hook, answer in hooks.items():
        if hook == "portal_hookspecs":
            setattr(module, hook, hookimpl(lambda answer=answer: answer))
        elif callable(answer):
            setattr(module, hook, hookimpl(answer))
        else:
            setattr(module, hook, hookimpl(_answering(answer)))
    return module


def _answering(answer: Any) -> Any:
    def give() -> Any:
        return answer

    return give


def loaded(*modules: ModuleType, core: ModuleType | None = None) -> Plugins:
    """Load these plugins and none of the installed ones."""
    extra = {module.NAME: module for module in modules}
    return Plugins(core or plugin("portal"), INSTALLED, extra)


def event_spec(name: str) -> ModuleType:
    """Return a module that specifies one event hook of a plugin's own."""

    def spec(event: object) -> None:
        """Something happened."""

    spec.__name__ = name
    module = ModuleType(f"specs_of_{name}")
    setattr(module, name, pluggy.HookspecMarker("portal")(spec))
    return module
