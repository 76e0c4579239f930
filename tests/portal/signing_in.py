"""People for page tests: each with a browser that is signed in. The login page itself is tested in ``auth``."""

from datetime import timedelta
from itertools import count

from flask import Flask
from sqlalchemy import select

from portal.auth import accounts
from portal.auth.models import Role, User, UserSession
from portal.auth.sessions import COOKIE_KEY
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.ids import new_id
from portal.kernel.transaction import transaction
from portal.testing.clients import PortalClient


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
            accounts.create_user(sign_in_name, sign_in_name.title(), roles=[f"role{number}"])
        return self.sign_in(sign_in_name)

    def administrator(self, name: str = "admin") -> PortalClient:
        """Return the browser of a new administrator."""
        with acting_as(SYSTEM), transaction():
            accounts.create_user(name, name, roles=[accounts.ADMINISTRATOR])
        return self.sign_in(name)

    def sign_in(self, name: str) -> PortalClient:
        """Return a browser with the sign-in that the login page would have made; hashing a password is slow."""
        now, session_id = utc_now(), new_id()
        with acting_as(SYSTEM), transaction():
            user = db.session.scalars(select(User).where(User.sign_in_key == name)).one()
            db.session.add(UserSession(id=session_id, user_id=user.id, expires_at=now + timedelta(hours=1)))
            uniquifier = user.fs_uniquifier
        client = PortalClient(self._app)
        with client.session_transaction() as session:
            session["_user_id"] = uniquifier
            session["_fresh"] = True
            session[COOKIE_KEY] = str(session_id)
        return client
