"""Joins sign-in to the application: forms, cookies, sessions, and the actor of each request."""

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from flask import Flask, g
from flask_login import user_logged_in, user_logged_out
from flask_security import Security, SQLAlchemyUserDatastore, current_user
from flask_wtf import CSRFProtect
from sqlalchemy import select

from portal.access.routes import RouteAccess, declare_endpoint
from portal.auth.actors import actor_of
from portal.auth.bearer import bearer_actor, brings_token, note_token_use
from portal.auth.forms import SignInForm
from portal.auth.last_seen import note_last_seen
from portal.auth.models import Role, User
from portal.auth.pages import blueprint
from portal.auth.passwords import MIN_LENGTH
from portal.auth.sessions import close_session, load_user, open_session
from portal.auth.throttle import init_throttle
from portal.config import CONFIG_KEY, PortalConfig
from portal.kernel.actor import ANONYMOUS, Actor, acting_as
from portal.kernel.db import db

#: Checks the form token of every POST; the REST interface exempts its own blueprints.
csrf = CSRFProtect()

_ACTING = "portal_acting"


class UserStore(SQLAlchemyUserDatastore):
    """Finds users and roles for the library. It never commits: only entry points do."""

    def commit(self) -> None:
        """Do nothing: what is written at sign-in has its own transaction."""

    def find_user(self, case_insensitive: bool = False, **wanted: Any) -> User | None:
        """Return the user with these column values."""
        return db.session.scalar(select(User).filter_by(**wanted))

    def find_role(self, role: str) -> Role | None:
        """Return the role with this name."""
        return db.session.scalar(select(Role).where(Role.name == role))


def init_auth(app: Flask) -> None:
    """Wire sign-in, form tokens, limits and the actor into the application."""
    _configure(app, app.config[CONFIG_KEY])
    # First, so that our pages win over the library's of the same name.
    app.register_blueprint(blueprint)
    csrf.init_app(app)
    Security(app, UserStore(db, User, Role), login_form=SignInForm)
    app.login_manager.user_loader(load_user)  # type: ignore[attr-defined]
    app.login_manager.request_loader(_nobody)  # type: ignore[attr-defined]
    user_logged_in.connect(open_session, app)
    user_logged_out.connect(close_session, app)
    throttle = init_throttle(app)
    for endpoint in ("security.login", "auth.activate_account", "auth.change_password"):
        app.view_functions[endpoint] = throttle.per_address(app.view_functions[endpoint])
    for endpoint in ("security.login", "security.logout"):
        declare_endpoint(app, endpoint, RouteAccess(public=True, during_maintenance=True))
    app.before_request(_start_acting)
    app.after_request(note_last_seen)
    app.after_request(note_token_use)
    app.teardown_request(_stop_acting)


def request_actor() -> Actor:
    """Return the actor of the request: the owner of its token, or whoever is signed in; ANONYMOUS when nobody is."""
    if brings_token():
        return bearer_actor()
    return actor_of(current_user) if current_user and current_user.is_authenticated else ANONYMOUS


def _configure(app: Flask, config: PortalConfig) -> None:
    app.config.from_mapping(
        {
            "SESSION_COOKIE_NAME": "portal",
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
            "SESSION_COOKIE_SECURE": config.session_cookie_secure,
            "PERMANENT_SESSION_LIFETIME": timedelta(hours=config.session_hours),
            # A form token lives as long as the sign-in that it belongs to.
            "WTF_CSRF_TIME_LIMIT": None,
            "SECURITY_PASSWORD_HASH": "argon2",
            "SECURITY_PASSWORD_SCHEMES": ["argon2"],
            "SECURITY_PASSWORD_SINGLE_HASH": ["argon2"],
            "SECURITY_DEPRECATED_PASSWORD_SCHEMES": [],
            "SECURITY_PASSWORD_LENGTH_MIN": MIN_LENGTH,
            "SECURITY_LOGOUT_METHODS": ["POST"],
            "SECURITY_LOGIN_URL": "/login",
            "SECURITY_LOGOUT_URL": "/logout",
            "SECURITY_POST_LOGIN_VIEW": "/",
            "SECURITY_POST_LOGOUT_VIEW": "/login",
            "SECURITY_LOGIN_USER_TEMPLATE": "security/login_user.html",
            "SECURITY_FLASH_MESSAGES": False,
            "SECURITY_SEND_REGISTER_EMAIL": False,
        }
    )


def _nobody(request: object) -> None:
    """Let only cookies sign people in here; tokens belong to the REST interface."""


def _start_acting() -> None:
    """Act as the signed-in user until the request ends."""
    manager = acting_as(request_actor())
    manager.__enter__()
    setattr(g, _ACTING, manager)


def _stop_acting(error: BaseException | None = None) -> None:
    manager: AbstractContextManager[Actor] | None = g.pop(_ACTING, None)
    if manager is not None:
        manager.__exit__(None, None, None)
