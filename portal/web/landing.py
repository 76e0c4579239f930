"""The public start page: what this is, how the first administrator is made, where to sign in."""

from flask import Blueprint, Flask, redirect, render_template, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from portal.access.routes import public_route
from portal.auth.models import Role, User, UserRole
from portal.kernel.actor import current_actor
from portal.kernel.db import db
from portal.kernel.errors import NotFound
from portal.web.downloads import send_blob
from portal.web.institution import institution
from portal.web.navigation import HOME_ENDPOINT
from portal.web.pages import asset

landing_pages = Blueprint("landing", __name__)


def init_landing(app: Flask) -> None:
    """Put the start page at ``/``."""
    app.register_blueprint(landing_pages)


def has_administrator() -> bool:
    """Say whether any active user holds an administrator role. One small SELECT."""
    found = (
        select(User.id)
        .join(UserRole, UserRole.user_id == User.id)
        .join(Role, Role.id == UserRole.role_id)
        .where(Role.is_administrator, User.active)
        .limit(1)
    )
    return db.session.scalar(found) is not None


@landing_pages.get("/")
@public_route
def start() -> str | Response:
    """Show the start page; the signed-in go on to the panel."""
    if current_actor().user_id is not None:
        return redirect(url_for(f"{HOME_ENDPOINT}.index"))
    return render_template("portal/landing.html", has_administrator=has_administrator())


@landing_pages.get("/institution/logo.jpg")
@public_route
def logo() -> Response:
    """Answer with the institution's logo; public, because the start page shows it.

    Raises:
        NotFound: when the institution has none.
    """
    sha256 = institution().logo
    if not sha256:
        raise NotFound("no-logo", "The institution has no logo.")
    response = send_blob(sha256, "image/jpeg", "logo.jpg", inline=True)
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


@landing_pages.get("/favicon.ico")
@public_route
def favicon() -> Response:
    """Lead to the icon: browsers ask here when what they show is not a page of ours, such as a PDF."""
    return redirect(asset("favicon.svg"))
