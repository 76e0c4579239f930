"""The public start page and the panel's home."""

from portal.testing.clients import PortalClient
from tests.portal.signing_in import Visitors


def test_an_empty_portal_says_how_the_first_administrator_is_made(client: PortalClient) -> None:
    page = client.get("/").get_data(as_text=True)
    assert "portal users create-admin NAME" in page
    assert "/login" not in page.partition("<body")[2].partition("</section>")[0]


def test_with_an_administrator_it_leads_to_the_login_page(client: PortalClient, visitors: Visitors) -> None:
    visitors.administrator()
    page = client.get("/").get_data(as_text=True)
    assert 'href="/login"' in page
    assert "create-admin" not in page


def test_the_signed_in_go_straight_to_the_panel(visitors: Visitors) -> None:
    assert visitors.administrator().get("/").location == "/panel/"


def test_home_shows_steps_only_to_those_who_can_do_them(visitors: Visitors) -> None:
    visitors.administrator()
    assert visitors.with_permissions().get("/panel/").status_code == 200
    assert "Create an administrator" not in visitors.with_permissions().get("/panel/").get_data(as_text=True)


def test_somebody_without_tasks_is_told_so(visitors: Visitors) -> None:
    assert "has no tasks in this panel" in visitors.with_permissions().get("/panel/").get_data(as_text=True)


def test_every_core_page_opens_for_the_administrator(visitors: Visitors) -> None:
    admin = visitors.administrator()
    for place in (
        "",
        "users/",
        "users/new/",
        "roles/",
        "roles/new/",
        "jobs/",
        "maintenance/",
        "audit/",
        "files/",
        "plugins/",
        "health-checks/",
    ):
        assert admin.get(f"/panel/{place}").status_code == 200, place
    assert "toy" in admin.get("/panel/plugins/").get_data(as_text=True)


def test_a_get_changes_nothing_but_last_seen(visitors: Visitors) -> None:
    admin = visitors.administrator()
    before = admin.get("/panel/audit/").get_data(as_text=True).count("<tr>")
    for place in ("", "users/", "roles/", "jobs/", "maintenance/", "health-checks/"):
        admin.get(f"/panel/{place}")
    assert admin.get("/panel/audit/").get_data(as_text=True).count("<tr>") == before
