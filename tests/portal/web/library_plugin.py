"""A plugin with two tables and their pages: what a plugin's author would write, and what the tests look at."""

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from flask import redirect
from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.sql.elements import ColumnElement

from portal.sdk import (
    Actor,
    AdminView,
    Base,
    Conflict,
    MigrationSource,
    Permission,
    Versioned,
    db,
    hookimpl,
    may,
    new_id,
    search_index,
    transaction,
    word_indexes,
)
from portal.sdk.rest import RestApi
from portal.sdk.web import (
    ChoiceFilter,
    IntEqualFilter,
    PortalModelView,
    PortalView,
    RelatedFilter,
    expose,
    portal_action,
    public_route,
    requires,
)

PORTAL_API = "1"
NAME = "library"
TITLE = "Library"


class Shelf(Base):
    __tablename__ = "library_shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)

    def __str__(self) -> str:
        return self.name


class Book(Versioned, Base):
    __tablename__ = "library_book"
    __table_args__ = tuple(
        Index(f"ix_library_book_{column}", column, "id") for column in ("state", "pages_count", "shelf_id")
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    title: Mapped[str] = mapped_column(String(50), unique=True)
    state: Mapped[str] = mapped_column(String(20), default="open")
    pages_count: Mapped[int | None]
    shelf_id: Mapped[int] = mapped_column(ForeignKey(Shelf.id))
    shelf: Mapped[Shelf] = relationship()

    def __str__(self) -> str:
        return self.title


word_indexes(Book.title, words=3)
search_index(Shelf.name)


def shelves() -> list[tuple[str, str]]:
    return [(str(shelf.id), shelf.name) for shelf in db.session.scalars(db.select(Shelf))]


class BooksView(PortalModelView):
    introduction = "All books."
    permission_create = "library.books.edit"
    permission_edit = "library.books.edit"
    permission_delete = "library.books.delete"
    permission_export = "library.books.export"
    column_list = ("title", "state", "pages_count", "shelf")
    column_badges = ("state",)
    column_searchable_list = ("title", "shelf.name")
    column_filters: ClassVar[list[Any]] = [
        ChoiceFilter(Book.state, "State", ["open", "closed"]),
        IntEqualFilter(Book.pages_count, "Pages"),
        RelatedFilter(Book.shelf_id, "Shelf", shelves, int),
    ]
    form_columns = ("title", "pages_count", "shelf")
    form_ajax_refs: ClassVar[dict[str, Any]] = {"shelf": {"fields": ("name",), "order_by": "name"}}

    def on_model_change(self, form: Any, model: Book, is_created: bool) -> None:
        if model.title == "forbidden":
            raise Conflict("title-forbidden", "No book may have this title.", {"field": "title"})

    @portal_action("close", "Close", "library.books.edit", "Close the selected books?")
    def close(self, ids: list[str]) -> Any:
        with transaction():
            for key in ids:
                book = db.session.get(Book, uuid.UUID(key))
                assert book is not None
                book.state = "closed"
        return redirect(f"/panel/library/books/?closed={len(ids)}")


class ShelvesView(PortalModelView):
    """Nobody may change shelves here: read-only, as every view unless it says otherwise."""


class DeskView(PortalView):
    @expose("/")
    def index(self) -> str:
        return "the desk"

    @expose("/hours")
    @public_route
    def hours(self) -> str:
        return "nine to five"

    @expose("/till")
    @requires("library.books.delete")
    def till(self) -> str:
        return "the till"

    @expose("/broken")
    def broken(self) -> str:
        raise TypeError("a bug in the plugin")


@hookimpl
def portal_models() -> Sequence[type]:
    return (Shelf, Book)


@hookimpl
def portal_migrations() -> Sequence[MigrationSource]:
    return (MigrationSource(package="tests.portal.web", folder="library_migrations"),)


@hookimpl
def portal_permissions() -> Sequence[Permission]:
    return tuple(
        Permission(name=f"library.books.{verb}", title=f"{verb} books")
        for verb in ("view", "edit", "delete", "export", "see_all")
    )


@hookimpl
def portal_narrow_rows(actor: Actor, permission: str, model: type) -> ColumnElement[bool] | None:
    if model is Book and not may(actor, "library.books.see_all"):
        return Book.title.not_like("secret%")
    if model is Shelf and not may(actor, "library.books.see_all"):
        return Shelf.name != "vault"
    return None


@hookimpl
def portal_rest() -> Sequence[RestApi]:
    from tests.portal.web.library_rest import books

    return (RestApi(blueprint=books),)


@hookimpl
def portal_admin_views() -> Sequence[AdminView]:
    view = "library.books.view"
    return (
        AdminView(
            view=BooksView,
            model=Book,
            category="Library",
            permission=view,
            name="Books",
            endpoint="library_books",
        ),
        AdminView(view=ShelvesView, model=Shelf, category="Library", permission=view, name="Shelves"),
        AdminView(view=DeskView, category="Library", permission=view, name="Desk", endpoint="library_desk"),
    )
