"""The forms of sign-in, activation and one's own password."""

from typing import Any

from flask_security.forms import LoginForm
from flask_security.utils import validate_redirect_url
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField, SubmitField
from wtforms.validators import EqualTo, InputRequired, Length

from portal.auth.accounts import find_user_for_sign_in
from portal.auth.models import sign_in_key
from portal.auth.passwords import MAX_LENGTH, MIN_LENGTH, is_password
from portal.auth.throttle import current_throttle
from portal.kernel.db import reading

_NEW_PASSWORD = {"autocomplete": "new-password"}


class SignInForm(LoginForm):
    """Sign-in name (or e-mail address) and password."""

    email = None
    remember = None
    sign_in_name = StringField(
        "Sign-in name or e-mail",
        validators=[InputRequired("Enter your sign-in name."), Length(max=254)],
        render_kw={
            "autocomplete": "username",
            "autofocus": True,
            "autocapitalize": "none",
            "spellcheck": "false",
        },
    )
    password = PasswordField(
        "Password",
        validators=[InputRequired("Enter your password."), Length(max=MAX_LENGTH)],
        render_kw={"autocomplete": "current-password"},
    )
    submit = SubmitField("Sign in")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # Nobody is sent to another site, and nobody is kept out because a link asked for that.
        if not validate_redirect_url(self.next.data or ""):
            self.next.data = ""

    def validate(self, **arguments: Any) -> bool:
        """Say whether the person may sign in; ``user`` is set then.

        Raises:
            TooMany: when there were too many failed tries for the name.
        """
        # The library's own check looks for an e-mail and hashes without a cap.
        if not super(LoginForm, self).validate(**arguments):
            return False
        name = self.sign_in_name.data or ""
        throttle = current_throttle()
        with reading():
            user = find_user_for_sign_in(name)
            account = user.sign_in_key if user else sign_in_key(name)
            stored = user.password if user else None
        throttle.check_account(account)
        if not is_password(self.password.data or "", stored):
            throttle.note_failure(account)
            self.form_errors.append("This name and password do not belong together.")
            return False
        if user is None or not user.active:
            self.form_errors.append("This account is switched off. Ask the office that gave it to you.")
            return False
        throttle.note_success(account)
        self.user, self.ifield, self.user_authenticated = user, self.sign_in_name, True
        return True


class ActivationForm(FlaskForm):  # type: ignore[misc]
    """The sign-in name and code of a letter, and the new password."""

    sign_in_name = StringField(
        "Sign-in name",
        validators=[InputRequired("Enter the sign-in name of your letter."), Length(max=80)],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    code = StringField(
        "Activation code",
        validators=[InputRequired("Enter the code of your letter."), Length(max=40)],
        description="16 letters and digits in four groups, such as ABCD-EFGH-IJKL-MNOP.",
        render_kw={"autocomplete": "one-time-code", "autocapitalize": "characters", "spellcheck": "false"},
    )
    new_password = PasswordField(
        "New password",
        validators=[InputRequired("Choose a password."), Length(max=MAX_LENGTH)],
        description=f"At least {MIN_LENGTH} characters.",
        render_kw=_NEW_PASSWORD,
    )
    repeated = PasswordField(
        "New password again",
        validators=[EqualTo("new_password", "The two new passwords differ.")],
        render_kw=_NEW_PASSWORD,
    )
    submit = SubmitField("Activate")


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """The password one has and the one one wants."""

    current_password = PasswordField(
        "Current password",
        validators=[InputRequired("Enter your current password."), Length(max=MAX_LENGTH)],
        render_kw={"autocomplete": "current-password"},
    )
    new_password = PasswordField(
        "New password",
        validators=[InputRequired("Choose a new password."), Length(max=MAX_LENGTH)],
        description=f"At least {MIN_LENGTH} characters.",
        render_kw=_NEW_PASSWORD,
    )
    repeated = PasswordField(
        "New password again",
        validators=[EqualTo("new_password", "The two new passwords differ.")],
        render_kw=_NEW_PASSWORD,
    )
    submit = SubmitField("Change password")
