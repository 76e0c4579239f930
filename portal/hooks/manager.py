"""Loads plugins in order and calls their hooks."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import partial
from types import MappingProxyType, ModuleType
from typing import Any

import pluggy
from flask import current_app

from portal import __version__
from portal.hooks import specs
from portal.hooks.declarations import CORE, Plugin, PluginProblem
from portal.hooks.discovery import discover, in_order, installed_versions
from portal.kernel.errors import PluginError, PluginLoadError, PluginReactionFailed
from portal.kernel.transaction import on_commit

log = logging.getLogger(__name__)

PLUGINS_KEY = "PORTAL_PLUGINS"


class Plugins:
    """The pluggy manager of one application with its loaded plugins in order: portal, then by REQUIRES and name."""

    def __init__(
        self,
        core: ModuleType,
        blocked: Iterable[str] = (),
        extra: Mapping[str, ModuleType] = MappingProxyType({}),
        left_out: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Load the plugins.

        Args:
            core: The portal's own plugin, always first.
            blocked: Names that are not loaded.
            extra: Plugins given as modules, beside the installed ones (for tests).
            left_out: Installed plugins that an earlier attempt to start found broken, with the reason.
        """
        self.problems = [PluginProblem(name=name, message=why) for name, why in left_out.items()]
        self._manager = pluggy.PluginManager(specs.PROJECT)
        self._manager.add_hookspecs(specs)
        found = {**discover(frozenset(blocked) | left_out.keys(), self.problems), **extra}
        self._versions = {**installed_versions(), CORE: __version__}
        order = in_order(found, self.problems)
        self.modules: dict[str, ModuleType] = {CORE: core, **{name: found[name] for name in order}}
        for name, module in self.modules.items():
            self._register(name, module)

    def _register(self, name: str, module: ModuleType) -> None:
        """Register one plugin after its own hookspecs; a broken one, and whoever requires it, is left out."""
        needs = getattr(module, "REQUIRES", ())
        missing = [needed for needed in needs if not self._manager.has_plugin(needed)]
        if missing:
            message = f"It requires {', '.join(missing)}, which is not loaded."
            self.problems.append(PluginProblem(name=name, message=message))
            return
        try:
            declare = getattr(module, "portal_hookspecs", None)
            for spec in declare() if declare else ():
                self._manager.add_hookspecs(spec)
            self._manager.register(module, name)
        except (Exception, SystemExit) as error:
            # A plugin is somebody else's code: whatever it raises, the portal starts without it.
            log.exception("plugin %s was left out", name)
            if self._manager.has_plugin(name):
                # Some of its hooks may be registered already.
                self._manager.unregister(name=name)
            self.problems.append(PluginProblem(name=name, message=str(error)))

    def check(self) -> None:
        """Refuse hooks that nobody specifies (a misspelt name).

        Raises:
            PluginLoadError: naming the plugin and the hook.
        """
        callers = vars(self._manager.hook)
        known = sorted(name for name, caller in callers.items() if caller.has_spec())
        for name, caller in callers.items():
            if caller.has_spec():
                continue
            for implementation in caller.get_hookimpls():
                if implementation.optionalhook:
                    continue
                owner = implementation.plugin_name
                near = get_close_matches(name, known, n=1)
                meant = f" Did it mean {near[0]}?" if near else ""
                raise PluginLoadError(
                    "unknown-hook",
                    f"The plugin {owner} implements {name}, a hook that no loaded plugin specifies.{meant}",
                    {"plugin": owner},
                )

    def loaded(self) -> tuple[Plugin, ...]:
        """Return the registered plugins in order."""
        return tuple(
            Plugin(
                name=name,
                title=getattr(module, "TITLE", name.capitalize()),
                version=self._versions.get(name, ""),
                module=module.__name__,
                requires=tuple(getattr(module, "REQUIRES", ())),
            )
            for name, module in self.modules.items()
            if self._manager.has_plugin(name)
        )

    def implementing(self, hook: str) -> frozenset[str]:
        """Return the names of the plugins that implement a hook."""
        return frozenset(item.plugin_name for item in getattr(self._manager.hook, hook).get_hookimpls())

    def askable(self, hook: str, **arguments: Any) -> list[tuple[str, Callable[[], Any]]]:
        """Return, in plugin order, who implements ``hook``, each with a callable that asks it."""
        caller = getattr(self._manager.hook, hook)
        implementations = {item.plugin_name: item for item in caller.get_hookimpls()}
        return [
            (name, partial(item.function, **{key: arguments[key] for key in item.argnames}))
            for name in self.modules
            if (item := implementations.get(name)) is not None
        ]

    def by_plugin(self, hook: str, **arguments: Any) -> list[tuple[str, Any]]:
        """Call ``hook`` and return each plugin's own answer with its name, in plugin order."""
        return [(name, ask()) for name, ask in self.askable(hook, **arguments)]

    def tell(self, name: str, hook: str, event: object) -> Any:
        """Call one plugin's implementation of an event hook, if it has one, and return what it answers."""
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            if implementation.plugin_name == name:
                return implementation.function(*([event] if implementation.argnames else []))
        return None


def current_plugins() -> Plugins:
    """Return the plugins of the running application."""
    plugins: Plugins = current_app.extensions[PLUGINS_KEY]
    return plugins


def answers(hook: str, **arguments: Any) -> list[tuple[str, Any]]:
    """Call a hook and return ``(plugin, answer)`` pairs in plugin order."""
    return current_plugins().by_plugin(hook, **arguments)


def is_heard(hook: str) -> bool:
    """Say whether any plugin implements an event hook: an event for nobody need not be put together."""
    return bool(current_plugins().implementing(hook))


def emit_reaction(hook: str, *, event: object) -> list[tuple[str, Any]]:
    """Tell every plugin inside the open transaction; any may veto. Return the answers of those that gave one.

    Raises:
        PluginReactionFailed: naming the plugin and hook; the caller's transaction must roll back.
    """
    return list(_told(hook, event))


def _told(hook: str, event: object) -> Iterator[tuple[str, Any]]:
    plugins = current_plugins()
    for name in plugins.modules:
        try:
            answer = plugins.tell(name, hook, event)
        except PluginError:
            raise
        except Exception as error:
            raise PluginReactionFailed(name, hook, str(error)) from error
        if answer is not None:
            yield name, answer


def first_answer(hook: str, *, event: object) -> tuple[str, Any] | None:
    """Ask the plugins in order inside the open transaction; return the first that answers, and what. None: nobody did.

    Raises:
        PluginReactionFailed: naming the plugin and hook; the caller's transaction must roll back.
    """
    return next(_told(hook, event), None)


def emit_notice(hook: str, *, event: object) -> None:
    """Tell every plugin after the commit; their errors are logged, never raised."""
    plugins = current_plugins()

    def tell() -> None:
        for name in plugins.modules:
            try:
                plugins.tell(name, hook, event)
            except Exception:
                log.exception("plugin %s failed in notice %s", name, hook)

    on_commit(tell)
