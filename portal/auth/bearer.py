"""Calls of the REST interface that bring a token: whose they are, and when the token was last used."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response, g, request
from sqlalchemy import update

from portal.auth.last_seen import write_soon
from portal.auth.models import ApiToken
from portal.auth.tokens import TokenRefused, actor_of_token, token_of
from portal.kernel.actor import ANONYMOUS, Actor
from portal.kernel.clock import utc_now

#: Tokens are taken below this address only; everywhere else only a sign-in counts.
API_ROOT = "/api/"
INTERVAL = timedelta(minutes=1)
_SCHEME = "bearer "
_CURRENT = "portal_token"
_PROBLEM = "portal_token_problem"


@dataclass(frozen=True, kw_only=True)
class CurrentToken:
    """The token of this call, as plain values."""

    prefix: str
    name: str
    scopes: tuple[str, ...]
    expires_at: datetime
    last_used_at: datetime | None


def brings_token() -> bool:
    """Say whether the request is a REST call with a token: then nothing else says who is calling."""
    return request.path.startswith(API_ROOT) and _authorization().lower().startswith(_SCHEME)


def bearer_actor() -> Actor:
    """Return who calls by the request's token; ANONYMOUS when it is not good, see :func:`token_problem`."""
    try:
        token = token_of(_authorization()[len(_SCHEME) :].strip())
    except TokenRefused as problem:
        setattr(g, _PROBLEM, problem)
        return ANONYMOUS
    current = CurrentToken(
        prefix=token.prefix,
        name=token.name,
        scopes=tuple(token.scopes),
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
    )
    setattr(g, _CURRENT, current)
    return actor_of_token(token)


def current_token() -> CurrentToken | None:
    """Return the token of this call, or None."""
    found: CurrentToken | None = g.get(_CURRENT)
    return found


def token_problem() -> TokenRefused | None:
    """Return why the token of this call was not taken, or None."""
    found: TokenRefused | None = g.get(_PROBLEM)
    return found


def note_token_use(response: Response) -> Response:
    """Note that the token was used if the last note is old enough; a busy database is no reason to wait."""
    token, now = current_token(), utc_now()
    if token is not None and (token.last_used_at is None or now - token.last_used_at >= INTERVAL):
        write_soon(update(ApiToken).where(ApiToken.prefix == token.prefix).values(last_used_at=now))
    return response


def _authorization() -> str:
    return request.headers.get("Authorization", "")
