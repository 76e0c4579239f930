"""Declares who may call a route. A route that declares nothing is refused to everybody (judged in ``portal.web``)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask

V = TypeVar("V", bound=Callable[..., Any])
_ATTRIBUTE = "__portal_access__"
ROUTES_KEY = "PORTAL_ROUTE_ACCESS"


@dataclass(frozen=True, kw_only=True)
class RouteAccess:
    """Who may call: everybody (``public``), whoever is signed in, or holders of ``permission``."""

    public: bool = False
    permission: str | None = None
    #: Lets a caller in who is not signed in, such as by a token; may refuse by raising.
    admits: Callable[[], bool] | None = None
    #: Open while the portal is closed for maintenance.
    during_maintenance: bool = False


def public_route(view: V) -> V:
    """Let everybody call this view."""
    return _mark(view, RouteAccess(public=True))


def signed_in_only(view: V) -> V:
    """Let every signed-in user call this view."""
    return _mark(view, RouteAccess())


def requires(permission: str) -> Callable[[V], V]:
    """Let holders of the permission call this view."""

    def mark(view: V) -> V:
        return _mark(view, RouteAccess(permission=permission))

    return mark


def declare_endpoint(app: Flask, endpoint: str, access: RouteAccess) -> None:
    """Declare access of a route whose view function is a library's."""
    app.extensions.setdefault(ROUTES_KEY, {})[endpoint] = access


def access_of(app: Flask, endpoint: str) -> RouteAccess | None:
    """Return what the route declares, or None when nobody declared it."""
    declared: RouteAccess | None = app.extensions.get(ROUTES_KEY, {}).get(endpoint)
    if declared is not None:
        return declared
    view = app.view_functions.get(endpoint)
    found: RouteAccess | None = getattr(view, _ATTRIBUTE, None)
    return found


def _mark(view: V, access: RouteAccess) -> V:
    setattr(view, _ATTRIBUTE, access)
    return view
