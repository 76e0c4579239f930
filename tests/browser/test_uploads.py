"""A sheet on its way through a real browser: file, guards, columns, plan; under the strict policy, on a phone too."""

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from plugins.admissions import permissions
from portal.sdk import SYSTEM, acting_as
from portal.testing.clients import PortalClient
from tests.plugins.admissions.university import found, person, sheet
from tests.portal.signing_in import Visitors

pytestmark = pytest.mark.browser

SHEET = sheet(
    [
        {**person(reg_number=f"1{number}E+10", date_of_birth=f"0{number}/04/2004"), "Shoe": "39"}
        for number in range(1, 4)
    ],
    delimiter=";",
)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_sheet_is_looked_at_before_it_is_planned(
    app: Flask, page: Page, sign_in: Callable[[PortalClient], None], width: int
) -> None:
    with acting_as(SYSTEM):
        found()
    needed = (permissions.APPLICANTS_IMPORT, permissions.APPLICANTS_VIEW, "portal.jobs.view")
    sign_in(Visitors(app).with_permissions(*needed))
    page.set_viewport_size({"width": width, "height": 860})

    page.goto("/panel/admissions/import/?container=app2026")
    page.get_by_label("Sheet").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": SHEET})
    page.get_by_role("button", name="Upload and look at it").click()
    expect(page.get_by_role("heading", name="Are these numbers right?")).to_be_visible()
    expect(page.get_by_text("1 April 2004")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width

    page.get_by_label("I have looked").check()
    page.get_by_label("Dates in the column").select_option("dmy")
    page.get_by_label("Shoe").select_option("notice")
    page.get_by_role("button", name="Make the plan").click()
    expect(page.get_by_role("heading", name="What will happen")).to_be_visible()
    page.get_by_text("values").first.click()
    expect(page.get_by_text("2004-04-01")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.get_by_role("button", name="Throw the plan away").click()
    page.get_by_role("dialog").get_by_role("button", name="Yes").click()
    expect(page.get_by_text("nothing was changed")).to_be_visible()
