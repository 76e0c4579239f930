"""Turns errors into pages, or into problem documents (RFC 9457) for callers that ask for JSON."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, ClassVar

from flask import Flask, Response, json, make_response, render_template, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from portal.auth.bearer import API_ROOT
from portal.kernel.errors import PortalError, UnderMaintenance
from portal.web.headers import request_id
from portal.web.unmigrated import missing_migrations

log = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"
PLAIN_WORDS = {
    400: ("bad-request", "The request could not be understood. Go back, reload the page and try again."),
    401: ("sign-in-needed", "Sign in to see this page."),
    403: ("forbidden", "You may not do this."),
    404: (
        "not-found",
        "There is nothing at this address. It may have been removed, or the link is incomplete.",
    ),
    405: ("method-not-allowed", "This address does not answer this kind of request."),
    413: ("upload-too-large", "The file is larger than this portal accepts. Split it, or ask the operator."),
    429: ("too-many-requests", "Too many requests. Wait a moment and try again."),
    500: (
        "internal-error",
        "Something went wrong in the portal. Nothing was saved; the operator can find it in the log.",
    ),
    503: ("unavailable", "The portal is busy. Try again in a moment."),
}
#: What programs are told instead.
API_WORDS = {
    400: ("bad-request", "The request could not be understood: its body or its headers are malformed."),
    401: ("sign-in-needed", "Send a token: Authorization: Bearer cpt_…"),
    404: ("not-found", "There is nothing at this address."),
    405: (
        "method-not-allowed",
        "This address does not answer this method; the header Allow names those it does.",
    ),
    415: (
        "media-type-wrong",
        "This operation takes another kind of body: see Content-Type in its description.",
    ),
    413: (
        "body-too-large",
        "The body is larger than this portal accepts here. Send a file, or less at once.",
    ),
}
#: How the names of blueprints begin whose callers are programs, outside of the REST interface.
PROGRAMS = "programs_"
#: When to come back to a portal that is busy and cannot say for how long.
BUSY_SECONDS = 5
#: The one page below the REST interface's address.
API_PAGE = "/api/docs"


class SignInNeeded(PortalError):
    """Nobody is signed in."""

    status: ClassVar[int] = 401
    CODE: ClassVar[str] = "sign-in-needed"

    def __init__(self) -> None:
        words = API_WORDS[401][1] if below_api() else "Sign in to go on."
        super().__init__(self.CODE, words)


def init_errors(app: Flask) -> None:
    """Answer every error with a page or problem document that carries status, code, message and request id."""
    app.register_error_handler(PortalError, _portal_error)
    app.register_error_handler(HTTPException, _http_error)


def below_api() -> bool:
    """Say whether the address belongs to the REST interface, whose answers are never pages."""
    return request.path.startswith(API_ROOT) and request.path != API_PAGE


def wants_json() -> bool:
    """Say whether the caller prefers JSON over a page."""
    if below_api() or (request.blueprint or "").startswith(PROGRAMS):
        return True
    best = request.accept_mimetypes.best_match(["text/html", PROBLEM_TYPE, "application/json"], "text/html")
    return best != "text/html"


def _portal_error(error: PortalError) -> Response:
    # Closed by a setting, or for a while, is no failure.
    is_closed = error.status == HTTPStatus.NOT_IMPLEMENTED or isinstance(error, UnderMaintenance)
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not is_closed:
        log.error("the request failed: %s", error.code, exc_info=error)
    retry = getattr(error, "retry_after_seconds", None)
    members = getattr(error, "members", {})
    return answer_problem(
        error.status, error.code, error.message, error.facts, retry, getattr(error, "errors", ()), members
    )


def _http_error(error: HTTPException) -> Response | AnyResponse:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if status < HTTPStatus.BAD_REQUEST:
        return error.get_response()
    if missing := missing_migrations(getattr(error, "original_exception", None)):
        return answer_problem(HTTPStatus.SERVICE_UNAVAILABLE, "migrations-missing", missing, {})
    words = {**PLAIN_WORDS, **API_WORDS} if below_api() else PLAIN_WORDS
    code, message = words.get(status, ("error", error.description or HTTPStatus(status).phrase))
    if status == HTTPStatus.BAD_REQUEST and type(error).__name__ == "CSRFError":
        code, message = (
            "form-expired",
            "This form is too old, or was not made by the portal. Reload the page and try again.",
        )
    if isinstance(error, RequestEntityTooLarge):
        log.info("upload refused as too large: %s bytes", request.content_length)
    response = answer_problem(status, code, message, {}, getattr(error, "retry_after", None))
    if status == HTTPStatus.METHOD_NOT_ALLOWED and getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(error.valid_methods)  # type: ignore[attr-defined]
    return response


def answer_problem(
    status: int,
    code: str,
    message: str,
    facts: Mapping[str, Any],
    retry_after: Any = None,
    errors: Sequence[Mapping[str, Any]] = (),
    members: Mapping[str, Any] = MappingProxyType({}),
) -> Response:
    """Answer with a page or a problem document.

    Args:
        errors: What is wrong with each field; by default what ``facts["field"]`` names.
        members: Further members of a problem document, which older programs look for.
    """
    title = HTTPStatus(status).phrase
    if wants_json():
        if not errors and facts.get("field"):
            errors = [{"field": str(facts["field"]), "code": code, "message": message}]
        document = {
            **members,
            "type": f"urn:campus-portal:problem:{code}",
            "title": title,
            "status": status,
            "code": code,
            "detail": message,
            "facts": dict(facts),
            "errors": list(errors),
            "request_id": request_id(),
        }
        response = make_response(json.dumps(document), status)
        response.content_type = PROBLEM_TYPE
        if status == HTTPStatus.UNAUTHORIZED:
            detail = (
                "" if code == SignInNeeded.CODE else f', error="invalid_token", error_description="{message}"'
            )
            response.headers["WWW-Authenticate"] = f'Bearer realm="Campus Portal"{detail}'
    else:
        page = render_template(
            "portal/error.html", status=status, code=code, message=message, title=title, facts=facts
        )
        response = make_response(page, status)
    if retry_after is None and status == HTTPStatus.SERVICE_UNAVAILABLE:
        retry_after = BUSY_SECONDS
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
