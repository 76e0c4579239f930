"""The page of the REST interface in a real browser: drawn under the strict policy, and operations tried as oneself."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from portal.testing.clients import PortalClient
from portal.testing.fixtures import SandboxOf
from portal.testing.sandboxes import EngineName
from tests.portal.conftest import toy_sandbox_of
from tests.portal.signing_in import Visitors

__all__ = ["toy_sandbox_of"]

pytestmark = pytest.mark.browser


@pytest.fixture
def app(engine: EngineName, toy_sandbox_of: SandboxOf) -> Iterator[Flask]:
    with toy_sandbox_of(engine).in_use() as app:
        yield app


@pytest.fixture
def docs(app: Flask, page: Page, sign_in: Callable[[PortalClient], None]) -> Page:
    sign_in(Visitors(app).with_permissions("portal.jobs.view", "portal.tokens.use", "toy.make"))
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.goto("/api/docs")
    return page


def test_operations_are_shown_by_plugin_and_tried_as_oneself(docs: Page) -> None:
    who = docs.locator("#operations-About-portal_whoami")
    expect(who).to_contain_text("/api/v1/me")
    expect(docs.locator("#operations-tag-Jobs")).to_be_visible()
    who.locator("button.opblock-summary-control").click()
    expect(who).to_contain_text("Any good token will do.")
    who.get_by_role("button", name="Try it out").click()
    who.get_by_role("button", name="Execute").click()
    expect(who.locator(".live-responses-table tr.response .response-col_status").first).to_contain_text("200")


def test_a_write_that_is_tried_brings_the_form_token(docs: Page) -> None:
    make = docs.locator("#operations-Jobs-portal_jobs_make")
    make.locator("button.opblock-summary-control").click()
    make.get_by_role("button", name="Try it out").click()
    make.locator("textarea").fill('{"kind": "toy.list_things", "rows": [{"name": "lamp"}]}')
    make.get_by_role("button", name="Execute").click()
    answer = make.locator(".live-responses-table")
    expect(answer.locator("tr.response .response-col_status").first).to_contain_text("202")
    expect(answer).to_contain_text("planned")


def test_the_page_fits_a_phone_and_follows_the_theme(docs: Page) -> None:
    expect(docs.locator("#operations-tag-Jobs")).to_be_visible()
    light = docs.evaluate("getComputedStyle(document.querySelector('.opblock')).backgroundColor")
    docs.set_viewport_size({"width": 390, "height": 800})
    docs.get_by_role("button", name="Light or dark").click()
    expect(docs.locator(".opblock").first).not_to_have_css("background-color", light)
    assert docs.evaluate("document.documentElement.scrollWidth") <= 390
