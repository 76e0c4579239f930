"""Keeps everybody out of a closed portal but those who may pass; tells every page about the window."""

from typing import Any

from flask import Flask, current_app, g, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.local import LocalProxy

from portal.access.routes import access_of
from portal.kernel.actor import current_actor
from portal.kernel.errors import UnderMaintenance
from portal.maintenance.service import Window, current, may_pass, retry_after_seconds

_CACHED = "portal_maintenance_window"


def init_guard(app: Flask) -> None:
    """Judge every request by the open window, and give templates ``maintenance_window`` (false when there is none)."""
    app.before_request(_refuse_while_closed)
    app.context_processor(_banner)


def window_of_request() -> Window | None:
    """Return the open window as this request found it; one SELECT per request, at the first question."""
    if _CACHED not in g:
        setattr(g, _CACHED, current())
    found: Window | None = getattr(g, _CACHED)
    return found


def _refuse_while_closed() -> None:
    """Let the request through unless the portal is closed to this actor.

    Raises:
        UnderMaintenance: with the reason, and when to ask again.
    """
    if _is_always_open(request.endpoint):
        return
    window = window_of_request()
    if window is not None and not may_pass(current_actor(), window):
        raise UnderMaintenance(
            f"The portal is closed for a while: {window.reason}. Nothing is lost; come back in a few minutes.",
            retry_after_seconds(window),
        )


def _is_always_open(endpoint: str | None) -> bool:
    """Say whether the route is open in a closed portal: what does not exist, static files, and what declares it."""
    if endpoint is None or endpoint.rpartition(".")[2] == "static":
        return True
    access = access_of(current_app, endpoint)
    return access is not None and access.during_maintenance


def _banner() -> dict[str, Any]:
    # Asked only by templates that show it, so that pages without a banner cost no statement.
    return {"maintenance_window": LocalProxy(_window_for_page)}


def _window_for_page() -> Window | None:
    try:
        return window_of_request()
    except SQLAlchemyError:
        # The page may be the one that says that the database is away.
        return None
