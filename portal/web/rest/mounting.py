"""Puts the declared operations into the application, each below its owner's address, and checks what they declare."""

from typing import Any

from apiflask import APIBlueprint
from flask import Flask

from portal.auth.bearer import API_ROOT
from portal.auth.wiring import csrf
from portal.hooks.blaming import blamed_on, clash
from portal.hooks.declarations import CORE, RestApi
from portal.hooks.registry import Registry
from portal.kernel.errors import PluginLoadError
from portal.web.rest.operations import NAME_START, OPERATION, Operation
from portal.web.rest.outside import mount_outside

VERSION = "v1"


def mount(app: Flask, registry: Registry) -> None:
    """Register every declared blueprint.

    Raises:
        PluginLoadError: for an operation that does not say who may call it, an undeclared permission, a wrong name
            or prefix.
        PluginClash: when two plugins want the same address.
    """
    taken: dict[tuple[str, str], str] = {}
    for owner, declared in registry.rest:
        with blamed_on(owner):
            if declared.outside:
                mount_outside(app, owner, declared, taken)
            else:
                _mount_one(app, owner, declared, taken, registry)


def _mount_one(
    app: Flask, owner: str, declared: RestApi, taken: dict[tuple[str, str], str], registry: Registry
) -> None:
    blueprint = _checked(owner, declared)
    app.register_blueprint(blueprint, url_prefix=_place(owner, declared))
    csrf.exempt(blueprint)
    for rule in app.url_map.iter_rules():
        if rule.endpoint.rpartition(".")[0] != blueprint.name:
            continue
        _check_operation(owner, app.view_functions[rule.endpoint], rule, registry)
        for method in sorted(rule.methods or ()):
            other = taken.setdefault((rule.rule, method), owner)
            if other != owner:
                raise clash(f"{other} and {owner} both declare {method} {rule.rule}.", other, owner)


def _checked(owner: str, declared: RestApi) -> APIBlueprint:
    blueprint = declared.blueprint
    if not isinstance(blueprint, APIBlueprint):
        raise PluginLoadError("rest-api", f"A RestApi of {owner} needs a blueprint made by api_blueprint().")
    start = f"{NAME_START}{owner}"
    if blueprint.name != start and not blueprint.name.startswith(f"{start}_"):
        raise PluginLoadError(
            "rest-api", f"api_blueprint() of {owner} must get the plugin's name, {owner!r}."
        )
    return blueprint


def _place(owner: str, declared: RestApi) -> str:
    if not declared.prefix:
        return f"{API_ROOT}{VERSION}" if owner == CORE else f"{API_ROOT}{VERSION}/{owner}"
    prefix = declared.prefix.strip("/")
    first = prefix.partition("/")[0]
    if (
        first == VERSION
        or not prefix
        or not all(part.replace("_", "").isalnum() for part in prefix.split("/"))
    ):
        raise PluginLoadError(
            "rest-api",
            f"The prefix {declared.prefix!r} of {owner} must be plain words and not begin with {VERSION}.",
        )
    return f"{API_ROOT}{prefix}"


def _check_operation(owner: str, view: Any, rule: Any, registry: Registry) -> None:
    operation: Operation | None = getattr(view, OPERATION, None)
    if operation is None:
        raise PluginLoadError(
            "rest-api",
            f"{rule.rule} of {owner} does not say who may call it: put @api_route(…) on {rule.endpoint}.",
        )
    if operation.permission and operation.permission not in registry.permissions:
        raise PluginLoadError(
            "unknown-permission",
            f"{rule.rule} of {owner} needs {operation.permission!r}, which nobody declares.",
        )
    writes = {"POST", "PUT", "PATCH", "DELETE"} & set(rule.methods or ())
    if writes and not operation.is_keyed:
        raise PluginLoadError(
            "rest-api",
            f"{rule.rule} of {owner} takes {', '.join(sorted(writes))}: say @api_route(…, writes=True).",
        )
