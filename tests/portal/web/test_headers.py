"""Headers of every answer."""

import re

from portal.testing.clients import PortalClient


def test_pages_allow_no_inline_script_and_no_foreign_source(client: PortalClient) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    assert re.search(r"script-src 'self' 'nonce-[\w-]{20,}'", policy)
    assert "unsafe-inline" not in policy.partition("style-src")[0]
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy


def test_the_nonce_changes_with_every_request(client: PortalClient) -> None:
    nonces = {
        re.findall(r"nonce-([\w-]+)", client.get("/").headers["Content-Security-Policy"])[0] for _ in range(3)
    }
    assert len(nonces) == 3


def test_error_pages_carry_the_headers_too(client: PortalClient) -> None:
    headers = client.get("/nowhere").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Request-ID"]


def test_pages_have_no_inline_handlers_and_no_scripts_from_elsewhere(
    reader: PortalClient, books: dict[str, str]
) -> None:
    page = reader.get("/panel/library/books/").get_data(as_text=True)
    assert not re.findall(r"<[^>]+\son\w+=", page)
    assert all(source.startswith("/") for source in re.findall(r"<script[^>]+src=\"([^\"]+)", page))
    assert "nonce=" in page


def test_static_files_may_be_kept_by_the_browser(client: PortalClient) -> None:
    answer = client.get("/static/portal/portal.css")
    assert answer.status_code == 200
    assert "no-store" not in answer.headers["Cache-Control"]
