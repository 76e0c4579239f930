"""Roles: made from what plugins suggest, given to users."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import delete, func, insert, select

from portal.audit.recording import record
from portal.auth.models import Role, User, UserRole
from portal.hooks.declarations import Role as DeclaredRole
from portal.kernel.db import db
from portal.kernel.errors import Conflict, InvalidInput, NotFound

ADMINISTRATOR = "administrator"


def ensure_roles(declared: Iterable[DeclaredRole]) -> list[str]:
    """Make the administrator role and the suggested roles that do not exist, and return the names of the new ones.

    A role that exists is the institution's: it is left as it is. Needs an open transaction; does not commit.
    """
    existing = set(db.session.scalars(select(Role.name)))
    wanted = [Role(name=ADMINISTRATOR, title="Administrator", permissions=[], is_administrator=True)]
    wanted += [
        Role(name=role.name, title=role.title, permissions=sorted(role.permissions)) for role in declared
    ]
    new = [role for role in wanted if role.name not in existing]
    db.session.add_all(new)
    db.session.flush()
    return [role.name for role in new]


def assign_roles(user_id: int, role_names: Iterable[str]) -> None:
    """Give the user exactly these roles. Needs an open transaction; does not commit.

    Raises:
        NotFound: code ``user-not-found``.
        InvalidInput: code ``role-unknown``, naming them.
        Conflict: code ``last-administrator``, when nobody could administrate any more.
    """
    wanted = roles_by_name(role_names)
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound("user-not-found", f"There is no user {user_id}.")
    before = sorted(role.name for role in user.roles)
    if before == sorted(wanted):
        return
    if not any(role.is_administrator for role in wanted.values()):
        refuse_last_administrator(user_id)
    user.roles = list(wanted.values())
    db.session.flush()
    record("assign-roles", User.__tablename__, str(user_id), {"roles": [before, sorted(wanted)]})


def roles_by_name(names: Iterable[str]) -> Mapping[str, Role]:
    """Return name → role.

    Raises:
        InvalidInput: code ``role-unknown``, naming those that do not exist.
    """
    wanted = set(names)
    found = {role.name: role for role in db.session.scalars(select(Role).where(Role.name.in_(wanted)))}
    unknown = sorted(wanted - set(found))
    if unknown:
        raise InvalidInput("role-unknown", f"There is no role {', '.join(unknown)}.", {"roles": unknown})
    return found


def refuse_last_administrator(user_id: int) -> None:
    """Raise unless another active user has an administrator role, or this one has none.

    Raises:
        Conflict: code ``last-administrator``.
    """
    statement = (
        select(UserRole.user_id)
        .join(Role, Role.id == UserRole.role_id)
        .join(User, User.id == UserRole.user_id)
        .where(Role.is_administrator, User.active)
    )
    administrators = set(db.session.scalars(statement))
    if administrators == {user_id}:
        raise Conflict(
            "last-administrator",
            "This is the last active administrator. Make another one administrator first.",
        )


def give_role_many(user_ids: Sequence[int], role_name: str) -> None:
    """Add one role to many users who do not have it yet. Two statements; needs an open transaction."""
    if not user_ids:
        return
    role = roles_by_name([role_name])[role_name]
    db.session.execute(insert(UserRole), [{"user_id": user_id, "role_id": role.id} for user_id in user_ids])
    record("give-role", Role.__tablename__, str(role.id), {"role": role_name, "user_ids": list(user_ids)})


def remove_role(role_id: int) -> None:
    """Delete a role that no user has. Needs an open transaction; does not commit.

    Raises:
        NotFound: code ``role-not-found``.
        Conflict: code ``role-in-use``, or ``role-needed`` for the administrator role.
    """
    role = db.session.get(Role, role_id)
    if role is None:
        raise NotFound("role-not-found", f"There is no role {role_id}.")
    if role.is_administrator:
        raise Conflict("role-needed", "The administrator role cannot be removed.")
    users_count = db.session.scalar(select(func.count()).where(UserRole.role_id == role_id)) or 0
    if users_count:
        raise Conflict("role-in-use", f"{users_count} users have this role. Take it from them first.")
    db.session.execute(delete(UserRole).where(UserRole.role_id == role_id))
    db.session.delete(role)
