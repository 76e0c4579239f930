"""The main job as an officer does it: sign in, start a batch from the container's page, watch it, open a slip."""

import re

import pytest
from playwright.sync_api import Page, expect

from portal.auth import accounts
from portal.auth.passwords import hashed
from portal.sdk import SYSTEM, acting_as, transaction
from portal.testing.workers import WorkerProcesses
from tests.plugins.admissions.university import add, found, give_photo

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"


@pytest.fixture
def admitted(page: Page) -> str:
    """A container with five admitted applicants, one of them without a certificate to study; its title."""
    with acting_as(SYSTEM):
        university = found()
        for _ in range(4):
            give_photo(add(university))
        add(university, course_admitted=None, firstname="Nobody")
    password = hashed(PASSWORD)
    with acting_as(SYSTEM), transaction():
        accounts.create_administrator("registrar", password)
    return "General Studies 2026/2027"


def test_a_batch_is_started_from_the_container_and_ends_with_slips(
    page: Page, admitted: str, worker_processes: WorkerProcesses
) -> None:
    worker_processes.start(1)
    page.goto("/panel/admissions/container/")
    page.get_by_label("Sign-in name or e-mail").fill("registrar")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    page.get_by_role("link", name="app2026").click()
    page.get_by_role("button", name="Create students (5)").click()
    expect(page.get_by_role("heading", name="What will happen")).to_be_visible()
    expect(page.get_by_text("will be refused")).to_be_visible()
    expect(page.get_by_label("Close the portal while it runs")).to_be_visible()
    page.get_by_role("button", name="Start: 4 rows").click()

    # The page follows the job by itself and becomes the report.
    expect(page.get_by_text("Everything has an outcome.")).to_be_visible(timeout=60_000)
    expect(page.locator(".figure", has_text="Done")).to_contain_text("4")
    expect(page.get_by_role("heading", name="Reasons")).to_be_visible()

    page.get_by_role("link", name="Done").click()
    page.locator("#rows td.what a").first.click()
    expect(page.get_by_role("heading", name="Folder")).to_be_visible()
    slip = page.get_by_role("link", name=re.compile("slip", re.IGNORECASE)).first.get_attribute("href")
    answer = page.request.get(slip or "")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.body().startswith(b"%PDF-")
