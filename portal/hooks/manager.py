"""Loads plugins in order, collects and checks what they declare, and calls their hooks."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType, ModuleType
from typing import Any

import pluggy
from flask import current_app

from portal import __version__
from portal.hooks import specs
from portal.hooks.cards import check_cards
from portal.hooks.declarations import Plugin, PluginProblem
from portal.hooks.discovery import discover, in_order, installed_versions
from portal.hooks.registry import Registry
from portal.kernel.errors import PluginClash, PluginError, PluginLoadError, PluginReactionFailed
from portal.kernel.transaction import on_commit

log = logging.getLogger(__name__)

PLUGINS_KEY = "PORTAL_PLUGINS"
CORE = "portal"


class Plugins:
    """The pluggy manager of one application with its loaded plugins in order: portal, then by REQUIRES and name."""

    def __init__(
        self,
        core: ModuleType,
        blocked: Iterable[str] = (),
        extra: Mapping[str, ModuleType] = MappingProxyType({}),
    ) -> None:
        """Load the plugins.

        Args:
            core: The portal's own plugin, always first.
            blocked: Names that are not loaded.
            extra: Plugins given as modules, beside the installed ones (for tests).
        """
        self.problems: list[PluginProblem] = []
        self._manager = pluggy.PluginManager(specs.PROJECT)
        self._manager.add_hookspecs(specs)
        found = {**discover(frozenset(blocked), self.problems), **extra}
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
        except Exception as error:
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
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise PluginLoadError("unknown-hook", str(error)) from error

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

    def by_plugin(self, hook: str, **arguments: Any) -> list[tuple[str, Any]]:
        """Call ``hook`` and return each plugin's own answer with its name, in plugin order."""
        caller = getattr(self._manager.hook, hook)
        implementations = {item.plugin_name: item for item in caller.get_hookimpls()}
        answers = []
        for name in self.modules:
            if name in implementations:
                implementation = implementations[name]
                wanted = {key: arguments[key] for key in implementation.argnames}
                answers.append((name, implementation.function(**wanted)))
        return answers

    def tell(self, name: str, hook: str, event: object) -> Any:
        """Call one plugin's implementation of an event hook, if it has one, and return what it answers."""
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            if implementation.plugin_name == name:
                return implementation.function(*([event] if implementation.argnames else []))
        return None


def build_registry(plugins: Plugins) -> Registry:
    """Collect and check every declaration.

    Raises:
        PluginClash: when one name is declared twice; the message names both owners.
        PluginLoadError: when a name lacks its owner's prefix, or a dashboard card could not be shown.
    """
    plugins.check()
    models = tuple(model for _, answer in plugins.by_plugin("portal_models") for model in answer)
    _check_tables(plugins)
    permissions = _named(plugins, "portal_permissions", lambda item: item.name, prefixed=True)
    cards = _named(plugins, "portal_dashboard_cards", lambda item: item.name, prefixed=True)
    check_cards(cards, permissions)
    migrations = {owner: answer[0] for owner, answer in plugins.by_plugin("portal_migrations") if answer}
    return Registry(
        plugins=plugins.loaded(),
        problems=tuple(plugins.problems),
        models=models,
        migrations=MappingProxyType(migrations),
        permissions=permissions,
        roles=_named(plugins, "portal_roles", lambda item: item.name),
        job_kinds=_named(plugins, "portal_job_kinds", lambda item: item.kind.name, prefixed=True),
        schedules=_named(plugins, "portal_schedules", lambda item: item.name, prefixed=True),
        settings=_named(plugins, "portal_settings", lambda item: item.model.__name__),
        health_checks=_named(plugins, "portal_health_checks", lambda item: item.name),
        admin_views=_owned(plugins, "portal_admin_views"),
        commands=_owned(plugins, "portal_commands"),
        rest=_owned(plugins, "portal_rest"),
        documents=_owned(plugins, "portal_documents"),
        first_steps=_owned(plugins, "portal_first_steps"),
        dashboard_cards=cards,
    )


def _owned(plugins: Plugins, hook: str) -> tuple[tuple[str, Any], ...]:
    return tuple((owner, item) for owner, answer in plugins.by_plugin(hook) for item in answer)


def _named(plugins: Plugins, hook: str, name_of: Any, *, prefixed: bool = False) -> Mapping[str, Any]:
    owners: dict[str, str] = {}
    result: dict[str, Any] = {}
    for owner, item in _owned(plugins, hook):
        name = name_of(item)
        if name in result:
            raise PluginClash("plugin-clash", f"{hook}: {owners[name]} and {owner} both declare {name!r}.")
        if prefixed and not name.startswith(f"{owner}."):
            raise PluginLoadError("name-prefix", f"{hook}: {name!r} of {owner} must start with '{owner}.'.")
        owners[name], result[name] = owner, item
    return MappingProxyType(result)


def _check_tables(plugins: Plugins) -> None:
    for owner, answer in plugins.by_plugin("portal_models"):
        for model in answer:
            table = model.__table__
            if not table.name.startswith(f"{owner}_"):
                raise PluginLoadError(
                    "table-prefix", f"Table {table.name} of {owner} must start with '{owner}_'."
                )
            for key in table.foreign_keys:
                target = key.target_fullname
                if not target.startswith((f"{owner}_", "portal_")):
                    raise PluginLoadError("foreign-table", f"{table.name} of {owner} refers to {target}.")


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
