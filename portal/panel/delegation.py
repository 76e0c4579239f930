"""Who may change whom: nobody hands out, or takes over, more rights than they hold themselves."""

from collections.abc import Iterable

from portal.access.policy import may
from portal.auth.models import Role, User
from portal.kernel.actor import Actor
from portal.kernel.errors import Forbidden


def may_hand_out(actor: Actor, role: Role) -> bool:
    """Say whether the actor holds everything that the role grants."""
    if role.is_administrator:
        return actor.is_administrator
    return all(may(actor, str(permission)) for permission in role.permissions)


def may_change_user(actor: Actor, user: User) -> bool:
    """Say whether the actor holds everything that the user holds."""
    return all(may_hand_out(actor, role) for role in user.roles)


def require_user(actor: Actor, user: User) -> None:
    """Refuse to change a user who may do more than the actor.

    Raises:
        Forbidden: code ``user-above-you``.
    """
    if not may_change_user(actor, user):
        raise Forbidden("user-above-you", f"{user.display_name} has rights that you do not have.")


def require_roles(actor: Actor, changed: Iterable[Role]) -> None:
    """Refuse to give or take roles that grant more than the actor holds.

    Raises:
        Forbidden: code ``role-above-you``.
    """
    above = [role.title for role in changed if not may_hand_out(actor, role)]
    if above:
        raise Forbidden(
            "role-above-you", f"Only somebody who holds its rights may give or take: {', '.join(above)}."
        )


def require_permissions(actor: Actor, changed: Iterable[str]) -> None:
    """Refuse to add permissions to a role, or take them away, that the actor does not hold.

    Raises:
        Forbidden: code ``permission-above-you``.
    """
    above = sorted(permission for permission in changed if not may(actor, permission))
    if above:
        raise Forbidden(
            "permission-above-you", f"You do not hold these permissions yourself: {', '.join(above)}."
        )
