"""An application with the library plugin, and people who sign in to it."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import event

from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.testing.clients import PortalClient
from portal.testing.sandboxes import EngineName, Sandbox
from tests.portal.signing_in import Visitors
from tests.portal.web import library_plugin
from tests.portal.web.library_plugin import Book, Shelf

SECRETS = 2
OPEN_BOOKS = 5


@pytest.fixture(scope="session")
def library_sandbox_of(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[EngineName], Sandbox]:
    made: dict[EngineName, Sandbox] = {}

    def sandbox(engine: EngineName) -> Sandbox:
        if engine not in made:
            server = request.getfixturevalue("postgresql_server") if engine == "postgresql" else None
            folder = tmp_path_factory.mktemp("library") / f"library_{engine}"
            made[engine] = Sandbox(engine, folder, server, plugins={"library": library_plugin})
            made[engine].app.add_url_rule("/undeclared", "undeclared", lambda: "open to all by mistake")
        return made[engine]

    return sandbox


@pytest.fixture
def app(engine: EngineName, library_sandbox_of: Callable[[EngineName], Sandbox]) -> Iterator[Flask]:
    with library_sandbox_of(engine).in_use() as app:
        yield app


@pytest.fixture
def visitors(app: Flask) -> Visitors:
    return Visitors(app)


@pytest.fixture
def books(app: Flask) -> dict[str, str]:
    """Books on shelves, title → id: five open ones, two secret ones; shelves hall and vault."""
    with acting_as(SYSTEM), transaction():
        hall, vault = Shelf(name="hall"), Shelf(name="vault")
        made = [Book(title=f"book {number}", shelf=hall, pages_count=number) for number in range(OPEN_BOOKS)]
        made += [Book(title=f"secret {number}", shelf=vault) for number in range(SECRETS)]
        db.session.add_all(made)
        db.session.flush()
        return {book.title: str(book.id) for book in made}


@pytest.fixture
def reader(visitors: Visitors) -> PortalClient:
    """Somebody who may only look."""
    return visitors.with_permissions("library.books.view")


@pytest.fixture
def librarian(visitors: Visitors) -> PortalClient:
    """Somebody who may look and change, but not see what is narrowed away."""
    return visitors.with_permissions("library.books.view", "library.books.edit", "library.books.delete")


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    """The SQL statements sent since the test began."""
    sent: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield sent
    event.remove(db.engine, "before_cursor_execute", note)
