"""Judges an actor by the grants it carries. Deny by default."""

from typing import Any, Protocol, TypeVar

from portal.hooks.manager import answers
from portal.kernel.actor import Actor
from portal.kernel.errors import Forbidden


class Narrowable(Protocol):
    """What takes conditions: a SELECT, or a list's query."""

    def where(self, *conditions: Any) -> Any: ...


S = TypeVar("S", bound=Narrowable)


def may(actor: Actor, permission: str) -> bool:
    """Say whether the actor holds the permission; an administrator holds all."""
    return actor.is_administrator or permission in actor.grants


def require(actor: Actor, permission: str) -> None:
    """Refuse an actor without the permission.

    Raises:
        Forbidden: code ``permission-missing``, naming the permission.
    """
    if not may(actor, permission):
        raise Forbidden(
            "permission-missing",
            f"You do not have the permission {permission}. Ask an administrator for a role that has it.",
            {"permission": permission},
        )


def narrow(statement: S, actor: Actor, permission: str, model: type) -> S:
    """Return the SELECT with every plugin's narrowing condition joined by AND."""
    for _, condition in answers("portal_narrow_rows", actor=actor, permission=permission, model=model):
        if condition is not None:
            statement = statement.where(condition)
    return statement
