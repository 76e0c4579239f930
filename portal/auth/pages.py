"""The pages of activation and of one's own password. Sign-in and sign-out are the library's, with our form."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import current_user, login_user

from portal.access.routes import public_route, signed_in_only
from portal.auth.accounts import get_user, set_password
from portal.auth.activation import activate
from portal.auth.forms import ActivationForm, PasswordForm
from portal.auth.models import sign_in_key
from portal.auth.passwords import hashed, is_password
from portal.auth.throttle import current_throttle
from portal.kernel.errors import InvalidInput
from portal.kernel.transaction import transaction

blueprint = Blueprint("auth", __name__, template_folder="templates")


@blueprint.route("/activate", methods=["GET", "POST"])
@public_route
def activate_account() -> ResponseReturnValue:
    """Set the first password with the code of a letter."""
    form = ActivationForm(sign_in_name=request.args.get("name", "")[:80])
    if form.validate_on_submit() and _activated(form):
        flash("Your account is active. Sign in with your new password.", "success")
        return redirect(url_for("security.login"))
    status = 422 if form.is_submitted() else 200
    return render_template("portal/auth/activate.html", form=form), status


@blueprint.route("/account/password", methods=["GET", "POST"])
@signed_in_only
def change_password() -> ResponseReturnValue:
    """Change one's own password, which ends all other sign-ins."""
    form = PasswordForm()
    if form.validate_on_submit() and _changed(form):
        flash(
            "Your password is changed. Everybody who was signed in as you elsewhere is signed out.", "success"
        )
        return redirect(current_app.config["SECURITY_POST_LOGIN_VIEW"])
    status = 422 if form.is_submitted() else 200
    return render_template("portal/auth/change_password.html", form=form), status


def _activated(form: ActivationForm) -> bool:
    throttle, account = current_throttle(), sign_in_key(form.sign_in_name.data or "")
    throttle.check_account(f"activate:{account}")
    try:
        activate(form.sign_in_name.data or "", form.code.data or "", form.new_password.data or "")
    except InvalidInput as error:
        if error.code == "password-weak":
            form.new_password.errors = [error.message]
            return False
        throttle.note_failure(f"activate:{account}")
        form.form_errors.append(error.message)
        return False
    throttle.note_success(f"activate:{account}")
    throttle.note_success(account)
    return True


def _changed(form: PasswordForm) -> bool:
    throttle, user_id, account = current_throttle(), current_user.id, current_user.sign_in_key
    throttle.check_account(account)
    if not is_password(form.current_password.data or "", current_user.password):
        throttle.note_failure(account)
        form.current_password.errors = ["This is not your current password."]
        return False
    try:
        password = hashed(form.new_password.data or "")
    except InvalidInput as error:
        form.new_password.errors = [error.message]
        return False
    with transaction():
        set_password(user_id, password)
    login_user(get_user(user_id), authn_via=["password"])
    return True
