"""What one loaded plugin adds to the portal, collected for its page. Reads only."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import click
from flask import current_app, url_for
from sqlalchemy import func, literal, select, table
from werkzeug.routing import Rule

from portal.access.policy import may
from portal.health.checks import run_checks
from portal.hooks import specs
from portal.hooks.declarations import CORE, AdminView, CheckResult
from portal.hooks.manager import answers, current_plugins
from portal.hooks.registry import Registry, current_registry
from portal.installation import InstalledPlugin, migration_folders
from portal.kernel import migrations
from portal.kernel.actor import current_actor
from portal.kernel.db import db
from portal.web.counting import COUNT_CAP
from portal.web.navigation import HOME_ENDPOINT, endpoint_of

#: Where pluggy keeps what its markers say.
_IMPLEMENTS, _SPECIFIES = f"{specs.PROJECT}_impl", f"{specs.PROJECT}_spec"


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing that a plugin adds: its name in the code, what people call it, and its page if the actor may see it."""

    name: str
    title: str = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class PluginFacts:
    """What a loaded plugin adds.

    Args:
        parts: What it adds, kind by kind in the order of the page; kinds that it has none of are absent.
        checks: Its health checks with what they find now.
        history: Its migrations, oldest first, each with whether it is applied.
    """

    parts: dict[str, list[Item]]
    checks: dict[str, CheckResult]
    history: list[tuple[str, bool]]

    @property
    def missing_count(self) -> int:
        """How many migrations are still to be applied."""
        return sum(not is_applied for _, is_applied in self.history)


def counts_of(name: str) -> dict[str, int]:
    """Return how many things of each kind a loaded plugin adds, for the list. No statement."""
    return {what: len(items) for what, items in _declared(current_registry(), name).items()}


def facts_of(plugin: InstalledPlugin) -> PluginFacts:
    """Return what a loaded plugin adds. Runs its health checks."""
    folder = migration_folders().get(plugin.name)
    mine = answers("portal_health_checks")
    names = {check.name for owner, checks in mine if owner == plugin.name for check in checks}
    parts = {
        **_declared(current_registry(), plugin.name),
        "hooks implemented": _marked(current_plugins().modules[plugin.name], _IMPLEMENTS),
        "hooks offered": _offered(plugin.name),
    }
    return PluginFacts(
        parts={what: items for what, items in parts.items() if items},
        checks=run_checks(names),
        history=migrations.history(plugin.name, folder) if folder is not None else [],
    )


def row_counts(tables: Iterable[str]) -> dict[str, int]:
    """Return table → number of rows, ``COUNT_CAP + 1`` for any larger number. One statement for all tables."""
    names = list(tables)
    if not names:
        return {}
    limited = [
        select(literal(1).label("one")).select_from(table(name)).limit(COUNT_CAP + 1) for name in names
    ]
    counted = [select(func.count()).select_from(rows.subquery()).scalar_subquery() for rows in limited]
    found = db.session.execute(select(*(item.label(name) for name, item in zip(names, counted, strict=True))))
    return dict(zip(names, found.one(), strict=True))


def _declared(registry: Registry, owner: str) -> dict[str, list[Item]]:
    prefix = f"{owner}."
    kinds = [kind for name, kind in registry.job_kinds.items() if name.startswith(prefix)]
    return {
        "pages": [_page(owner, view) for name, view in registry.admin_views if name == owner],
        "job kinds": [Item(name=kind.kind.name, title=kind.kind.title) for kind in kinds],
        "schedules": _named(registry.schedules, prefix, "schedules.index"),
        "REST operations": list(_operations(registry, owner)),
        "commands": list(_commands(registry, owner)),
        "documents": [
            Item(name=item.kind.name, title=item.kind.title)
            for name, item in registry.documents
            if name == owner
        ],
        "settings groups": [
            Item(name=item.model.__name__, title=item.title, url=_url("settings.index"))
            for name, declared in answers("portal_settings")
            if name == owner
            for item in declared
        ],
        "dashboard cards": _named(registry.dashboard_cards, prefix),
        "permissions": _named(registry.permissions, prefix),
    }


def _named(declared: Any, prefix: str, endpoint: str = "") -> list[Item]:
    url = _url(endpoint) if endpoint else ""
    return [
        Item(name=name, title=item.title, url=url)
        for name, item in declared.items()
        if name.startswith(prefix)
    ]


def _page(owner: str, declared: AdminView) -> Item:
    endpoint = endpoint_of(owner, declared)
    route = "index_view" if declared.model is not None else "index"
    shown = declared.visible and endpoint != HOME_ENDPOINT
    return Item(
        name=endpoint, title=declared.name or endpoint, url=_url(f"{endpoint}.{route}") if shown else ""
    )


def _url(endpoint: str) -> str:
    """Return the address of a page of the panel, or nothing when the actor may not see it."""
    view, actor = endpoint.partition(".")[0], current_actor()
    needed: dict[str, str] = {
        endpoint_of(owner, declared): declared.permission
        for owner, declared in current_registry().admin_views
    }
    if endpoint not in current_app.view_functions or not may(actor, needed.get(view, "")):
        return ""
    return url_for(endpoint)


def _operations(registry: Registry, owner: str) -> Iterator[Item]:
    blueprints = {item.blueprint.name for name, item in registry.rest if name == owner}
    rules = [rule for rule in current_app.url_map.iter_rules() if _blueprint(rule) in blueprints]
    for rule in sorted(rules, key=lambda item: (item.rule, item.endpoint)):
        methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        yield Item(name=f"{' '.join(methods)} {rule.rule}")


def _blueprint(rule: Rule) -> str:
    return str(rule.endpoint).rpartition(".")[0]


def _commands(registry: Registry, owner: str) -> Iterator[Item]:
    start = "portal" if owner == CORE else f"portal {owner}"
    for name, declared in registry.commands:
        if name == owner:
            yield from _command_items(start, declared.command)


def _command_items(start: str, command: click.Command) -> Iterator[Item]:
    name = f"{start} {command.name}"
    if isinstance(command, click.Group):
        for _, inner in sorted(command.commands.items()):
            yield from _command_items(name, inner)
    else:
        yield Item(name=name, title=command.get_short_help_str(90))


def _offered(owner: str) -> list[Item]:
    modules = [specs] if owner == CORE else []
    modules += [module for name, found in answers("portal_hookspecs") if name == owner for module in found]
    return [item for module in modules for item in _marked(module, _SPECIFIES)]


def _marked(module: object, mark: str) -> list[Item]:
    return [
        Item(name=name, title=(function.__doc__ or "").partition("\n")[0])
        for name, function in sorted(vars(module).items())
        if callable(function) and getattr(function, mark, None) is not None
    ]
