"""Errors become pages with status, code and message; problem documents for programs."""

import pytest
from flask import Flask

from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.transaction import transaction
from portal.maintenance import service as maintenance
from portal.testing.clients import PortalClient

JSON = {"Accept": "application/json"}


def test_an_unknown_address_gets_a_page_with_the_request_id(client: PortalClient) -> None:
    answer = client.get("/nowhere")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 404
    assert answer.headers["X-Request-ID"] in page
    assert "not-found" in page


def test_an_unknown_record_is_404_and_not_a_redirect(reader: PortalClient) -> None:
    for key in ("nonsense", "00000000-0000-0000-0000-000000000000", ""):
        assert reader.get(f"/panel/library/books/details/?id={key}").status_code in (302, 404), key
    answer = reader.get("/panel/library/books/details/?id=nonsense", headers=JSON)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "record-missing")


def test_a_bug_is_a_500_page_that_tells_nothing(reader: PortalClient) -> None:
    reader.application.config["PROPAGATE_EXCEPTIONS"] = False
    answer = reader.get("/panel/library/desk/broken")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert "internal-error" in page
    assert "a bug in the plugin" not in page


def test_a_form_without_its_token_is_refused_in_words(librarian: PortalClient) -> None:
    answer = librarian.post("/panel/library/books/new/", data={"title": "x"})
    assert answer.status_code == 400
    assert "form-expired" in answer.get_data(as_text=True)


def test_a_wrong_method_says_which_is_right(reader: PortalClient) -> None:
    answer = reader.post("/health/live", headers=JSON)
    assert answer.status_code in (400, 405)


def test_a_closed_portal_answers_503_with_the_time_to_come_back(reader: PortalClient) -> None:
    with acting_as(SYSTEM), transaction():
        maintenance.start("new semester", SYSTEM)
    answer = reader.get("/panel/library/books/")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "new semester" in answer.get_data(as_text=True)
    assert reader.get("/static/portal/portal.css").status_code == 200
    assert reader.get("/login").status_code in (200, 302)


def test_a_form_that_is_too_large_is_a_413_page(
    app: Flask, client: PortalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 1000)
    answer = client.submit("/login", {"sign_in_name": "x" * 2000, "password": "y"})
    assert answer.status_code == 413
    assert "upload-too-large" in answer.get_data(as_text=True)
