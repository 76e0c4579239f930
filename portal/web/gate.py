"""Judges every request before its view runs: deny by default."""

from flask import Flask, current_app, redirect, request, url_for
from werkzeug.wrappers import Response

from portal.access.policy import require
from portal.access.routes import access_of
from portal.kernel.actor import current_actor
from portal.kernel.errors import Forbidden, InvalidInput
from portal.web.errors import SignInNeeded, wants_json

SIGN_IN_ENDPOINT = "security.login"


def init_gate(app: Flask) -> None:
    """Refuse every route that declares nothing, and everybody whom its declaration does not let in."""
    app.before_request(judge)
    app.before_request(refuse_nul)


def judge() -> Response | None:
    """Let the request through, send the signed-out to the login page, or refuse.

    Raises:
        Forbidden: ``permission-missing``, or ``route-undeclared`` for a route without a declaration.
        SignInNeeded: for signed-out callers that ask for JSON.
    """
    if request.endpoint is None:
        return None
    access = access_of(current_app, request.endpoint)
    if access is None:
        raise Forbidden("route-undeclared", f"The page {request.endpoint} does not declare who may open it.")
    if access.public or (access.admits is not None and access.admits()):
        return None
    actor = current_actor()
    if actor.user_id is None:
        return to_sign_in()
    if access.permission is not None:
        require(actor, access.permission)
    return None


def refuse_nul() -> None:
    """Refuse what no database stores as text and no person types.

    Raises:
        InvalidInput: code ``nul-character``.
    """
    sent = (
        *request.args.items(multi=True),
        *request.form.items(multi=True),
        *(request.view_args or {}).items(),
    )
    if any("\x00" in str(value) for _, value in sent):
        raise InvalidInput("nul-character", "The request contains a character that cannot be stored.")


def to_sign_in() -> Response:
    """Send a signed-out person to the login page and back afterwards.

    Raises:
        SignInNeeded: when the caller asks for JSON.
    """
    if wants_json():
        raise SignInNeeded
    came_for = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for(SIGN_IN_ENDPOINT, next=came_for))
