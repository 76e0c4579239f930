"""What the tests of sign-in share."""

from collections.abc import Callable

import pytest
from argon2 import PasswordHasher
from flask import Flask

from portal.auth import accounts, passwords
from portal.kernel.transaction import transaction

PASSWORD = "correct horse battery"


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
