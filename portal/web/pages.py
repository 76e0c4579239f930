"""What every template can use: assets with their version, formats, permissions, the menu."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, current_app, url_for
from jinja2 import ChoiceLoader, FileSystemLoader
from sqlalchemy.exc import SQLAlchemyError

from portal.access.policy import may
from portal.hooks.manager import PLUGINS_KEY, Plugins
from portal.kernel.actor import current_actor
from portal.web import charts, formatting
from portal.web.headers import nonce, request_id
from portal.web.institution import InstitutionSettings, institution
from portal.web.tokens import new_form_token

HERE = Path(__file__).parent
STATIC = HERE / "static"
STATIC_ENDPOINT = "portal_web.static"


def init_pages(app: Flask) -> None:
    """Give the templates their folders, filters and functions.

    A plugin's templates lie in its package under ``templates/<plugin>/``.
    """
    plugins: Plugins = app.extensions[PLUGINS_KEY]
    files = [getattr(module, "__file__", None) for module in plugins.modules.values()]
    folders = [HERE / "templates", *(Path(file).parent / "templates" for file in files if file)]
    app.jinja_loader = ChoiceLoader([FileSystemLoader(folder) for folder in folders])
    app.jinja_env.filters.update(
        local_time=formatting.local_time,
        plain_date=formatting.plain_date,
        count=formatting.count,
        duration=formatting.duration,
        size=formatting.size,
        shown=formatting.shown,
    )
    app.jinja_env.globals.update(
        asset=asset,
        badge=formatting.badge,
        chart=charts.chart,
        has_charts=charts.has_charts,
        expect_charts=charts.expect_charts,
        csp_nonce=nonce,
        request_id=request_id,
        may=lambda permission: may(current_actor(), permission),
        current_actor=current_actor,
        institution=_institution,
        new_form_token=new_form_token,
        menu_groups=menu_groups,
    )


def asset(name: str) -> str:
    """Return the address of one of the portal's own static files, with its content's version."""
    return url_for(STATIC_ENDPOINT, filename=name, v=_version(name))


@cache
def _version(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]


def _institution() -> InstitutionSettings:
    # An error page must come out even when the settings cannot be read.
    try:
        return institution()
    except SQLAlchemyError:
        current_app.logger.exception("the institution's settings could not be read")
        return InstitutionSettings()


def menu_groups(view: Any) -> list[dict[str, Any]]:
    """Return the side bar for the current actor: groups with their items, empty groups left out.

    Args:
        view: The view being shown; its item and group are marked.
    """
    groups: list[dict[str, Any]] = []
    for entry in view.admin.menu():
        children = entry.get_children() if entry.is_category() else [entry]
        items = [
            {
                "name": child.name,
                "url": child.get_url(),
                "icon": child.get_icon_value() or "fa-circle-o",
                "active": child.is_active(view),
            }
            for child in children
            if child.is_accessible() and child.is_visible()
        ]
        if items:
            groups.append({"name": entry.name if entry.is_category() else "", "items": items})
    return groups
