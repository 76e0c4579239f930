"""The pages about plugins: every plugin with its state, what it adds, and what is to be done."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import text

from portal.config import current_config
from portal.hooks.blocking import set_disabled
from portal.hooks.declarations import PluginProblem
from portal.hooks.registry import REGISTRY_KEY, Registry
from portal.installation import PluginState, installed_plugin, installed_plugins
from portal.kernel.db import db
from portal.panel import plugin_commands
from portal.panel.permissions import PLUGINS_VIEW
from portal.panel.plugin_facts import facts_of, row_counts
from portal.testing import PortalClient, counted_statements
from tests.portal.panel.test_plugin_commands import run

LIST = "/panel/plugins/"


@pytest.fixture
def without(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Take a plugin out of what this process has loaded, as a start without it would."""

    def leave_out(name: str, reason: str = "") -> None:
        before: Registry = app.extensions[REGISTRY_KEY]
        loaded = tuple(plugin for plugin in before.plugins if plugin.name != name)
        problems = (PluginProblem(name=name, message=reason),) if reason else ()
        changed = replace(before, plugins=loaded, problems=problems)
        monkeypatch.setitem(app.extensions, REGISTRY_KEY, changed)

    return leave_out


@pytest.fixture
def browser(signed_in: Callable[..., PortalClient]) -> PortalClient:
    return signed_in(PLUGINS_VIEW)


def test_the_list_has_the_core_and_every_plugin(browser: PortalClient) -> None:
    page = browser.get(LIST).get_data(as_text=True)

    for name in ("portal", "admissions", "enrollments", "submissions", "toy"):
        assert f'href="{LIST}{name}"' in page
    assert page.count(">loaded<") == 5


def test_a_page_says_what_a_plugin_adds(app: Flask, browser: PortalClient) -> None:
    page = browser.get(f"{LIST}admissions").get_data(as_text=True)

    for said in (
        "admissions_applicant",
        "admissions.create_students",
        "admissions.nightly_check",
        "admissions.applicants.view",
        "admissions_students_created",
        "portal_user_retired",
        "GET /api/v1/admissions/applicants",
        "portal admissions ",
        "admissions.application_slip",
        "AdmissionsSettings",
        "applied, newest",
    ):
        assert said in page, said
    # This person may not see them.
    assert 'href="/panel/admissions/applicant/"' not in page


def test_pages_and_settings_are_linked_for_who_may_see_them(signed_in: Callable[..., PortalClient]) -> None:
    page = signed_in(administrator=True).get(f"{LIST}admissions").get_data(as_text=True)

    assert 'href="/panel/admissions/applicant/"' in page
    assert 'href="/panel/settings/"' in page


def test_the_core_shows_its_health_as_it_is_now(browser: PortalClient) -> None:
    page = browser.get(f"{LIST}portal").get_data(as_text=True)

    assert "sqlite answers." in page
    assert "portal jobs submit" in page


def test_a_disabled_plugin_is_named_with_the_remedy_and_its_tables(
    browser: PortalClient, without: Callable[..., None]
) -> None:
    without("submissions")
    set_disabled(current_config().home, "submissions", disabled=True)
    try:
        assert installed_plugin("submissions").state is PluginState.DISABLED
        for page in (LIST, f"{LIST}submissions"):
            assert "portal plugins enable submissions" in browser.get(page).get_data(as_text=True)
        assert "submissions_score" in browser.get(f"{LIST}submissions").get_data(as_text=True)
    finally:
        set_disabled(current_config().home, "submissions", disabled=False)


def test_a_plugin_that_failed_is_named_with_its_reason_on_page_and_command_line(
    browser: PortalClient, without: Callable[..., None]
) -> None:
    without("submissions", "ImportError: no module named <numbers>")

    for page in (LIST, f"{LIST}submissions"):
        said = browser.get(page).get_data(as_text=True)
        assert "no module named &lt;numbers&gt;" in said
        assert "portal plugins disable submissions" in said
    assert "no module named <numbers>" in run(plugin_commands.list_plugins).output
    assert run(plugin_commands.check_plugins, "submissions").exit_code == 1


def test_missing_migrations_are_said(app: Flask, browser: PortalClient) -> None:
    with db.engine.begin() as connection:
        connection.execute(text("DELETE FROM submissions_alembic_version"))

    assert "To do: portal migrate" in browser.get(f"{LIST}submissions").get_data(as_text=True)


def test_only_with_the_permission_and_only_plugins_that_are_there(
    signed_in: Callable[..., PortalClient], browser: PortalClient
) -> None:
    stranger = signed_in("portal.jobs.view")

    assert {stranger.get(LIST).status_code, stranger.get(f"{LIST}admissions").status_code} == {403}
    assert browser.get(f"{LIST}nothing").status_code == 404
    assert browser.post(f"{LIST}admissions").status_code == 405


@pytest.mark.both_engines
def test_statements_do_not_grow_with_plugins_or_tables(app: Flask) -> None:
    with counted_statements() as listed:
        installed_plugins()
    plugin = installed_plugin("admissions")
    with counted_statements() as counted:
        rows = row_counts(plugin.tables)
    with counted_statements() as collected:
        facts_of(plugin)

    assert set(rows) == set(plugin.tables)
    assert "admissions_alembic_version" not in rows
    assert (len(listed), len(counted)) <= (2, 1)
    assert len(collected) <= 4
