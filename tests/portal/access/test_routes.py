"""What a route declares about who may call it."""

from flask import Flask

from portal.access.routes import (
    RouteAccess,
    access_of,
    declare_endpoint,
    public_route,
    requires,
    signed_in_only,
)


def test_a_route_is_what_its_view_or_the_declaration_for_its_endpoint_says() -> None:
    app = Flask("routes")

    @app.get("/open")
    @public_route
    def open_page() -> str:
        return ""

    @app.get("/inside")
    @signed_in_only
    def inside() -> str:
        return ""

    @app.get("/books")
    @requires("library.books.view")
    def books() -> str:
        return ""

    @app.get("/silent")
    def silent() -> str:
        return ""

    declare_endpoint(app, "library.login", RouteAccess(public=True, during_maintenance=True))

    assert access_of(app, "open_page") == RouteAccess(public=True)
    assert access_of(app, "inside") == RouteAccess()
    assert access_of(app, "books") == RouteAccess(permission="library.books.view")
    assert access_of(app, "silent") is None
    assert access_of(app, "library.login") == RouteAccess(public=True, during_maintenance=True)
