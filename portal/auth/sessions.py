"""Sign-ins as rows: the id is in the signed cookie, rotated at sign-in, deleted at sign-out, so a copy dies with it."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, g, request, session
from flask_security.utils import set_request_attr
from sqlalchemy import delete, or_, select
from sqlalchemy.orm import selectinload

from portal.audit.recording import record
from portal.auth.actors import actor_of
from portal.auth.models import User, UserSession
from portal.config import current_config
from portal.kernel.actor import acting_as
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.ids import new_id
from portal.kernel.transaction import transaction

COOKIE_KEY = "portal_session"
_CURRENT = "portal_user_session"


@dataclass(frozen=True, kw_only=True)
class CurrentSession:
    """The sign-in of this request."""

    id: uuid.UUID
    user_id: int
    last_seen_at: datetime


def current_session() -> CurrentSession | None:
    """Return the sign-in that this request came with, or None."""
    found: CurrentSession | None = g.get(_CURRENT)
    return found


def load_user(uniquifier: str) -> User | None:
    """Return the active user of the cookie if its sign-in still lives. Two statements; none for static files."""
    session_id = _cookie_id()
    if session_id is None or (request.endpoint or "").rpartition(".")[2] == "static":
        return None
    row = db.session.execute(
        select(User, UserSession.last_seen_at)
        .join(UserSession, UserSession.user_id == User.id)
        .where(UserSession.id == session_id, UserSession.expires_at > utc_now())
        .where(User.fs_uniquifier == uniquifier, User.active)
        .options(selectinload(User.roles))
    ).one_or_none()
    if row is None:
        return None
    user: User = row[0]
    g.setdefault(_CURRENT, CurrentSession(id=session_id, user_id=user.id, last_seen_at=row[1]))
    set_request_attr("fs_authn_via", "session")
    set_request_attr("fs_paa", session.get("fs_paa", 0))
    return user


def open_session(sender: Flask, user: User, **extra: Any) -> None:
    """Make the row of a new sign-in and put its id into the cookie. Opens its own transaction."""
    now, session_id = utc_now(), new_id()
    with acting_as(actor_of(user)), transaction():
        _remove(_cookie_id())
        db.session.add(
            UserSession(
                id=session_id,
                user_id=user.id,
                created_at=now,
                last_seen_at=now,
                expires_at=now + timedelta(hours=current_config().session_hours),
                address=(request.remote_addr or "")[:60],
                browser=request.user_agent.string[:200],
            )
        )
        record("sign-in", User.__tablename__, str(user.id), {"address": request.remote_addr or ""})
    session[COOKIE_KEY] = str(session_id)
    # A form token that was known before the sign-in is worth nothing after it.
    session.pop("csrf_token", None)
    g.pop("csrf_token", None)


def close_session(sender: Flask, user: User | None, **extra: Any) -> None:
    """Delete the row of this sign-in and its id from the cookie. Opens its own transaction."""
    session_id = _cookie_id()
    session.pop(COOKIE_KEY, None)
    g.pop(_CURRENT, None)
    if session_id is not None:
        with transaction():
            _remove(session_id)


def remove_expired() -> int:
    """Delete the sign-ins that have expired and return how many. Needs an open transaction; one statement."""
    gone = delete(UserSession).where(UserSession.expires_at < utc_now())
    return int(db.session.execute(gone.execution_options(synchronize_session=False)).rowcount)  # type: ignore[attr-defined]


def _remove(session_id: uuid.UUID | None) -> None:
    """Delete this sign-in and all that have expired."""
    db.session.execute(
        delete(UserSession)
        .where(or_(UserSession.id == session_id, UserSession.expires_at < utc_now()))
        .execution_options(synchronize_session=False)
    )


def _cookie_id() -> uuid.UUID | None:
    try:
        return uuid.UUID(session.get(COOKIE_KEY, ""))
    except ValueError:
        return None
