"""Which plugins are installed, what became of each at the start, and what is to be done about it. Reads only."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import inspect

from portal.config import current_config
from portal.hooks.blocking import blocked_plugins, disabled_plugins
from portal.hooks.declarations import Plugin, PluginProblem
from portal.hooks.discovery import API_VERSION, installed_versions
from portal.hooks.registry import current_registry
from portal.kernel import migrations
from portal.kernel.db import db
from portal.kernel.errors import NotFound


class PluginState(StrEnum):
    """What became of an installed plugin when this process started."""

    LOADED = "loaded"
    DISABLED = "disabled"
    BLOCKED = "blocked by PORTAL_BLOCKED_PLUGINS"
    LEFT_OUT = "left out"


@dataclass(frozen=True, kw_only=True)
class InstalledPlugin:
    """One plugin.

    Args:
        api_version: Of the portal's API that it was loaded for; empty when it is not loaded.
        reason: Why it is not loaded; empty when it is.
        remedy: What mends that, as a sentence; empty when nothing is to be done.
        tables: Names of its tables in the database, without the one of its migrations.
        required_by: Loaded plugins that need it.
    """

    name: str
    title: str
    version: str
    api_version: str
    state: PluginState
    tables: tuple[str, ...]
    reason: str = ""
    remedy: str = ""
    module: str = ""
    requires: tuple[str, ...] = ()
    required_by: tuple[str, ...] = ()

    @property
    def is_loaded(self) -> bool:
        """Whether it takes part."""
        return self.state is PluginState.LOADED


def installed_plugins() -> list[InstalledPlugin]:
    """Return the portal's own plugin, then every installed one by name. As many statements for many as for few."""
    registry = current_registry()
    loaded = {plugin.name: plugin for plugin in registry.plugins}
    versions, problems = installed_versions(), {item.name: item for item in registry.problems}
    others = sorted({*versions, *loaded, *problems} - {migrations.CORE})
    existing = inspect(db.engine).get_table_names()
    return [
        _described(name, loaded.get(name), versions.get(name, ""), problems.get(name), existing)
        for name in (migrations.CORE, *others)
    ]


def installed_plugin(name: str) -> InstalledPlugin:
    """Return one plugin.

    Raises:
        NotFound: ``plugin-unknown``.
    """
    for plugin in installed_plugins():
        if plugin.name == name:
            return plugin
    raise NotFound("plugin-unknown", f"No installed plugin is called {name!r}. See: portal plugins list")


def _described(
    name: str, plugin: Plugin | None, version: str, problem: PluginProblem | None, existing: Iterable[str]
) -> InstalledPlugin:
    state = _state(name, plugin, problem)
    reason, remedy = _explained(name, state, problem)
    return InstalledPlugin(
        name=name,
        title=plugin.title if plugin else name.capitalize(),
        version=plugin.version if plugin else version,
        api_version=API_VERSION if plugin else "",
        state=state,
        tables=tuple(
            sorted(
                table
                for table in existing
                if table.startswith(f"{name}_") and not table.endswith("_alembic_version")
            )
        ),
        reason=reason,
        remedy=remedy,
        module=plugin.module if plugin else "",
        requires=plugin.requires if plugin else (),
        required_by=tuple(other.name for other in current_registry().plugins if name in other.requires),
    )


def _state(name: str, plugin: Plugin | None, problem: PluginProblem | None) -> PluginState:
    if problem is not None:
        return PluginState.LEFT_OUT
    if plugin is not None:
        return PluginState.LOADED
    config = current_config()
    if name in disabled_plugins(config.home):
        return PluginState.DISABLED
    if name in blocked_plugins(config.home, config.blocked_plugins):
        return PluginState.BLOCKED
    return PluginState.LEFT_OUT


def _explained(name: str, state: PluginState, problem: PluginProblem | None) -> tuple[str, str]:
    """Return why a plugin is not loaded, and what to do."""
    if state is PluginState.LOADED:
        return "", ""
    if state is PluginState.DISABLED:
        why = "It was left out by portal plugins disable or remove; its tables stay."
        return why, f"To load it again: portal plugins enable {name}, then restart the portal."
    if state is PluginState.BLOCKED:
        why = "PORTAL_BLOCKED_PLUGINS names it; its tables stay."
        return why, "To load it again take it off there, then restart the portal."
    if problem is not None:
        return problem.message, problem.remedy
    return "It was installed after this process started.", "Run portal migrate, then restart the portal."
