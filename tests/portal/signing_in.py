"""People for page tests: each with a browser that is signed in through the login page."""

from itertools import count

from flask import Flask

from portal.auth import accounts
from portal.auth.models import Role
from portal.auth.passwords import HashedPassword, hashed
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.testing.clients import PortalClient

PASSWORD = "correct horse battery"  # noqa: S105 - a test's
# Hashing is slow on purpose; once is enough for all people of an application.
_hashes: dict[int, HashedPassword] = {}


class Visitors:
    """Makes users with roles of just the given permissions, and signs them in."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._numbers = count(1)

    def with_permissions(self, *permissions: str, name: str | None = None) -> PortalClient:
        """Return the browser of a new user who holds exactly these permissions."""
        number = next(self._numbers)
        sign_in_name = name or f"user{number}"
        with acting_as(SYSTEM), transaction():
            db.session.add(Role(name=f"role{number}", title=f"Role {number}", permissions=list(permissions)))
            db.session.flush()
            accounts.create_user(
                sign_in_name, sign_in_name.title(), password=self._password(), roles=[f"role{number}"]
            )
        return self.sign_in(sign_in_name)

    def administrator(self, name: str = "admin") -> PortalClient:
        """Return the browser of a new administrator."""
        with acting_as(SYSTEM), transaction():
            accounts.create_administrator(name, self._password())
        return self.sign_in(name)

    def sign_in(self, name: str) -> PortalClient:
        """Return a browser that has just signed in."""
        client = PortalClient(self._app)
        answer = client.submit("/login", {"sign_in_name": name, "password": PASSWORD})
        assert answer.status_code == 302, answer.get_data(as_text=True)
        return client

    def _password(self) -> HashedPassword:
        return _hashes.setdefault(id(self._app), _hashes.get(id(self._app)) or hashed(PASSWORD))
