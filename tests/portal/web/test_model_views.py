"""Lists, details and forms: narrowed together, deny by default, one transaction, no 500."""

import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.audit.models import AuditEntry
from portal.kernel.db import db
from portal.kernel.errors import PluginLoadError
from portal.sdk.web import PortalModelView
from portal.testing.clients import PortalClient
from portal.web import counting
from tests.portal.signing_in import Visitors
from tests.portal.web.library_plugin import Book, Shelf

BOOKS = "/panel/library/books"

pytestmark = pytest.mark.both_engines


def form(**values: Any) -> dict[str, Any]:
    return {"title": "new book", "pages_count": "12", "shelf": str(hall_id()), **values}


def hall_id() -> int:
    found = db.session.scalar(select(Shelf.id).where(Shelf.name == "hall"))
    assert found is not None
    return found


def test_list_count_and_details_hide_the_same_rows(reader: PortalClient, books: dict[str, str]) -> None:
    page = reader.get(f"{BOOKS}/").get_data(as_text=True)
    assert "book 4" in page
    assert "secret" not in page
    assert "5 records" in page
    assert reader.get(f"{BOOKS}/details/?id={books['book 0']}").status_code == 200
    assert reader.get(f"{BOOKS}/details/?id={books['secret 0']}").status_code == 404


def test_whoever_may_see_all_sees_all(visitors: Visitors, books: dict[str, str]) -> None:
    boss = visitors.with_permissions("library.books.view", "library.books.see_all")
    page = boss.get(f"{BOOKS}/").get_data(as_text=True)
    assert "secret 1" in page
    assert "7 records" in page


def test_a_view_that_opens_nothing_has_no_writing_routes(app: Flask, reader: PortalClient) -> None:
    routes = {
        rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith("library_shelf.")
    }
    assert routes == {"library_shelf.index_view", "library_shelf.details_view"}
    assert not {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint.endswith((".export", ".ajax_update"))
    }


def test_a_reader_cannot_write(reader: PortalClient, books: dict[str, str]) -> None:
    book = books["book 0"]
    page = f"{BOOKS}/"
    assert "/new/" not in reader.get(page).get_data(as_text=True)
    token = reader.token("/panel/")
    for path, data in (
        ("/new/", form()),
        (f"/edit/?id={book}", form()),
        ("/delete/", {"id": book}),
        ("/action/", {"action": "close", "rowid": book}),
    ):
        answer = reader.post(f"{BOOKS}{path}", data={**data, "csrf_token": token})
        assert answer.status_code == 403, path
    assert db.session.scalar(select(func.count()).select_from(Book)) == 7


def test_creating_writes_record_and_audit_together(librarian: PortalClient, books: dict[str, str]) -> None:
    answer = librarian.submit(f"{BOOKS}/new/", form())
    assert answer.status_code == 302
    book = db.session.scalar(select(Book).where(Book.title == "new book"))
    assert book is not None
    assert (book.pages_count, book.shelf.name, book.version) == (12, "hall", 1)
    entry = db.session.scalar(select(AuditEntry).where(AuditEntry.record_id == str(book.id)))
    assert entry is not None
    assert (entry.action, entry.actor_name) == ("create", "User1")


def test_a_taken_value_is_shown_beside_its_field(librarian: PortalClient, books: dict[str, str]) -> None:
    answer = librarian.submit(f"{BOOKS}/new/", form(title="book 1"))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "Already exists" in page
    assert 'value="book 1"' in page


def test_a_refusal_by_the_plugin_undoes_everything(librarian: PortalClient, books: dict[str, str]) -> None:
    answer = librarian.submit(f"{BOOKS}/new/", form(title="forbidden"))
    assert "No book may have this title" in answer.get_data(as_text=True)
    assert db.session.scalar(select(Book).where(Book.title == "forbidden")) is None


def test_a_number_that_the_database_cannot_hold_is_no_500(
    librarian: PortalClient, books: dict[str, str]
) -> None:
    answer = librarian.submit(f"{BOOKS}/new/", form(pages_count="9" * 30))
    assert answer.status_code == 200
    assert "cannot store" in answer.get_data(as_text=True)


def test_editing_raises_the_version(librarian: PortalClient, books: dict[str, str]) -> None:
    page = f"{BOOKS}/edit/?id={books['book 0']}"
    assert librarian.submit(page, form(title="renamed", seen_version="1")).status_code == 302
    book = db.session.get(Book, uuid.UUID(books["book 0"]))
    assert book is not None
    assert (book.title, book.version) == ("renamed", 2)


def test_two_people_editing_do_not_overwrite_each_other(
    librarian: PortalClient, books: dict[str, str]
) -> None:
    page = f"{BOOKS}/edit/?id={books['book 0']}"
    assert librarian.submit(page, form(title="first", seen_version="1")).status_code == 302
    answer = librarian.submit(page, form(title="second", seen_version="1"))
    assert "Somebody else changed this record" in answer.get_data(as_text=True)
    assert db.session.scalar(select(Book.title).where(Book.id == uuid.UUID(books["book 0"]))) == "first"


def test_hidden_records_cannot_be_edited_or_deleted(librarian: PortalClient, books: dict[str, str]) -> None:
    token = librarian.token(f"{BOOKS}/new/")
    secret = books["secret 0"]
    answer = librarian.post(f"{BOOKS}/edit/?id={secret}", data={**form(), "csrf_token": token})
    assert answer.status_code == 404
    assert librarian.post(f"{BOOKS}/delete/", data={"id": secret, "csrf_token": token}).status_code == 404
    assert db.session.get(Book, uuid.UUID(secret)) is not None


def test_deleting_deletes_and_is_audited(librarian: PortalClient, books: dict[str, str]) -> None:
    book = books["book 0"]
    answer = librarian.submit(f"{BOOKS}/delete/", {"id": book}, page=f"{BOOKS}/")
    assert answer.status_code == 302
    assert db.session.get(Book, uuid.UUID(book)) is None
    actions = db.session.scalars(select(AuditEntry.action).where(AuditEntry.record_id == book)).all()
    assert "delete" in actions


def test_a_hidden_record_cannot_be_chosen_in_a_form(librarian: PortalClient, books: dict[str, str]) -> None:
    vault = db.session.scalar(select(Shelf.id).where(Shelf.name == "vault"))
    answer = librarian.submit(f"{BOOKS}/new/", form(shelf=str(vault)))
    assert answer.status_code == 200
    assert db.session.scalar(select(Book).where(Book.title == "new book")) is None


def test_the_lookup_is_narrowed_and_bounded(librarian: PortalClient, books: dict[str, str]) -> None:
    address = f"{BOOKS}/ajax/lookup/?name=shelf&query=&offset=-5&limit=100000"
    assert [name for _, name in librarian.get(address).get_json()] == ["hall"]
    assert librarian.get(f"{BOOKS}/ajax/lookup/?name=shelf&query=%25&limit=-1").get_json() == []


def test_an_action_gets_only_rows_that_the_actor_may_see(
    librarian: PortalClient, books: dict[str, str]
) -> None:
    chosen = [books["book 0"], books["secret 0"], "nonsense"]
    answer = librarian.submit(f"{BOOKS}/action/", {"action": "close", "rowid": chosen}, page=f"{BOOKS}/")
    assert answer.location.endswith("?closed=1")
    closed = set(db.session.scalars(select(Book.title).where(Book.state == "closed")))
    assert closed == {"book 0"}


def test_an_unknown_action_or_an_empty_selection_does_nothing(
    librarian: PortalClient, books: dict[str, str]
) -> None:
    for data in (
        {"action": "delete", "rowid": books["book 0"]},
        {"action": "boom", "rowid": books["book 0"]},
    ):
        assert librarian.submit(f"{BOOKS}/action/", data, page=f"{BOOKS}/").status_code == 422
    answer = librarian.submit(f"{BOOKS}/action/", {"action": "close"}, page=f"{BOOKS}/")
    assert answer.status_code == 302
    assert "Select at least one" in librarian.get(f"{BOOKS}/").get_data(as_text=True)


def test_no_address_of_a_list_is_a_500(reader: PortalClient, books: dict[str, str]) -> None:
    for query in (
        "page=-3",
        "page=99999999999999999999",
        "page_size=100000",
        "sort=99&desc=1",
        "search=%25%5C'",
        "search=" + "x" * 5000,
        "flt0_1=99999999999999999999999",
        "flt0_0=nonsense",
        "flt0_2=abc",
        "flt1_77=1",
    ):
        assert reader.get(f"{BOOKS}/?{query}").status_code == 200, query


def test_a_nul_character_is_refused_wherever_it_stands(
    librarian: PortalClient, books: dict[str, str]
) -> None:
    assert librarian.get(f"{BOOKS}/?search=a%00b").status_code == 422
    assert librarian.get(f"{BOOKS}/details/?id=%00").status_code == 422
    assert librarian.submit(f"{BOOKS}/new/", form(title="a\x00b")).status_code == 422


def test_filters_search_and_sorting_find_rows(reader: PortalClient, books: dict[str, str]) -> None:
    assert "1 record" in reader.get(f"{BOOKS}/?search=book+3").get_data(as_text=True)
    by_pages = reader.get(f"{BOOKS}/?flt0_1=2").get_data(as_text=True)
    assert "book 2" in by_pages
    assert "book 3" not in by_pages
    by_shelf = reader.get(f"{BOOKS}/?flt0_2={hall_id()}").get_data(as_text=True)
    assert "5 records" in by_shelf


def test_counting_stops_at_the_cap(
    reader: PortalClient, books: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "COUNT_CAP", 3)
    monkeypatch.setattr("portal.web.model_views.COUNT_CAP", 3)
    assert "3+ records" in reader.get(f"{BOOKS}/").get_data(as_text=True)


def test_a_view_that_edits_in_the_list_is_refused(app: Flask) -> None:
    class Editable(PortalModelView):
        column_editable_list = ("title",)

    with pytest.raises(PluginLoadError, match="column_editable_list"):
        Editable(Book, endpoint="editable")


def test_a_form_that_would_load_a_whole_table_is_refused(app: Flask) -> None:
    class Loading(PortalModelView):
        permission_create = "library.books.edit"

    with pytest.raises(PluginLoadError, match="shelf"):
        Loading(Book, endpoint="loading")


def test_a_list_takes_few_statements_whatever_its_length(
    reader: PortalClient, books: dict[str, str], statements: list[str]
) -> None:
    reader.get(f"{BOOKS}/")
    statements.clear()
    reader.get(f"{BOOKS}/")
    # Sign-in (2), maintenance, institution, count, rows with their shelf, the menu of shelves.
    assert len([sql for sql in statements if not sql.startswith(("UPDATE", "BEGIN"))]) <= 9
