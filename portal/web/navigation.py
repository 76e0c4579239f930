"""Puts the declared pages into the panel, category by category, and says which place each has."""

from collections import defaultdict
from typing import Any

from flask import Flask
from flask_admin import Admin

from portal.access.routes import RouteAccess, access_of, declare_endpoint
from portal.hooks.blaming import blamed_on, clash
from portal.hooks.declarations import CORE, AdminView
from portal.hooks.registry import Registry
from portal.kernel.errors import PluginLoadError
from portal.web.model_views import PortalModelView
from portal.web.views import GuardedView, PortalView

PANEL_URL = "/panel"
#: The declared view with this endpoint is the home page of the panel.
HOME_ENDPOINT = "admin"

Declared = tuple[str, AdminView]


def home_view(registry: Registry) -> GuardedView:
    """Return the panel's home page, which a plugin declares with the endpoint ``admin``.

    Raises:
        PluginLoadError: when none or several are declared.
    """
    found = [item for item in registry.admin_views if item[1].endpoint == HOME_ENDPOINT]
    if owners := [owner for owner, _ in found if owner != CORE]:
        raise clash(f"{CORE} and {owners[-1]} both declare the home page.", CORE, owners[-1])
    if len(found) != 1:
        raise PluginLoadError("panel-home", f"Exactly one view must have the endpoint {HOME_ENDPOINT!r}.")
    owner, declared = found[0]
    _check(owner, declared, registry)
    view: GuardedView = _made(owner, declared, url=PANEL_URL, static_folder="static")
    return view


def add_declared_views(app: Flask, admin: Admin, registry: Registry) -> None:
    """Register every declared view but the home page, and declare who may call each of its routes.

    Raises:
        PluginLoadError: for a view of the wrong base, or an undeclared permission.
        PluginClash: when two views have the same endpoint.
    """
    declare_routes(app, admin.index_view)
    taken = {HOME_ENDPOINT: CORE}
    for owner, declared in _in_menu_order(registry):
        with blamed_on(owner):
            _check(owner, declared, registry)
            endpoint = endpoint_of(owner, declared)
            if endpoint in taken:
                earlier = taken[endpoint]
                raise clash(f"{earlier} and {owner} both declare the page {endpoint!r}.", earlier, owner)
            taken[endpoint] = owner
            view = _made(owner, declared, url=_path(owner, endpoint))
            admin.add_view(view)
            declare_routes(app, view)


def declare_routes(app: Flask, view: GuardedView) -> None:
    """Declare access of every route of a view: its own mark, else what the view says."""
    for name in view.route_names():
        endpoint = f"{view.endpoint}.{name}"
        if access_of(app, endpoint) is None:
            declare_endpoint(app, endpoint, view.route_access(name))
    if view.static_folder:
        declare_endpoint(app, f"{view.endpoint}.static", RouteAccess(public=True, during_maintenance=True))


def endpoint_of(owner: str, declared: AdminView) -> str:
    """Return the endpoint of a declared view: as declared, else owner and model or class name."""
    if declared.endpoint:
        return declared.endpoint
    if declared.model is not None:
        return str(declared.model.__table__.name)  # type: ignore[attr-defined]
    return f"{owner}_{declared.view.__name__.lower()}"


def _path(owner: str, endpoint: str) -> str:
    if endpoint.startswith(f"{owner}_"):
        endpoint = endpoint.removeprefix(f"{owner}_")
        place = f"{owner}/{endpoint}" if owner != "portal" else endpoint
    else:
        place = endpoint
    return f"{PANEL_URL}/{place.replace('_', '-')}"


def _in_menu_order(registry: Registry) -> list[Declared]:
    views = [item for item in registry.admin_views if item[1].endpoint != HOME_ENDPOINT]
    first: dict[str, int] = defaultdict(lambda: 10**9)
    for _, declared in views:
        first[declared.category] = min(first[declared.category], declared.order)
    return sorted(
        views, key=lambda item: (first[item[1].category], item[1].category, item[1].order, item[1].name)
    )


def _check(owner: str, declared: AdminView, registry: Registry) -> None:
    name = declared.view.__name__
    if declared.model is None and not issubclass(declared.view, PortalView):
        raise PluginLoadError(
            "admin-view", f"{name} of {owner} must derive from PortalView (or declare its model)."
        )
    if declared.model is not None and not issubclass(declared.view, PortalModelView):
        raise PluginLoadError("admin-view", f"{name} of {owner} must derive from PortalModelView.")
    if not declared.permission:
        _check_marks(owner, declared.view)
    for permission in filter(None, [declared.permission, *_further_permissions(declared.view)]):
        if permission not in registry.permissions:
            raise PluginLoadError(
                "unknown-permission", f"{name} of {owner} needs {permission!r}, which nobody declares."
            )


def _check_marks(owner: str, view: type[GuardedView]) -> None:
    """Allow a view without a permission only when each of its routes says itself who may call it."""
    if bare := view.unmarked_routes():
        raise PluginLoadError(
            "admin-view", f"{view.__name__} of {owner} needs a permission: {', '.join(bare)} declare none."
        )


def _further_permissions(view: type) -> list[str]:
    names = ("permission_create", "permission_edit", "permission_delete", "permission_export")
    return [value for name in names if (value := getattr(view, name, None)) is not None]


def _made(owner: str, declared: AdminView, **options: Any) -> Any:
    options.update(
        name=declared.name or None,
        category=declared.category or None,
        endpoint=endpoint_of(owner, declared),
        menu_icon_type="fa" if declared.icon else None,
        menu_icon_value=declared.icon or None,
    )
    view = (
        declared.view(declared.model, **options) if declared.model is not None else declared.view(**options)
    )
    view.permission = declared.permission
    view.in_menu = declared.visible
    return view
