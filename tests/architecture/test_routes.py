"""Every route says who may call it; the list of routes that are open to everybody is short and stands here."""

from collections.abc import Callable

from flask import Flask

from portal.access.routes import access_of
from portal.hooks.registry import current_registry
from portal.testing.clients import PortalClient

#: Endpoints that anybody may call without being signed in.
PUBLIC = frozenset(
    {
        "admin.static",
        "auth.activate_account",
        "health.live",
        "health.ready",
        "landing.favicon",
        "landing.logo",
        "landing.start",
        "portal_web.static",
        "security.login",
        "security.logout",
    }
)
#: Routes of libraries that the portal does not use; declaring nothing, they are refused to everybody.
CLOSED = frozenset({"security.static", "security.verify"})


def test_every_route_declares_who_may_call_it(app: Flask) -> None:
    silent = {rule.endpoint for rule in app.url_map.iter_rules() if access_of(app, rule.endpoint) is None}

    assert silent == CLOSED


def test_routes_that_declare_nothing_are_refused_even_to_administrators(
    app: Flask, signed_in: Callable[..., PortalClient]
) -> None:
    administrator = signed_in(administrator=True)
    paths = {rule.endpoint: rule.rule for rule in app.url_map.iter_rules() if rule.endpoint in CLOSED}

    for path in paths.values():
        assert administrator.get(path.replace("<path:filename>", "x.css")).status_code == 403


def test_routes_open_to_everybody_are_on_the_list(app: Flask) -> None:
    public = set()
    for rule in app.url_map.iter_rules():
        access = access_of(app, rule.endpoint)
        if access is not None and access.public:
            public.add(rule.endpoint)

    assert public == PUBLIC


def test_every_permission_that_a_route_asks_for_is_declared(app: Flask) -> None:
    asked = {
        access.permission
        for rule in app.url_map.iter_rules()
        if (access := access_of(app, rule.endpoint)) is not None and access.permission
    }

    assert asked - set(current_registry().permissions) == set()
