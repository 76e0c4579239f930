"""API tokens: made, found by their secret, revoked. The secret is shown once; only its hash is kept."""

import hashlib
import hmac
import re
import secrets
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from portal.auth.actors import actor_of
from portal.auth.models import ApiToken, User, sign_in_key
from portal.hooks.registry import current_registry
from portal.kernel.actor import Actor, current_actor
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict, InvalidInput, NotFound, PortalError

#: What every token begins with, so that people and scanners of leaked secrets recognise one.
MARK = "cpt"
DEFAULT_DAYS = 90
MOST_DAYS = 730
MAX_NAME = 100
MOST_TOKENS = 100
MOST_LISTED = 500
_PREFIX_BYTES = 5
_SECRET_BYTES = 32
_RULE = re.compile(rf"{MARK}_([0-9a-f]{{{2 * _PREFIX_BYTES}}})_([A-Za-z0-9_-]{{43}})")
#: Compared when there is no such token, so that both cases take as long.
_NO_HASH = "0" * 64


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """A token that was just made; ``secret`` is the whole of what its user sends, and is not kept anywhere."""

    id: uuid.UUID
    secret: str


class TokenRefused(PortalError):
    """The token of a call is not good: unknown, damaged, expired, revoked, or its owner is switched off."""

    status: ClassVar[int] = 401


def create_token(
    user_id: int, name: str, scopes: Iterable[str], expires_at: datetime | None = None
) -> NewToken:
    """Make a token of a user and return its secret, this once. Needs an open transaction; does not commit.

    Args:
        name: What it is for, 1 to 100 characters.
        scopes: Names of declared permissions, at least one. What the owner does not hold counts for nothing.
        expires_at: Within two years; None: in 90 days.

    Raises:
        InvalidInput: ``token-name-invalid``, ``token-scopes-invalid``, ``token-expiry-invalid``.
        NotFound: when there is no such user.
        Conflict: ``user-switched-off``; ``too-many-tokens``.
    """
    now = utc_now()
    end = expires_at if expires_at is not None else now + timedelta(days=DEFAULT_DAYS)
    _refuse_expiry(end, now)
    owner = db.session.get(User, user_id)
    if owner is None:
        raise NotFound("user-not-found", "There is no such user.")
    if not owner.active:
        raise Conflict("user-switched-off", "The user is switched off. Switch the user on first.")
    if len(list_tokens(user_id, only_live=True)) >= MOST_TOKENS:
        raise Conflict("too-many-tokens", f"A user has at most {MOST_TOKENS} tokens. Revoke one first.")
    prefix, secret = secrets.token_hex(_PREFIX_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    token = ApiToken(
        user_id=user_id,
        name=_checked_name(name),
        prefix=prefix,
        secret_sha256=_hash(secret),
        scopes=_checked_scopes(scopes),
        created_at=now,
        created_by_name=current_actor().name,
        expires_at=end,
    )
    db.session.add(token)
    db.session.flush()
    return NewToken(id=token.id, secret=f"{MARK}_{prefix}_{secret}")


def revoke_token(token_id: uuid.UUID) -> ApiToken:
    """End a token for good; ending it again changes nothing. Needs an open transaction; does not commit.

    Raises:
        NotFound: when there is none.
    """
    token = get_token(token_id)
    if token.revoked_at is None:
        token.revoked_at = utc_now()
        db.session.flush()
    return token


def get_token(token_id: uuid.UUID) -> ApiToken:
    """Return the token with its owner.

    Raises:
        NotFound: when there is none.
    """
    statement = select(ApiToken).where(ApiToken.id == token_id).options(joinedload(ApiToken.owner))
    found = db.session.scalar(statement)
    if found is None:
        raise NotFound("token-not-found", "There is no such token.")
    return found


def list_tokens(
    user_id: int | None = None, *, only_live: bool = False, owner: str = "", limit: int = MOST_LISTED
) -> Sequence[ApiToken]:
    """Return the tokens of one user, or everybody's, newest first, with their owners. One statement.

    Args:
        only_live: Leave out those that are revoked or expired.
        owner: Only those of the user who signs in by this name.
    """
    statement = select(ApiToken).options(joinedload(ApiToken.owner)).order_by(ApiToken.created_at.desc())
    if user_id is not None:
        statement = statement.where(ApiToken.user_id == user_id)
    if owner:
        statement = statement.where(ApiToken.owner.has(User.sign_in_key == sign_in_key(owner)))
    if only_live:
        statement = statement.where(ApiToken.revoked_at.is_(None), ApiToken.expires_at > utc_now())
    return db.session.scalars(statement.limit(limit)).all()


def token_of(sent: str) -> ApiToken:
    """Return the token whose secret was sent, with its owner and the owner's roles. Two statements.

    Raises:
        TokenRefused: ``token-invalid``, ``token-revoked``, ``token-expired`` or ``token-owner-off``.
    """
    parts = _RULE.fullmatch(sent)
    prefix, secret = parts.groups() if parts else ("", sent)
    token = db.session.scalar(
        select(ApiToken)
        .where(ApiToken.prefix == prefix)
        .options(joinedload(ApiToken.owner).options(selectinload(User.roles)))
    )
    expected = token.secret_sha256 if token is not None else _NO_HASH
    if not hmac.compare_digest(expected, _hash(secret)) or token is None:
        raise TokenRefused("token-invalid", "There is no such token. Check that it was copied as a whole.")
    if token.revoked_at is not None:
        raise TokenRefused("token-revoked", "This token was revoked. Make a new one.")
    if token.expires_at <= utc_now():
        raise TokenRefused("token-expired", "This token has expired. Make a new one.")
    if not token.owner.active:
        raise TokenRefused("token-owner-off", "The user of this token is switched off.")
    return token


def actor_of_token(token: ApiToken) -> Actor:
    """Return who acts by the token: its owner, with those of the scopes that the owner holds now."""
    owner, scopes = actor_of(token.owner), frozenset(str(scope) for scope in token.scopes)
    held = scopes & current_registry().permissions.keys() if owner.is_administrator else scopes & owner.grants
    return Actor(user_id=owner.user_id, name=acting_name(owner.name, token.name), grants=frozenset(held))


def acting_name(owner_name: str, token_name: str) -> str:
    """Return what a program is called that acts by a token."""
    return f"{owner_name} (token {token_name})"[:200]


def _hash(secret: str) -> str:
    # 256 random bits: nothing to guess, so a slow hash would only slow the portal down.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _checked_name(name: str) -> str:
    cleaned = name.strip()
    if not 1 <= len(cleaned) <= MAX_NAME or not cleaned.isprintable():
        raise InvalidInput(
            "token-name-invalid",
            f"Say in 1 to {MAX_NAME} characters what the token is for.",
            {"field": "name"},
        )
    return cleaned


def _checked_scopes(scopes: Iterable[str]) -> list[str]:
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in current_registry().permissions]
    if unknown:
        raise InvalidInput(
            "token-scopes-invalid",
            f"Nobody declares these permissions: {', '.join(unknown)}.",
            {"field": "scopes"},
        )
    if not wanted:
        raise InvalidInput(
            "token-scopes-invalid", "Choose at least one permission for the token.", {"field": "scopes"}
        )
    return wanted


def _refuse_expiry(end: datetime, now: datetime) -> None:
    if not now < end <= now + timedelta(days=MOST_DAYS, minutes=1):
        raise InvalidInput(
            "token-expiry-invalid", f"A token ends within {MOST_DAYS} days from now.", {"field": "days"}
        )
