"""Protocols older than the portal, beside ``/api/``: their programs sign in with name and password and keep a cookie.

They know no form tokens. So that no page of another site can call in a person's name, a call that a browser sends from
elsewhere is refused.
"""

from collections.abc import MutableMapping
from urllib.parse import urlsplit

from flask import Blueprint, Flask, request

from portal.access.routes import access_of
from portal.auth.throttle import current_throttle
from portal.auth.wiring import csrf
from portal.hooks.declarations import RestApi
from portal.kernel.errors import Forbidden, PluginClash, PluginLoadError
from portal.web.errors import PROGRAMS

_OWN = frozenset({"same-origin", "none"})


def program_blueprint(plugin: str) -> Blueprint:
    """Return a blueprint for a plugin's older protocol; declare it with ``RestApi(outside=…)`` in ``portal_rest``.

    Its views say who may call them by ``public_route`` or ``requires``; tries of public ones are limited per address.
    """
    return Blueprint(f"{PROGRAMS}{plugin}", __name__)


def mount_outside(
    app: Flask, owner: str, declared: RestApi, taken: MutableMapping[tuple[str, str], str]
) -> None:
    """Register the blueprint at its place.

    Raises:
        PluginLoadError: for a wrong blueprint or place, or a view that does not say who may call it.
        PluginClash: when the address is another's.
    """
    blueprint, place = declared.blueprint, declared.outside
    if not isinstance(blueprint, Blueprint) or blueprint.name != f"{PROGRAMS}{owner}":
        raise PluginLoadError(
            "rest-api", f"RestApi(outside=…) of {owner} needs program_blueprint({owner!r})."
        )
    if not place.isalnum() or place == "api":
        raise PluginLoadError(
            "rest-api", f"The place {place!r} of {owner} must be one plain word, and not api."
        )
    used = {rule.rule.split("/")[1] for rule in app.url_map.iter_rules()}
    if place in used:
        raise PluginClash("plugin-clash", f"{owner} declares /{place}/, which is in use.")
    app.register_blueprint(blueprint, url_prefix=f"/{place}")
    csrf.exempt(blueprint)
    app.before_request_funcs.setdefault(blueprint.name, []).append(refuse_other_sites)
    with app.app_context():
        throttle = current_throttle()
    for rule in list(app.url_map.iter_rules()):
        if rule.endpoint.rpartition(".")[0] != blueprint.name:
            continue
        access = access_of(app, rule.endpoint)
        if access is None:
            raise PluginLoadError("rest-api", f"{rule.rule} of {owner} does not say who may call it.")
        if access.public and "POST" in (rule.methods or ()):
            app.view_functions[rule.endpoint] = throttle.per_address(app.view_functions[rule.endpoint])
        taken.update({(rule.rule, method): owner for method in rule.methods or ()})


def refuse_other_sites() -> None:
    """Refuse a call that a page of another site makes in its visitor's browser; programs send neither header.

    Raises:
        Forbidden: code ``other-site``.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    is_other = site is not None and site.lower() not in _OWN
    if is_other or (origin is not None and urlsplit(origin).netloc != request.host):
        raise Forbidden("other-site", "This address is for programs; a page of another site may not call it.")
