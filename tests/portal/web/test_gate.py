"""Who gets in: deny by default on every route."""

from flask import Flask

from portal.access.routes import access_of
from portal.testing.clients import PortalClient
from tests.portal.signing_in import Visitors


def test_signed_out_people_are_sent_to_the_login_page_and_back(client: PortalClient) -> None:
    answer = client.get("/panel/library/books/?search=a%26b")
    assert answer.status_code == 302
    assert answer.location == "/login?next=/panel/library/books/?search%3Da%2526b"


def test_signed_out_programs_get_a_problem_document(client: PortalClient) -> None:
    answer = client.get("/panel/library/books/", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert answer.get_json()["code"] == "sign-in-needed"


def test_signed_in_people_without_the_permission_get_403(visitors: Visitors) -> None:
    stranger = visitors.with_permissions()
    for path in ("/panel/library/books/", "/panel/library/desk/", "/panel/library/shelf/", "/panel/users/"):
        assert stranger.get(path).status_code == 403, path


def test_a_route_that_declares_nothing_is_refused_to_everybody(
    client: PortalClient, visitors: Visitors
) -> None:
    assert client.get("/undeclared").status_code == 403
    answer = visitors.administrator().get("/undeclared")
    assert answer.status_code == 403
    assert "route-undeclared" in answer.get_data(as_text=True)


def test_a_route_may_be_public_or_need_a_permission_of_its_own(
    client: PortalClient, reader: PortalClient
) -> None:
    assert client.get("/panel/library/desk/hours").get_data(as_text=True) == "nine to five"
    assert reader.get("/panel/library/desk/").get_data(as_text=True) == "the desk"
    assert reader.get("/panel/library/desk/till").status_code == 403


def test_every_route_declares_who_may_call_it(app: Flask) -> None:
    bare = {rule.endpoint for rule in app.url_map.iter_rules() if access_of(app, rule.endpoint) is None}
    # The sign-in library brings two routes that this portal does not use: nobody gets in.
    assert bare == {"undeclared", "security.static", "security.verify"}


def test_the_administrator_may_do_everything(visitors: Visitors, books: dict[str, str]) -> None:
    admin = visitors.administrator()
    for path in (
        "/panel/library/books/",
        "/panel/library/desk/till",
        "/panel/users/",
        "/panel/audit/",
        "/panel/health-checks/",
    ):
        assert admin.get(path).status_code == 200, path
