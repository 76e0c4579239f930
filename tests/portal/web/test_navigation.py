"""Declared pages: checked at start, placed in the menu, shown to whom they are for."""

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask

from portal.app import create_app
from portal.config import PortalConfig
from portal.hooks.declarations import AdminView, Permission
from portal.hooks.specs import hookimpl
from portal.kernel.errors import PluginClash, PluginLoadError
from portal.sdk.web import PortalView, expose, signed_in_only
from portal.testing.clients import PortalClient
from tests.portal.signing_in import Visitors


class Page(PortalView):
    @expose("/")
    def index(self) -> str:
        return "here"


class OwnRules(PortalView):
    @expose("/")
    @signed_in_only
    def index(self) -> str:
        return "own rules"


def started_with(tmp_path: Path, *views: AdminView) -> Flask:
    module: Any = ModuleType("gallery")
    module.PORTAL_API, module.NAME = "1", "gallery"

    @hookimpl
    def portal_admin_views() -> tuple[AdminView, ...]:
        return views

    @hookimpl
    def portal_permissions() -> tuple[Permission, ...]:
        return (Permission(name="gallery.look", title="Look"),)

    module.portal_admin_views, module.portal_permissions = portal_admin_views, portal_permissions
    config = PortalConfig.load(home=tmp_path / "home")
    config.make_home()
    return create_app(config, extra_plugins={"gallery": module})


def test_a_view_of_the_wrong_base_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(PluginLoadError, match="gallery must derive from PortalView"):
        started_with(tmp_path, AdminView(view=dict, category="x", permission="gallery.look"))


def test_an_undeclared_permission_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(PluginLoadError, match=r"gallery\.paint"):
        started_with(tmp_path, AdminView(view=Page, category="x", permission="gallery.paint"))


def test_a_view_without_any_permission_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(PluginLoadError, match="index declare none"):
        started_with(tmp_path, AdminView(view=Page, category="x", permission=""))


def test_a_view_may_leave_it_to_its_routes(tmp_path: Path) -> None:
    app = started_with(tmp_path, AdminView(view=OwnRules, category="x", permission=""))
    assert "gallery_ownrules.index" in app.view_functions


def test_two_pages_of_one_name_stop_the_start(tmp_path: Path) -> None:
    page = AdminView(view=Page, category="x", permission="gallery.look", endpoint="gallery_one")
    with pytest.raises(PluginClash, match="gallery_one"):
        started_with(tmp_path, page, page)


def test_addresses_follow_owner_and_name(tmp_path: Path) -> None:
    page = AdminView(view=Page, category="x", permission="gallery.look", endpoint="gallery_front_desk")
    app = started_with(tmp_path, page)
    assert "/panel/gallery/front-desk/" in {str(rule) for rule in app.url_map.iter_rules()}


def menu_of(client: PortalClient) -> list[str]:
    page = client.get("/panel/").get_data(as_text=True)
    side = page.partition('class="side-nav"')[2].partition("</nav>")[0]
    return re.findall(r"<span>([^<]+)</span>", side)


def test_the_menu_shows_what_the_person_may_open(visitors: Visitors, reader: PortalClient) -> None:
    assert menu_of(reader) == ["Home", "Books", "Desk", "Shelves"]
    assert menu_of(visitors.with_permissions()) == ["Home"]
    everything = menu_of(visitors.administrator())
    assert everything[0] == "Home"
    assert {"Books", "Users", "Roles", "Jobs", "Maintenance", "Audit record"} <= set(everything)
