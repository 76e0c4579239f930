"""Counts and times every request, logs it, and names it in the log of everything that it causes."""

import logging
import time
from types import TracebackType

from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars

from portal.kernel import metrics
from portal.web.headers import request_id

log = logging.getLogger(__name__)

REQUESTS = metrics.counter(
    "portal_requests_total", "Requests by page, method and status.", ("endpoint", "method", "status")
)
SECONDS = metrics.histogram("portal_request_seconds", "Time until the answer was ready.", ("endpoint",))
NO_ENDPOINT = "none"
_STARTED = "portal_started"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def init_measuring(app: Flask) -> None:
    """Measure every request of the application. Call it before anything else that looks at requests."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_forget)
    # Flask's own line has the address, and an address may name a person.
    app.log_exception = _log_exception  # type: ignore[assignment,method-assign]


def _begin() -> None:
    setattr(g, _STARTED, time.monotonic())
    clear_contextvars()
    bind_contextvars(request_id=request_id())


def _end(response: Response) -> Response:
    seconds = time.monotonic() - g.get(_STARTED, time.monotonic())
    endpoint = request.endpoint or NO_ENDPOINT
    method = request.method if request.method in _METHODS else "other"
    REQUESTS.labels(endpoint, method, str(response.status_code)).inc()
    SECONDS.labels(endpoint).observe(seconds)
    level = logging.DEBUG if _is_quiet(endpoint, response.status_code) else logging.INFO
    log.log(
        level,
        "request",
        extra={
            "endpoint": endpoint,
            "method": method,
            "status": response.status_code,
            "milliseconds": round(seconds * 1000, 1),
        },
    )
    return response


def _forget(error: BaseException | None) -> None:
    clear_contextvars()


def _is_quiet(endpoint: str, status: int) -> bool:
    """Say whether the request is one of many that tell nothing: a static file, a probe, a poll without news."""
    return status < 500 and (endpoint.endswith("static") or endpoint.startswith("health.") or status == 304)


def _log_exception(
    info: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
) -> None:
    log.error("the page %s failed (%s)", request.endpoint or NO_ENDPOINT, request.method, exc_info=info)
