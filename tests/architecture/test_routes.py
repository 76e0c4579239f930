"""Every route says who may call it; the list of routes that are open to everybody is short and stands here."""

from collections.abc import Callable

from flask import Flask

from portal.access.routes import access_of
from portal.hooks.registry import current_registry
from portal.testing.clients import ApiClient, PortalClient
from portal.testing.people import make_token, make_user
from portal.web.rest.document import openapi_document, operations

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
        "programs_submissions.greeting",
        "programs_submissions.login",
        "programs_submissions.logout",
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


#: Operations that any good token, or anybody signed in, may call.
OPEN_OPERATIONS = frozenset(
    {
        "api_portal.whoami",
        # What older programs call in a learner's name; each answers with what is the learner's own.
        "api_enrollments_classic.list_own_programs",
        "api_enrollments_classic.list_own_runs",
        "api_enrollments_classic.list_readable_programs",
        "api_enrollments_classic.show_overview",
    }
)
#: What stands for an argument of an address; nothing has these keys.
ARGUMENTS = {"uuid": "00000000-0000-0000-0000-000000000000", "integer": "0"}


def every_operation(app: Flask) -> list[tuple[str, str, str]]:
    """Endpoint, method and an address of every operation of the REST interface."""
    document, found = openapi_document(), []
    for path, method, rule, _ in operations(app):  # type: ignore[arg-type]
        address = path
        parameters = document["paths"][path][method]["parameters"]
        for parameter in (item for item in parameters if item["in"] == "path"):
            schema = parameter["schema"]
            value = (schema.get("enum") or [ARGUMENTS.get(schema.get("format") or schema["type"], "x")])[0]
            address = address.replace(f"{{{parameter['name']}}}", value)
        found.append((rule.endpoint, method, address))
    return found


def test_every_route_below_api_is_an_operation_of_the_document(app: Flask) -> None:
    pages = {"api_pages.document", "api_pages.page"}
    routes = {rule.endpoint for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")}

    assert routes - pages == {endpoint for endpoint, _, _ in every_operation(app)}
    for path, method, _, _ in operations(app):  # type: ignore[arg-type]
        assert openapi_document()["paths"][path][method]["operationId"]


def test_operations_without_a_permission_are_on_the_list(app: Flask) -> None:
    bare = {rule.endpoint for _, _, rule, operation in operations(app) if not operation.permission}  # type: ignore[arg-type]

    assert bare == OPEN_OPERATIONS


def test_operations_are_closed_without_a_token_and_without_the_permission(app: Flask) -> None:
    nobody, bare = ApiClient(app), ApiClient(app)
    bare.api_token = make_token(make_user("bare"))
    open_to_bare = set()
    for endpoint, method, address in every_operation(app):
        assert nobody.open(address, method=method.upper()).status_code in (401, 429), address
        if bare.open(address, method=method.upper()).status_code != 403:
            open_to_bare.add(endpoint)

    assert open_to_bare == OPEN_OPERATIONS
