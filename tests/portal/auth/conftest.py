"""What the tests of sign-in share."""

from collections.abc import Callable, Iterator

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import event

from portal.auth import accounts, passwords
from portal.kernel.db import db
from portal.kernel.transaction import transaction

PASSWORD = "correct horse battery"


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    """The SQL statements sent since the test began, without BEGIN."""
    sent: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if not statement.startswith("BEGIN"):
            sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield sent
    event.remove(db.engine, "before_cursor_execute", note)


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with the least that Argon2 allows, for tests that are about something else."""
    monkeypatch.setattr(
        passwords, "library_hash", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash
    )


@pytest.fixture
def make_user(app: Flask) -> Callable[..., int]:
    """Make a user with the password ``correct horse battery`` and return the id."""

    def make(name: str = "ann", **options: object) -> int:
        with transaction():
            return accounts.create_user(name, name.title(), **{"password": PASSWORD, **options}).id  # type: ignore[arg-type]

    return make
