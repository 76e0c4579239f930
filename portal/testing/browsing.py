"""The pytest fixtures for tests in a real Chromium; they need playwright.

Load them beside the others: ``pytest_plugins = ["portal.testing.fixtures", "portal.testing.browsing"]``.
"""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from werkzeug.serving import make_server

from portal.testing.clients import PortalClient

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: What Chromium writes to the console for an answer that a test wants.
_EXPECTED = "the server responded with a status of"


@pytest.fixture(scope="session")
def browser(chromium: Path) -> "Iterator[Browser]":
    """The browser of this test process, started when the first test asks for it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(chromium), args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Address at which ``app`` is served, from a thread of the test."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about; must be empty when the test ends."""
    return []


@pytest.fixture
def page(browser: "Browser", address: str, complaints: list[str]) -> "Iterator[Page]":
    """A new window; the test fails when a page breaks its content security policy or a script fails."""
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 860})
    context.set_default_timeout(10_000)
    opened = context.new_page()

    def note(message: "ConsoleMessage") -> None:
        if message.type == "error" and _EXPECTED not in message.text:
            complaints.append(message.text)

    opened.on("console", note)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert complaints == []


@pytest.fixture
def sign_in(app: Flask, page: "Page", address: str) -> Callable[[PortalClient], None]:
    """Let the window be signed in as a test client is: ``sign_in(signed_in("admissions.students.view"))``."""

    def take_over(client: PortalClient) -> None:
        cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
        assert cookie is not None
        page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address}])

    return take_over
