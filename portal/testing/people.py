"""Users for tests, and signing in without the cost of a password hash."""

import time
from datetime import timedelta

from portal.auth.accounts import create_user, get_user
from portal.auth.models import Role, UserSession
from portal.auth.roles import ADMINISTRATOR
from portal.auth.sessions import COOKIE_KEY
from portal.auth.tokens import create_token
from portal.hooks.registry import current_registry
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.ids import new_id
from portal.kernel.transaction import transaction
from portal.testing.clients import PortalClient


def make_user(sign_in_name: str, *permissions: str, is_administrator: bool = False) -> int:
    """Return the id of a new user with a role that grants just ``permissions``. Opens its own transaction."""
    with transaction():
        roles = [ADMINISTRATOR] if is_administrator else []
        if permissions:
            name = f"role-of-{sign_in_name}"
            db.session.add(
                Role(name=name, title=name, permissions=sorted(permissions), is_administrator=False)
            )
            db.session.flush()
            roles.append(name)
        return create_user(sign_in_name, sign_in_name.title(), roles=roles).id


def make_token(user_id: int, *scopes: str) -> str:
    """Return the secret of a new API token of the user, with all permissions unless scopes are given.

    Opens its own transaction.
    """
    with transaction():
        return create_token(user_id, "test", scopes or current_registry().permissions).secret


def sign_in(client: PortalClient, user_id: int) -> PortalClient:
    """Give the client's cookies a sign-in of the user and return the client. Opens its own transaction."""
    now, session_id = utc_now(), new_id()
    with transaction():
        user_key = get_user(user_id).fs_uniquifier
        db.session.add(
            UserSession(
                id=session_id,
                user_id=user_id,
                created_at=now,
                last_seen_at=now,
                expires_at=now + timedelta(hours=1),
                address="127.0.0.1",
                browser="test",
            )
        )
    with client.session_transaction() as cookie:
        cookie.update(
            {"_user_id": user_key, "_fresh": True, COOKIE_KEY: str(session_id), "fs_paa": time.time()}
        )
    return client
