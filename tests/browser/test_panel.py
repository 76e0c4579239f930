"""What only a real browser shows: questions before actions under the strict policy, the theme, the phone."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from portal.kernel.db import db
from portal.testing.clients import PortalClient
from portal.testing.fixtures import SandboxOf
from portal.testing.sandboxes import EngineName
from tests.portal.signing_in import Visitors
from tests.portal.web.conftest import books, library_sandbox_of
from tests.portal.web.library_plugin import Book

__all__ = ["books", "library_sandbox_of"]

BOOKS = "/panel/library/books/"
SignIn = Callable[[PortalClient], None]

pytestmark = pytest.mark.browser


@pytest.fixture
def app(engine: EngineName, library_sandbox_of: SandboxOf) -> Iterator[Flask]:
    with library_sandbox_of(engine).in_use() as app:
        yield app


@pytest.fixture
def librarian(app: Flask, page: Page, sign_in: SignIn) -> Page:
    """A window signed in as somebody who may see, change and delete all books."""
    verbs = ("view", "edit", "delete", "see_all")
    sign_in(Visitors(app).with_permissions(*(f"library.books.{verb}" for verb in verbs)))
    return page


def number_of_books(state: str | None = None) -> int:
    db.session.rollback()
    statement = select(func.count()).select_from(Book)
    return db.session.scalar(statement.where(Book.state == state) if state else statement) or 0


def test_deleting_asks_and_no_means_no(librarian: Page, books: dict[str, str]) -> None:
    librarian.goto(BOOKS)
    librarian.get_by_role("row", name="book 3").get_by_role("button", name="Delete").click()
    dialog = librarian.get_by_role("dialog")
    expect(dialog).to_contain_text("This cannot be undone")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    assert number_of_books() == 7


def test_deleting_asks_and_yes_deletes_once(librarian: Page, books: dict[str, str]) -> None:
    librarian.goto(BOOKS)
    librarian.get_by_role("row", name="book 3").get_by_role("button", name="Delete").click()
    librarian.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(librarian.get_by_text("successfully deleted")).to_be_visible()
    assert number_of_books() == 6


def test_a_list_action_shows_after_selecting_and_asks(librarian: Page, books: dict[str, str]) -> None:
    librarian.goto(BOOKS)
    button = librarian.get_by_role("button", name="Close", exact=True)
    expect(button).to_be_hidden()
    librarian.get_by_role("row", name="book 1").get_by_role("checkbox").check()
    librarian.get_by_role("row", name="book 2").get_by_role("checkbox").check()
    expect(librarian.get_by_text("2 selected")).to_be_visible()
    button.click()
    librarian.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert number_of_books("closed") == 0
    button.click()
    librarian.get_by_role("dialog").get_by_role("button", name="Yes").click()
    librarian.wait_for_url("**/?closed=2")
    assert number_of_books("closed") == 2


def test_stock_inline_questions_are_asked_too(
    librarian: Page,
    complaints: list[str],
    books: dict[str, str],
) -> None:
    librarian.goto(BOOKS)
    librarian.evaluate(
        """() => {
            const form = document.createElement("form");
            form.method = "get";
            form.action = "/panel/library/desk/";
            form.innerHTML = `<button onclick="return faHelpers.safeConfirm('Really go?');">stock button</button>`;
            document.querySelector("main").append(form);
        }"""
    )
    librarian.get_by_role("button", name="stock button").click()
    dialog = librarian.get_by_role("dialog")
    expect(dialog).to_contain_text("Really go?")
    dialog.get_by_role("button", name="Cancel").click()
    assert librarian.url.endswith(BOOKS)
    # The handler itself is blocked by the policy, as it should be.
    assert ["inline event handler" in text for text in complaints] == [True]
    complaints.clear()


def test_filters_and_forms_work_under_the_policy(librarian: Page, books: dict[str, str]) -> None:
    librarian.goto(BOOKS)
    librarian.get_by_role("button", name="Filter").click()
    librarian.locator(".field-filters").get_by_text("Pages", exact=True).click()
    librarian.locator("input.filter-val").fill("2")
    librarian.get_by_role("button", name="Apply").click()
    expect(librarian.get_by_text("1 record", exact=True)).to_be_visible()
    librarian.goto(f"{BOOKS}new/")
    librarian.get_by_label("Title").fill("written in a browser")
    librarian.locator(".select2-container").click()
    librarian.locator(".select2-drop input").fill("hal")
    librarian.locator(".select2-result-label", has_text="hall").click()
    librarian.get_by_role("button", name="Save", exact=True).click()
    expect(librarian.get_by_text("written in a browser")).to_be_visible()


def test_the_theme_is_remembered(librarian: Page) -> None:
    librarian.goto("/panel/")
    before = librarian.evaluate("document.documentElement.dataset.theme")
    librarian.get_by_role("button", name="Switch between light and dark").click()
    librarian.reload()
    assert librarian.evaluate("document.documentElement.dataset.theme") != before


def test_on_a_phone_the_menu_opens_and_nothing_scrolls_sideways(
    librarian: Page, books: dict[str, str]
) -> None:
    librarian.set_viewport_size({"width": 390, "height": 844})
    librarian.goto(BOOKS)
    link = librarian.get_by_role("link", name="Shelves")
    expect(link).not_to_be_in_viewport()
    librarian.get_by_role("button", name="Open the menu").click()
    expect(link).to_be_in_viewport()
    assert librarian.evaluate("document.documentElement.scrollWidth") == 390


def test_signing_out_needs_one_click_and_ends_the_sign_in(librarian: Page) -> None:
    librarian.goto("/panel/")
    librarian.locator(".user-menu summary").click()
    librarian.get_by_role("button", name="Sign out").click()
    librarian.wait_for_url("**/login")
    librarian.goto("/panel/")
    assert "/login" in librarian.url
