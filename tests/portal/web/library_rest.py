"""The library's operations: books in pages, one book, a book changed by whoever has seen its version."""

import uuid
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from portal.sdk import transaction
from portal.sdk.rest import (
    Listing,
    PageQuery,
    api_blueprint,
    api_route,
    check_match,
    from_record,
    get_visible,
    list_page,
    narrowed_select,
    order_of,
    tagged,
    version_etag,
)
from tests.portal.web.library_plugin import Book

books = api_blueprint("library", "Books")
VIEW, EDIT = "library.books.view", "library.books.edit"


class BookOut(BaseModel):
    """A book."""

    id: uuid.UUID
    title: str

    @classmethod
    def of(cls, book: Book) -> "BookOut":
        """Return what a book looks like."""
        return from_record(cls, book)


class BookListOut(Listing[BookOut]):
    """Books."""


class BookQuery(PageQuery):
    state: str | None = None


class BookIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=50)
    weight: float = 0
    notes: Any = None


@books.get("/books")
@api_route(VIEW, query=BookQuery, answer=BookListOut)
def list_books(query: BookQuery) -> Any:
    """List books."""
    statement = narrowed_select(Book, VIEW)
    if query.state is not None:
        statement = statement.where(Book.state == query.state)
    return list_page(statement, order_of(Book, Book.pages_count), query, BookOut.of)


@books.get("/books/<uuid:book_id>")
@api_route(VIEW, answer=BookOut, etag=True)
def show_book(book_id: uuid.UUID) -> Any:
    """Show a book."""
    book = _visible(book_id)
    return tagged(BookOut.of(book), book)


@books.patch("/books/<uuid:book_id>")
@api_route(EDIT, body=BookIn, answer=BookOut, writes=True, match="required", etag=True)
def change_book(book_id: uuid.UUID, body: BookIn) -> Any:
    """Change a book."""
    with transaction() as session:
        book = _visible(book_id, lock=True)
        check_match(version_etag(book))
        book.title = body.title
        session.flush()
        return tagged(BookOut.of(book), book)


@books.get("/broken")
@api_route(VIEW, answer=BookOut)
def broken() -> Any:
    """Fail as a bug does."""
    raise RuntimeError("a bug in the plugin")


def _visible(book_id: uuid.UUID, *, lock: bool = False) -> Any:
    return get_visible(Book, VIEW, book_id, code="book-missing", message="There is no such book.", lock=lock)
