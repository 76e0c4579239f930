"""Rule: the portal loads the plugin, and each of its routes and actions needs a permission that is declared."""

import inspect
from collections.abc import Collection, Iterator
from pathlib import Path
from types import ModuleType

from flask import Flask
from werkzeug.routing import Rule

from portal.access.routes import access_of
from portal.config import PortalConfig
from portal.hooks.registry import REGISTRY_KEY, Registry
from portal.testing.conformance.findings import Findings
from portal.testing.conformance.source import installed_packages
from portal.web.actions import action_permission
from portal.web.navigation import endpoint_of


def check_routes(
    name: str, module: ModuleType, home: Path, open_routes: Collection[str], findings: Findings
) -> None:
    """Start a portal with the plugin and look at every page, action and operation that it brings.

    Args:
        name: The plugin's.
        module: Its ``plugin.py``.
        home: New home folder of that portal.
        open_routes: Endpoints that need no permission, on purpose.
        findings: Takes what is found.
    """
    from portal.app import create_app

    config = PortalConfig.load(home=home, workers=1)
    config.make_home()
    extra = {} if name in installed_packages() else {name: module}
    app: Flask | None = None
    with findings.noting("start", "the portal does not start with it", "Mend that; then check again."):
        app = create_app(config, extra_plugins=extra)
    if app is None:
        return
    registry: Registry = app.extensions[REGISTRY_KEY]
    for problem in registry.problems:
        if problem.name == name:
            findings.add(
                "start", f"the portal leaves it out: {problem.message}", "Mend that; then check again."
            )
    _check_rules(app, name, registry, open_routes, findings)
    _check_actions(name, registry, findings)


def _check_rules(
    app: Flask, name: str, registry: Registry, open_routes: Collection[str], findings: Findings
) -> None:
    is_open = set()
    for rule in _rules_of(app, name, registry):
        where = f"route {rule.endpoint} ({rule.rule})"
        access = access_of(app, rule.endpoint)
        if access is None:
            findings.add(
                where, "it declares nobody who may call it.", 'Put @requires("…") or @api_route(…) on it.'
            )
        elif access.permission is None:
            is_open.add(rule.endpoint)
            if rule.endpoint not in open_routes:
                who = "everybody" if access.public else "whoever is signed in"
                findings.add(
                    where,
                    f"it is open to {who}.",
                    "Ask for a permission, or name it in open_routes, so that everyone sees it is meant.",
                )
        elif access.permission not in registry.permissions:
            findings.add(
                where,
                f"it needs the permission {access.permission!r}, which nobody declares.",
                "Declare it in portal_permissions.",
            )
    for endpoint in sorted(set(open_routes) - is_open):
        findings.add(
            f"route {endpoint}",
            "open_routes names it, but it is not there or needs a permission.",
            "Take it off the list.",
        )


def _rules_of(app: Flask, name: str, registry: Registry) -> Iterator[Rule]:
    places = {endpoint_of(owner, view) for owner, view in registry.admin_views if owner == name}
    places |= {declared.blueprint.name for owner, declared in registry.rest if owner == name}
    for rule in app.url_map.iter_rules():
        holder, _, view = rule.endpoint.rpartition(".")
        if holder in places and view != "static":
            yield rule


def _check_actions(name: str, registry: Registry, findings: Findings) -> None:
    for owner, declared in registry.admin_views:
        if owner != name:
            continue
        for function_name, function in inspect.getmembers(declared.view, inspect.isfunction):
            if not hasattr(function, "_action") or function.__module__.startswith(
                ("flask_admin.", "portal.web.")
            ):
                continue
            where = f"action {declared.view.__name__}.{function_name}"
            permission = action_permission(function)
            if permission is None:
                findings.add(where, "it declares no permission, so nobody may use it.", "Use @portal_action.")
            elif permission not in registry.permissions:
                findings.add(
                    where,
                    f"it needs the permission {permission!r}, which nobody declares.",
                    "Declare it in portal_permissions.",
                )
