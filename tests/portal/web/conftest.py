"""An application with the library plugin, and people who sign in to it."""

from collections.abc import Iterator

import pytest
from flask import Flask

from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.testing.clients import PortalClient
from portal.testing.fixtures import SandboxesWith, SandboxOf
from portal.testing.sandboxes import EngineName, Sandbox
from tests.portal.signing_in import Visitors
from tests.portal.web import library_plugin
from tests.portal.web.library_plugin import Book, Shelf

SECRETS = 2
OPEN_BOOKS = 5


@pytest.fixture(scope="session")
def library_sandbox_of(sandboxes_with: SandboxesWith) -> SandboxOf:
    """Give the sandbox per engine that has the library plugin and one page that declares nothing."""
    with_library = sandboxes_with(library=library_plugin)

    def sandbox(engine: EngineName) -> Sandbox:
        made = with_library(engine)
        if "undeclared" not in made.app.view_functions:
            made.app.add_url_rule("/undeclared", "undeclared", lambda: "open to all by mistake")
        return made

    return sandbox


@pytest.fixture
def app(engine: EngineName, library_sandbox_of: SandboxOf) -> Iterator[Flask]:
    with library_sandbox_of(engine).in_use() as app:
        yield app


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
