"""Signing in programs that know name and password only, by the rules that hold for people."""

from flask_security.utils import login_user, logout_user
from werkzeug.datastructures import MultiDict

from portal.auth.forms import SignInForm


def sign_in_program(name: str, password: str) -> bool:
    """Open a sign-in for whoever has this name and password, and return whether there is such an account.

    Opens its own transaction.

    Raises:
        TooMany: after too many failed tries for the name.
    """
    form = SignInForm(formdata=MultiDict({"sign_in_name": name, "password": password}), meta={"csrf": False})
    if not form.validate() or form.user is None:
        return False
    return bool(login_user(form.user, authn_via=["password"]))


def sign_out_program() -> None:
    """End the sign-in of this request; without one nothing happens. Opens its own transaction."""
    logout_user()
