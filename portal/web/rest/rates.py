"""How often one caller may call in a minute; without a good token it is the address that is counted, and less."""

from flask import g, request

from portal.auth.throttle import current_throttle
from portal.config import current_config
from portal.kernel.actor import current_actor
from portal.kernel.errors import TooMany

WINDOW_SECONDS = 60
ANONYMOUS_SHARE = 10
_HEADERS = "portal_rate_headers"


def count_call() -> None:
    """Count this call.

    Raises:
        TooMany: ``calls-limited``, telling when to come back.
    """
    limit, user_id = current_config().api_requests_per_minute, current_actor().user_id
    caller = f"user {user_id}"
    if user_id is None:
        caller, limit = f"address {request.remote_addr}", max(limit // ANONYMOUS_SHARE, 1)
    count, seconds = current_throttle().count("api", caller, WINDOW_SECONDS)
    headers = {
        "RateLimit-Limit": str(limit),
        "RateLimit-Remaining": str(max(limit - count, 0)),
        "RateLimit-Reset": str(seconds),
    }
    setattr(g, _HEADERS, headers)
    if count > limit:
        raise TooMany(
            "calls-limited", f"At most {limit} calls a minute. Call again in {seconds} seconds.", seconds
        )


def rate_headers() -> dict[str, str]:
    """Return the headers that tell the caller what is left of its minute; empty for pages."""
    found: dict[str, str] = g.get(_HEADERS, {})
    return found
