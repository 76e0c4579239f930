"""A closed portal: who gets in, what stays open, and what everybody else reads."""

import pytest
from flask import Flask

from portal.auth import accounts
from portal.hooks.declarations import Role
from portal.kernel.actor import Actor
from portal.kernel.transaction import transaction
from portal.maintenance import service
from portal.testing.clients import PortalClient

PASSWORD = "correct horse battery"
PAGE = "/account/password"


@pytest.fixture
def closed(app: Flask) -> service.Window:
    with transaction():
        return service.start("Creating students of app2026", Actor(name="Ann"))


def _client(app: Flask, *permissions: str, administrator: bool = False) -> PortalClient:
    name = "-".join(permissions) or "user"
    with transaction():
        accounts.ensure_roles([Role(name=name, title=name, permissions=frozenset(permissions))])
        roles = [accounts.ADMINISTRATOR if administrator else name]
        accounts.create_user(name, name, password=PASSWORD, roles=roles)
    client = PortalClient(app)
    answer = client.submit("/login", {"sign_in_name": name, "password": PASSWORD})
    assert answer.status_code == 302
    return client


def test_others_read_why_and_when_to_come_back(app: Flask, closed: service.Window) -> None:
    answer = _client(app, "portal.jobs.view").get(PAGE)
    assert answer.status_code == 503
    assert "Creating students of app2026" in answer.text
    assert int(answer.headers["Retry-After"]) > 0


def test_the_signed_out_do_too(client: PortalClient, closed: service.Window) -> None:
    assert client.get(PAGE).status_code == 503
    assert client.get("/activate").status_code == 503


def test_posts_are_refused_as_well(app: Flask) -> None:
    client = _client(app)
    token = client.token(PAGE)
    with transaction():
        service.start("Creating students of app2026", Actor(name="Ann"))
    assert client.post(PAGE, data={"csrf_token": token}).status_code == 503


@pytest.mark.parametrize("administrator", [True, False])
def test_who_may_pass_passes(app: Flask, closed: service.Window, administrator: bool) -> None:
    client = _client(app, "portal.maintenance.pass", administrator=administrator)
    assert client.get(PAGE).status_code == 200


@pytest.mark.parametrize("path", ["/login", "/health/live", "/static/portal/portal.css"])
def test_sign_in_health_and_static_files_stay_open(
    client: PortalClient, closed: service.Window, path: str
) -> None:
    assert client.get(path).status_code == 200


def test_signing_out_stays_open(app: Flask, closed: service.Window) -> None:
    client = _client(app, "portal.maintenance.pass")
    assert client.submit("/logout", page=PAGE).status_code == 302


def test_an_open_portal_lets_everybody_in(app: Flask) -> None:
    assert _client(app).get(PAGE).status_code == 200


def test_templates_know_the_window(app: Flask, closed: service.Window) -> None:
    with app.test_request_context("/login"):
        context: dict[str, object] = {}
        app.update_template_context(context)
        assert str(getattr(context["maintenance_window"], "reason", "")) == "Creating students of app2026"
