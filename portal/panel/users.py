"""Users: list, page, new, change, switch off and on, issue an activation code."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from flask_admin.contrib.sqla.filters import BooleanEqualFilter
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal.access.policy import may
from portal.access.routes import requires
from portal.auth import accounts, activation
from portal.auth.models import Activation, Role, User, normal_email
from portal.kernel.actor import Actor, current_actor
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict, Forbidden, InvalidInput, PortalError
from portal.kernel.transaction import transaction
from portal.panel.delegation import may_change_user, may_hand_out, require_roles, require_user
from portal.panel.permissions import AUDIT_VIEW, USERS_EDIT, USERS_EXPORT, USERS_LINK, USERS_RETIRE
from portal.panel.user_pages import ExternalIdFilter, PeoplePages, refuse_retired
from portal.sdk.web import PortalModelView, expose

CODE_DAYS = 30
MAX_NAME = 200


class UsersView(PeoplePages, PortalModelView):
    """Everybody who can sign in."""

    introduction = "Everybody who can sign in: staff, students, service accounts."
    permission_create = USERS_EDIT
    permission_edit = USERS_EDIT
    permission_export = USERS_EXPORT
    column_list = ("display_name", "sign_in_name", "email", "roles", "active", "last_seen_at", "created_at")
    column_searchable_list = ("sign_in_key", "display_name", "email")
    column_sortable_list = ("display_name", ("sign_in_name", "sign_in_key"), "email", ("created_at", "id"))
    column_default_sort = ("id", True)
    column_labels: ClassVar[dict[str, str]] = {
        "display_name": "Name",
        "sign_in_key": "sign-in name",
        "sign_in_name": "Sign-in name",
        "email": "E-mail",
        "last_seen_at": "Last seen",
        "created_at": "Made",
    }
    column_formatters: ClassVar[dict[str, Any]] = {
        "roles": lambda view, context, user, name: ", ".join(role.title for role in user.roles) or None,
    }
    column_filters: ClassVar[list[Any]] = [
        BooleanEqualFilter(User.active, "Active"),
        ExternalIdFilter(User.id, "Key in another system"),
    ]
    list_links = (
        ("users.link_sheet", "Link keys from a sheet", USERS_LINK),
        ("users.retire_sheet", "Retire people from a sheet", USERS_RETIRE),
    )
    # Roles come by one further SELECT; joining them would multiply the rows.
    column_auto_select_related = False
    form_columns = ("sign_in_name", "display_name", "email")
    details_template = "panel/user.html"

    def get_query(self) -> Any:
        return super().get_query().options(selectinload(User.roles))

    @expose("/details/")
    def details_view(self) -> Any:
        """Show one user."""
        user: User = self.get_one(request.args.get("id"))
        return self.render(
            self.details_template,
            model=user,
            **self.people_facts(user),
            code_state=db.session.get(Activation, user.id),
            may_change=user.retired_at is None
            and may(current_actor(), USERS_EDIT)
            and may_change_user(current_actor(), user),
            may_see_audit=may(current_actor(), AUDIT_VIEW),
        )

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """Make a user; the person chooses the password with the activation code that is shown next."""
        problem = None
        if request.method == "POST":
            try:
                user_id = self._create()
            except Forbidden:
                raise
            except PortalError as error:
                problem = error
            else:
                flash("The user was made. Issue an activation code next.", "success")
                return redirect(url_for(".details_view", id=user_id))
        return self._form(None, problem)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        """Change a user's name, e-mail and roles; the sign-in name stays."""
        user: User = self.get_one(request.args.get("id"))
        require_user(current_actor(), user)
        refuse_retired(user)
        problem = None
        if request.method == "POST":
            try:
                self._change(user.id)
            except Forbidden:
                raise
            except PortalError as error:
                problem = error
            else:
                flash("Saved.", "success")
                return redirect(url_for(".details_view", id=request.args["id"]))
        return self._form(user, problem)

    def _form(self, user: User | None, problem: PortalError | None) -> Any:
        actor = current_actor()
        roles = db.session.scalars(select(Role).order_by(Role.title)).all()
        if request.method == "POST":
            filled = {**request.form.to_dict(), "roles": request.form.getlist("roles")}
        elif user is not None:
            filled = {
                "sign_in_name": user.sign_in_name,
                "display_name": user.display_name,
                "email": user.email or "",
                "roles": [role.name for role in user.roles],
            }
        else:
            filled = {"roles": []}
        allowed = {role.name for role in roles if may_hand_out(actor, role)}
        page = self.render(
            "panel/user_form.html", model=user, filled=filled, roles=roles, allowed=allowed, problem=problem
        )
        return page, problem.status if problem is not None else 200

    def _create(self) -> int:
        wanted = self._wanted_roles(current_actor(), before=())
        with transaction():
            user = accounts.create_user(
                request.form.get("sign_in_name", ""),
                _display_name(),
                _email(),
                roles=wanted,
            )
            return user.id

    def _change(self, user_id: int) -> None:
        with transaction():
            user = accounts.get_user(user_id)
            require_user(current_actor(), user)
            wanted = self._wanted_roles(current_actor(), before=user.roles)
            user.display_name, user.email = _display_name(), _email()
            accounts.assign_roles(user_id, wanted)

    def _wanted_roles(self, actor: Actor, before: Sequence[Role]) -> list[str]:
        """Return the ticked roles; whoever gives or takes one must hold what it grants."""
        ticked = set(request.form.getlist("roles"))
        known = {role.name: role for role in db.session.scalars(select(Role))}
        # Boxes of roles above the actor are shown but cannot be changed, so they are not sent.
        kept = {role.name for role in before if not may_hand_out(actor, role)}
        ticked |= kept
        changed = ticked.symmetric_difference(role.name for role in before)
        require_roles(actor, [known[name] for name in changed if name in known])
        return sorted(ticked)

    @expose("/switch/", methods=("POST",))
    @requires(USERS_EDIT)
    def switch(self) -> Any:
        """Switch a user off (which ends every sign-in) or on again."""
        wanted = request.form.get("active") == "1"
        user: User = self._present(request.form.get("id"))
        with transaction():
            require_user(current_actor(), accounts.get_user(user.id))
            if user.id == current_actor().user_id and not wanted:
                raise Conflict("own-account", "You cannot switch yourself off. Ask another administrator.")
            accounts.set_active(user.id, wanted)
        flash(
            "The user can sign in again." if wanted else "The user is switched off and signed out.", "success"
        )
        return redirect(url_for(".details_view", id=request.form["id"]))

    @expose("/activation/", methods=("POST",))
    @requires(USERS_EDIT)
    def issue_code(self) -> Any:
        """Issue a new activation code, which ends the earlier one, and show it this once."""
        user: User = self.get_one(request.form.get("id"))
        with transaction():
            require_user(current_actor(), accounts.get_user(user.id))
            if not user.active:
                raise Conflict("user-switched-off", "Switch the user on first.")
            activation.issue_many([user.id], utc_now() + timedelta(days=CODE_DAYS))
        code = activation.codes_for([user.id])[user.id]
        return self.render("panel/activation_code.html", model=user, code=code, days=CODE_DAYS)


def _display_name() -> str:
    name = request.form.get("display_name", "").strip()
    if not 1 <= len(name) <= MAX_NAME:
        raise InvalidInput(
            "display-name-invalid", f"A name has 1 to {MAX_NAME} characters.", {"field": "display_name"}
        )
    return name


def _email() -> str | None:
    email = normal_email(request.form.get("email"))
    if email is not None and (len(email) > accounts.MAX_EMAIL or not accounts.EMAIL_RULE.fullmatch(email)):
        raise InvalidInput("email-invalid", f"{email!r} is not an e-mail address.", {"field": "email"})
    return email
