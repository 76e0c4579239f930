"""List actions: something done to the selected rows, with a permission of its own."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask_admin.actions import action

F = TypeVar("F", bound=Callable[..., Any])
_PERMISSION = "__portal_permission__"


def portal_action(
    name: str, title: str, permission: str, confirmation: str | None = None
) -> Callable[[F], F]:
    """Make a method of a ``PortalModelView`` an action on selected rows.

    The method gets the ids (text) of the selected rows that the actor may see, and may return a response,
    such as a redirect to a confirmation page.

    Args:
        name: Unique in the view.
        title: On the button.
        permission: Needed to see and to use it.
        confirmation: Asked before it is sent; None: not asked.
    """

    def mark(function: F) -> F:
        marked: F = action(name, title, confirmation)(function)
        setattr(marked, _PERMISSION, permission)
        return marked

    return mark


def action_permission(function: Callable[..., Any]) -> str | None:
    """Return the permission of an action, or None when it declares none (then nobody may use it)."""
    permission: str | None = getattr(function, _PERMISSION, None)
    return permission
