"""The library's operations: books in pages, one book, a book changed by whoever has seen its version."""

import uuid
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from portal.sdk import NotFound, transaction
from portal.sdk.rest import (
    Listing,
    PageQuery,
    api_blueprint,
    api_route,
    check_match,
    find_visible,
    list_page,
    narrowed_select,
    order_of,
    quoted,
    version_etag,
)
from tests.portal.web.library_plugin import Book

books = api_blueprint("library", "Books")
VIEW, EDIT = "library.books.view", "library.books.edit"


class BookOut(BaseModel):
    id: uuid.UUID
    title: str


class BookListOut(Listing[BookOut]):
    """Books."""


class BookQuery(PageQuery):
    state: str | None = None


class BookIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=50)
    weight: float = 0
    notes: Any = None


def shown(book: Any) -> BookOut:
    return BookOut(id=book.id, title=book.title)


@books.get("/books")
@api_route(VIEW, query=BookQuery, answer=BookListOut)
def list_books(query: BookQuery) -> Any:
    """List books."""
    statement = narrowed_select(Book, VIEW)
    if query.state is not None:
        statement = statement.where(Book.state == query.state)
    return list_page(statement, order_of(Book, Book.pages_count), query, shown)


@books.get("/books/<uuid:book_id>")
@api_route(VIEW, answer=BookOut, etag=True)
def show_book(book_id: uuid.UUID) -> Any:
    """Show a book."""
    book = _visible(book_id)
    return shown(book), 200, {"ETag": quoted(version_etag(book))}


@books.patch("/books/<uuid:book_id>")
@api_route(EDIT, body=BookIn, answer=BookOut, writes=True, match="required", etag=True)
def change_book(book_id: uuid.UUID, body: BookIn) -> Any:
    """Change a book."""
    with transaction() as session:
        book = _visible(book_id)
        check_match(version_etag(book))
        book.title = body.title
        session.flush()
        return shown(book), 200, {"ETag": quoted(version_etag(book))}


@books.get("/broken")
@api_route(VIEW, answer=BookOut)
def broken() -> Any:
    """Fail as a bug does."""
    raise RuntimeError("a bug in the plugin")


def _visible(book_id: uuid.UUID) -> Any:
    book = find_visible(Book, VIEW, book_id)
    if book is None:
        raise NotFound("book-missing", "There is no such book.")
    return book
