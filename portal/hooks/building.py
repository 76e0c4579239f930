"""Collects what the plugins declare, checks it, and freezes it; every error names the plugin that is to blame."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from portal.hooks.blaming import blamed_on, clash
from portal.hooks.cards import DashboardCard, check_cards
from portal.hooks.declarations import (
    AdminView,
    Command,
    DocumentDeclaration,
    FirstStep,
    HealthCheck,
    JobKind,
    MigrationSource,
    Permission,
    RestApi,
    Role,
    Schedule,
    SettingsDeclaration,
)
from portal.hooks.manager import Plugins
from portal.hooks.registry import Registry
from portal.kernel.errors import PluginLoadError
from portal.kernel.mapping import broken_tables, connect_models
from portal.kernel.migrations import histories

#: What the answer of each declaring hook consists of.
DECLARED: Mapping[str, type] = {
    "portal_models": type,
    "portal_migrations": MigrationSource,
    "portal_permissions": Permission,
    "portal_roles": Role,
    "portal_job_kinds": JobKind,
    "portal_schedules": Schedule,
    "portal_admin_views": AdminView,
    "portal_rest": RestApi,
    "portal_commands": Command,
    "portal_settings": SettingsDeclaration,
    "portal_documents": DocumentDeclaration,
    "portal_health_checks": HealthCheck,
    "portal_dashboard_cards": DashboardCard,
    "portal_first_steps": FirstStep,
}


def build_registry(plugins: Plugins) -> Registry:
    """Collect and check every declaration.

    Raises:
        PluginClash: when one name is declared twice; the message names both owners.
        PluginLoadError: when a declaration breaks a rule or a plugin fails while it is asked.
    """
    plugins.check()
    permissions = _named(plugins, "portal_permissions", lambda item: item.name, prefixed=True)
    _named(plugins, "portal_documents", lambda item: item.kind.name)
    return Registry(
        plugins=plugins.loaded(),
        problems=tuple(plugins.problems),
        models=_models(plugins),
        migrations=_migrations(plugins),
        permissions=permissions,
        roles=_named(plugins, "portal_roles", lambda item: item.name),
        job_kinds=_named(plugins, "portal_job_kinds", lambda item: item.kind.name, prefixed=True),
        schedules=_named(plugins, "portal_schedules", lambda item: item.name, prefixed=True),
        settings=_settings(plugins),
        health_checks=_named(plugins, "portal_health_checks", lambda item: item.name),
        admin_views=_owned(plugins, "portal_admin_views"),
        commands=_owned(plugins, "portal_commands"),
        rest=_owned(plugins, "portal_rest"),
        documents=_owned(plugins, "portal_documents"),
        first_steps=_owned(plugins, "portal_first_steps"),
        dashboard_cards=_cards(plugins, permissions),
    )


def _owned(plugins: Plugins, hook: str) -> tuple[tuple[str, Any], ...]:
    return tuple(_declarations(plugins, hook))


def _declarations(plugins: Plugins, hook: str) -> Iterator[tuple[str, Any]]:
    wanted = DECLARED[hook]
    for owner, ask in plugins.askable(hook):
        with blamed_on(owner):
            # A generator runs here, not later, where nobody would know whose it is.
            items = list(ask())
            for item in items:
                if not isinstance(item, wanted):
                    raise PluginLoadError(
                        "declaration",
                        f"{hook}() gives {item!r}; each item must be a {wanted.__name__}.",
                    )
        yield from ((owner, item) for item in items)


def _named(plugins: Plugins, hook: str, name_of: Any, *, prefixed: bool = False) -> Mapping[str, Any]:
    owners: dict[str, str] = {}
    result: dict[str, Any] = {}
    for owner, item in _declarations(plugins, hook):
        with blamed_on(owner):
            name = name_of(item)
            if name in result:
                raise clash(f"{hook}: {owners[name]} and {owner} both declare {name!r}.", owners[name], owner)
            if prefixed and not name.startswith(f"{owner}."):
                raise PluginLoadError(
                    "name-prefix", f"{hook}: {name!r} of {owner} must start with '{owner}.'."
                )
        owners[name], result[name] = owner, item
    return MappingProxyType(result)


def _models(plugins: Plugins) -> tuple[type, ...]:
    declared = _owned(plugins, "portal_models")
    for owner, model in declared:
        with blamed_on(owner):
            _check_table(owner, model)
    try:
        connect_models()
    except Exception as error:
        # Every model is connected at once; the error of one would be met by each query of the portal.
        broken = broken_tables()
        owners = [name for name in plugins.modules if any(table.startswith(f"{name}_") for table in broken)]
        if not owners:
            raise
        raise PluginLoadError(
            "model", f"{broken[0]} of {owners[-1]}: {error}", {"plugin": owners[-1]}
        ) from error
    return tuple(model for _, model in declared)


def _check_table(owner: str, model: Any) -> None:
    table = getattr(model, "__table__", None)
    if table is None:
        raise PluginLoadError("model", f"portal_models() of {owner} gives {model!r}, which has no table.")
    if not table.name.startswith(f"{owner}_"):
        raise PluginLoadError("table-prefix", f"Table {table.name} of {owner} must start with '{owner}_'.")
    for key in table.foreign_keys:
        target = key.target_fullname
        if not target.startswith((f"{owner}_", "portal_")):
            raise PluginLoadError("foreign-table", f"{table.name} of {owner} refers to {target}.")


def _migrations(plugins: Plugins) -> Mapping[str, MigrationSource]:
    found: dict[str, MigrationSource] = {}
    for owner, source in _declarations(plugins, "portal_migrations"):
        with blamed_on(owner):
            if owner in found:
                raise PluginLoadError("migrations", f"{owner} declares two histories; it may have one.")
            histories({owner: (source.package, source.folder)})
        found[owner] = source
    return MappingProxyType(found)


def _settings(plugins: Plugins) -> Mapping[str, SettingsDeclaration]:
    settings = _named(plugins, "portal_settings", lambda item: item.model.__name__)
    for owner, declared in _declarations(plugins, "portal_settings"):
        with blamed_on(owner):
            needed = [name for name, field in declared.model.model_fields.items() if field.is_required()]
            if needed:
                raise PluginLoadError(
                    "settings-default",
                    f"{declared.model.__name__} of {owner}: {', '.join(needed)} needs a default, because nobody "
                    "has set it when the portal starts.",
                )
            declared.model()
    return settings


def _cards(plugins: Plugins, permissions: Mapping[str, Permission]) -> Mapping[str, DashboardCard]:
    cards: Mapping[str, DashboardCard] = _named(
        plugins, "portal_dashboard_cards", lambda item: item.name, prefixed=True
    )
    for name, card in cards.items():
        with blamed_on(name.partition(".")[0]):
            check_cards({name: card}, permissions)
    return cards
