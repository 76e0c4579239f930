"""Builds the web side of the application: headers, gate, error pages, templates, panel."""

from datetime import timedelta

from apiflask import APIFlask
from flask import Blueprint, Flask
from flask_admin import Admin
from flask_admin.theme import Bootstrap4Theme
from werkzeug.middleware.proxy_fix import ProxyFix

from portal.access.routes import RouteAccess, declare_endpoint
from portal.config import CONFIG_KEY, PortalConfig
from portal.hooks.registry import REGISTRY_KEY, Registry
from portal.web.errors import init_errors
from portal.web.gate import init_gate
from portal.web.headers import init_headers, nonce
from portal.web.landing import init_landing
from portal.web.navigation import PANEL_URL, add_declared_views, home_view
from portal.web.pages import STATIC, STATIC_ENDPOINT, init_pages
from portal.web.rest.document import init_document
from portal.web.rest.mounting import mount
from portal.web.rest.pages import init_api_pages
from portal.web.rest.reading import init_reading, judge_content

_STATIC_DAYS = 7


def init_web(app: APIFlask) -> None:
    """Wire the web room into the application; the last step of the start sequence.

    Raises:
        PluginLoadError: for a declared view that breaks a rule, naming its owner.
    """
    config: PortalConfig = app.config[CONFIG_KEY]
    registry: Registry = app.extensions[REGISTRY_KEY]
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = timedelta(days=_STATIC_DAYS)
    app.config["FLASK_ADMIN_RAISE_ON_VIEW_EXCEPTION"] = True
    if config.trusted_proxies:
        count = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, count, count, count, count)  # type: ignore[method-assign]
    init_headers(app, config)
    init_errors(app)
    init_reading(app)
    init_gate(app)
    app.before_request(judge_content)
    init_pages(app)
    _add_static(app)
    init_landing(app)
    _add_panel(app, registry)
    mount(app, registry)
    init_api_pages(app)
    init_document(app)


def _add_static(app: Flask) -> None:
    blueprint = Blueprint("portal_web", __name__, static_folder=str(STATIC), static_url_path="/static/portal")
    app.register_blueprint(blueprint)
    declare_endpoint(app, STATIC_ENDPOINT, RouteAccess(public=True, during_maintenance=True))


def _add_panel(app: Flask, registry: Registry) -> None:
    theme = Bootstrap4Theme(base_template="portal/base.html", fluid=True)
    admin = Admin(
        app,
        name="Campus Portal",
        index_view=home_view(registry),
        url=PANEL_URL,
        theme=theme,
        csp_nonce_generator=nonce,
    )
    add_declared_views(app, admin, registry)
