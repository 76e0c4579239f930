"""Every route says who may call it; the list of routes that are open to everybody is short and stands here."""

from flask import Flask

from portal.access.routes import access_of
from portal.hooks.registry import current_registry

#: Endpoints that anybody may call without being signed in.
PUBLIC: frozenset[str] = frozenset({"health.live", "health.ready"})


def test_every_route_declares_who_may_call_it(app: Flask) -> None:
    silent = {rule.endpoint for rule in app.url_map.iter_rules() if access_of(app, rule.endpoint) is None}

    assert silent == set()


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
