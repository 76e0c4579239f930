"""Lists at size: pages by key, search by index, the same few statements for any number of rows."""

import html
import re
from itertools import count

import pytest
from sqlalchemy import insert, select

from portal.kernel import searching
from portal.kernel.db import db
from portal.kernel.ids import new_id
from portal.kernel.paging import order_of, page_of, position_text
from portal.kernel.transaction import transaction
from portal.testing.clients import PortalClient
from portal.web import paged_lists
from tests.portal.web.library_plugin import Book, Shelf

BOOKS = "/panel/library/books/"
NUMBERS = count()
pytestmark = pytest.mark.both_engines


@pytest.fixture
def uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every list is a long one: paged by key."""
    monkeypatch.setattr(paged_lists, "COUNT_CAP", 0)


def add_books(number: int, **values: object) -> None:
    shelf_id = db.session.scalar(select(Shelf.id).where(Shelf.name == "hall"))
    rows = [
        {
            "id": new_id(),
            "title": f"Volume {next(NUMBERS):04}",
            "state": "open" if place % 3 else "closed",
            "pages_count": place % 4 if place % 5 else None,
            "shelf_id": shelf_id,
            **values,
        }
        for place in range(number)
    ]
    with transaction() as session:
        session.execute(insert(Book), rows)


def titles(page: str) -> list[str]:
    return re.findall(r'<a class="row-link"[^>]*>([^<]+)</a>', page)


def link(page: str, label: str) -> str | None:
    found = re.search(rf'<a class="page-link" href="([^"]+)"[^>]*>\s*(?:<i [^>]*></i>)?\s*{label}', page)
    return html.unescape(found[1]) if found else None


def walk(client: PortalClient, address: str, label: str) -> list[list[str]]:
    pages = []
    following: str | None = address
    while following:
        page = client.get(following).get_data(as_text=True)
        pages.append(titles(page))
        following = link(page, label)
    return pages


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize("sort", ["", "&sort=1", "&sort=1&desc=1", "&sort=2", "&sort=2&desc=1"])
def test_next_and_previous_show_every_visible_row_once(
    reader: PortalClient, books: dict[str, str], sort: str
) -> None:
    add_books(60)
    address = f"{BOOKS}?page_size=20{sort}"
    pages = walk(reader, address, "Next")
    shown = [title for page in pages for title in page]
    assert [len(page) for page in pages] == [20, 20, 20, 5]
    assert len(set(shown)) == 65
    assert not any(title.startswith("secret") for title in shown)
    last = link(reader.get(address).get_data(as_text=True), "Last")
    assert last is not None
    backwards = walk(reader, last, "Previous")
    assert backwards[0] == shown[-20:]
    assert backwards[1] == shown[-40:-20]
    assert backwards[-1] == pages[0]


@pytest.mark.usefixtures("uncounted")
def test_a_filter_goes_with_the_pages_and_a_new_sort_begins_at_the_first(
    reader: PortalClient, books: dict[str, str]
) -> None:
    add_books(60)
    pages = walk(reader, f"{BOOKS}?page_size=20&flt0_0=closed", "Next")
    assert [len(page) for page in pages] == [20]
    page = reader.get(f"{BOOKS}?page_size=20").get_data(as_text=True)
    second = reader.get(link(page, "Next") or "").get_data(as_text=True)
    sorting = [html.unescape(url) for url in re.findall(r'<th [^>]*>\s*<a href="([^"]+)"', second)]
    assert sorting
    assert not any("after=" in url for url in sorting)


def test_a_short_list_has_numbered_pages(reader: PortalClient, books: dict[str, str]) -> None:
    add_books(60)
    first, second = (
        titles(reader.get(f"{BOOKS}?page_size=20&page={number}&sort=2").get_data(as_text=True))
        for number in (0, 1)
    )
    by_key = page_of(
        select(Book).where(Book.title.not_like("secret%")), order_of(Book, Book.pages_count), limit=40
    )
    assert first + second == [book.title for book in by_key.rows]


def test_garbage_in_place_of_a_position_shows_the_first_page_with_a_message(
    reader: PortalClient, books: dict[str, str]
) -> None:
    for query in (
        "after=garbage",
        "after=W251bGxd",
        "before=&after=",
        "after=" + "A" * 5000,
        "before=WzEsMl0",
    ):
        answer = reader.get(f"{BOOKS}?{query}")
        page = answer.get_data(as_text=True)
        assert answer.status_code == 200
        assert "does not lead to a page" in page
        assert len(titles(page)) == 5


def test_behind_the_last_row_is_the_last_page(reader: PortalClient, books: dict[str, str]) -> None:
    last = db.session.scalars(select(Book).order_by(Book.id.desc())).first()
    assert last is not None
    page = reader.get(f"{BOOKS}?after={position_text((last.id,))}").get_data(as_text=True)
    assert len(titles(page)) == 5


SEARCHES = {
    "BOOK 3": ["book 3"],
    "vol": ["Volume"],
    "3": ["book 3"],
    "3 boo": ["book 3"],
    "ook": [],
    "secret": [],
    "hall boo 2": ["book 2"],
    "100%": [],
    "_": [],
    "été": ["Un été"],
}


def test_a_search_finds_beginnings_of_words_and_nothing_hidden(
    reader: PortalClient, books: dict[str, str]
) -> None:
    add_books(1)
    add_books(1, title="Un été")
    for search, expected in SEARCHES.items():
        shown = titles(reader.get(BOOKS, query_string={"search": search}).get_data(as_text=True))
        assert [re.sub(r"(Volume) \d+", r"\1", title) for title in shown] == expected, search


def test_a_frequent_word_finds_the_first_rows_and_says_so(
    reader: PortalClient, books: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_books(30)
    monkeypatch.setattr(searching, "MAX_KEYS", 25)
    for search in ("vol", "hall", "vol ha"):
        page = reader.get(f"{BOOKS}?page_size=20&search={search}").get_data(as_text=True)
        assert "First 25 found; type more" in page
        pages = walk(reader, f"{BOOKS}?page_size=20&search={search}&sort=0&after=x", "Next")
        assert len({title for shown in pages for title in shown}) == 25
    page = reader.get(f"{BOOKS}?search=boo").get_data(as_text=True)
    assert "5 records" in page
    assert "found; type more" not in page


def test_more_rows_take_no_more_statements(
    reader: PortalClient, books: dict[str, str], statements: list[str], uncounted: None
) -> None:
    addresses = [
        f"{BOOKS}?{query}"
        for query in ("page_size=20", "page_size=20&sort=2", "search=vol", "search=hall", "flt0_0=open")
    ]
    reader.get(BOOKS)

    def cost() -> list[int]:
        numbers = []
        for address in addresses:
            statements.clear()
            reader.get(address)
            numbers.append(len(statements))
        return numbers

    add_books(3)
    few = cost()
    add_books(200)
    assert max(many - before for many, before in zip(cost(), few, strict=True)) <= 1
