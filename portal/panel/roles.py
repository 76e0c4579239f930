"""Roles: bundles of permissions, edited as check boxes grouped by plugin."""

import re
from collections import defaultdict
from typing import Any, ClassVar

from flask import flash, g, redirect, request, url_for
from sqlalchemy import func, select

from portal.access.policy import may
from portal.auth import roles as auth_roles
from portal.auth.models import Role, UserRole
from portal.hooks.declarations import Permission
from portal.hooks.registry import current_registry
from portal.kernel.actor import current_actor
from portal.kernel.db import db
from portal.kernel.errors import Conflict, Forbidden, InvalidInput, PortalError
from portal.kernel.transaction import transaction
from portal.panel.delegation import may_hand_out, require_permissions, require_roles
from portal.panel.permissions import ROLES_EDIT
from portal.sdk.web import PortalModelView, expose

NAME_RULE = re.compile(r"[a-z][a-z0-9-]{1,79}")
MAX_TITLE = 200


def _permissions_cell(view: Any, context: Any, role: Role, name: str) -> Any:
    return "everything" if role.is_administrator else str(len(role.permissions))


def _users_cell(view: Any, context: Any, role: Role, name: str) -> Any:
    if "portal_users_of_roles" not in g:
        counted = select(UserRole.role_id, func.count()).group_by(UserRole.role_id)
        g.portal_users_of_roles = dict(db.session.execute(counted).all())
    return str(g.portal_users_of_roles.get(role.id, 0))


class RolesView(PortalModelView):
    """What people may do, bundled."""

    introduction = "A role bundles permissions; users have roles. The administrator role may do everything."
    permission_create = ROLES_EDIT
    permission_edit = ROLES_EDIT
    permission_delete = ROLES_EDIT
    can_view_details = False
    can_set_page_size = False
    column_list = ("title", "name", "permissions", "users")
    column_sortable_list = ("title", "name")
    column_default_sort = "title"
    column_searchable_list = ("title", "name")
    column_labels: ClassVar[dict[str, str]] = {"name": "Short name"}
    column_formatters: ClassVar[dict[str, Any]] = {"permissions": _permissions_cell, "users": _users_cell}
    form_columns = ("title", "name")

    @expose("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        """Make a role."""
        return self._edit(None)

    @expose("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        """Change a role's title and permissions."""
        return self._edit(self.get_one(request.args.get("id")))

    def delete_model(self, model: Any) -> bool:
        """Say whether the role was removed; a role that users have stays."""
        try:
            with transaction():
                require_roles(current_actor(), [model])
                auth_roles.remove_role(model.id)
        except Forbidden:
            raise
        except PortalError as problem:
            flash(problem.message, "error")
            return False
        return True

    def _edit(self, role: Role | None) -> Any:
        problem = None
        if request.method == "POST":
            try:
                self._save(role.id if role is not None else None)
            except Forbidden:
                raise
            except PortalError as error:
                problem = error
            else:
                flash("Saved. It holds from the next click of everybody who has the role.", "success")
                return redirect(url_for(".index_view"))
        if request.method == "POST":
            filled = {**request.form.to_dict(), "permissions": request.form.getlist("permissions")}
        elif role is not None:
            filled = {"title": role.title, "name": role.name, "permissions": list(role.permissions)}
        else:
            filled = {"permissions": []}
        page = self.render(
            "panel/role_form.html",
            model=role,
            filled=filled,
            groups=permission_groups(),
            locked=role is not None and not may_hand_out(current_actor(), role),
            problem=problem,
        )
        return page, problem.status if problem is not None else 200

    def _save(self, role_id: int | None) -> None:
        title = request.form.get("title", "").strip()
        if not 1 <= len(title) <= MAX_TITLE:
            raise InvalidInput("role-title", f"A title has 1 to {MAX_TITLE} characters.", {"field": "title"})
        wanted = set(request.form.getlist("permissions"))
        with transaction() as session:
            role = db.session.get(Role, role_id) if role_id is not None else _new_role()
            if role is None:
                raise Conflict("role-gone", "This role was removed meanwhile.")
            if role.is_administrator:
                raise Conflict("administrator-role", "The administrator role always holds every permission.")
            require_roles(current_actor(), [role])
            # Permissions of a plugin that is not loaded now are kept: the plugin may come back.
            kept = {str(name) for name in role.permissions if name not in current_registry().permissions}
            known = wanted & set(current_registry().permissions)
            changed = (known | kept).symmetric_difference(str(name) for name in role.permissions)
            require_permissions(current_actor(), changed)
            role.title, role.permissions = title, sorted(known | kept)
            session.add(role)


def _new_role() -> Role:
    name = request.form.get("name", "").strip()
    if not NAME_RULE.fullmatch(name):
        raise InvalidInput(
            "role-name",
            "A short name has small letters, digits and hyphens and begins with a letter.",
            {"field": "name"},
        )
    if db.session.scalar(select(Role.id).where(Role.name == name)) is not None:
        raise Conflict("role-name-taken", f"There is a role {name} already.", {"field": "name"})
    return Role(name=name, title="", permissions=[])


def permission_groups() -> list[dict[str, Any]]:
    """Return the declared permissions by plugin and group, each with whether the actor may hand it out."""
    titles = {plugin.name: plugin.title for plugin in current_registry().plugins}
    grouped: dict[tuple[str, str], list[Permission]] = defaultdict(list)
    for name, permission in current_registry().permissions.items():
        grouped[(name.partition(".")[0], permission.group)].append(permission)
    actor = current_actor()
    return [
        {
            "plugin": titles.get(owner, owner),
            "group": group,
            "key": f"{owner}-{group}".lower().replace(" ", "-"),
            "permissions": [(permission, may(actor, permission.name)) for permission in permissions],
        }
        for (owner, group), permissions in sorted(grouped.items())
    ]
