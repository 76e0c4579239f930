"""The base of every page of the panel: deny by default."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from flask_admin import BaseView
from flask_admin import expose as expose_route

from portal.access.policy import may, require
from portal.access.routes import RouteAccess
from portal.kernel.actor import current_actor
from portal.web.gate import to_sign_in

#: Where functions carry what ``requires``, ``signed_in_only`` and ``public_route`` declared.
MARK = "__portal_access__"


V = TypeVar("V", bound=Callable[..., Any])


def expose(url: str = "/", methods: Iterable[str] = ("GET",)) -> Callable[[V], V]:
    """Make a method of a view a page at ``url`` below the view's own address.

    A method that changes anything takes ``methods=("POST",)`` only.
    """
    made: Callable[[V], V] = expose_route(url, methods)
    return made


class GuardedView(BaseView):  # type: ignore[misc]
    """What all views of the panel share: a permission, and routes that each declare who may call them."""

    #: Needed to see the view at all; the declaration (``AdminView.permission``) sets it.
    permission: str = ""
    #: Whether the side bar shows it.
    in_menu: bool = True
    _urls: list[tuple[str, str, Iterable[str]]]

    def is_accessible(self) -> bool:
        """Say whether the current actor may see the view."""
        actor = current_actor()
        return actor.user_id is not None and bool(self.permission) and may(actor, self.permission)

    def is_visible(self) -> bool:
        """Say whether the side bar shows the view to those who may see it."""
        return self.in_menu

    def inaccessible_callback(self, name: str, **arguments: Any) -> Any:
        """Answer 403 to the signed-in; send the others to the login page."""
        if current_actor().user_id is None:
            return to_sign_in()
        require(current_actor(), self.permission)
        return None

    # Positional only, so that an address may have arguments of any name.
    def _handle_view(self, name: str, /, **arguments: Any) -> Any:
        # A route with a declaration of its own (its own permission, or public) was judged by the gate.
        if getattr(getattr(type(self), name, None), MARK, None) is not None or self.is_accessible():
            return None
        return self.inaccessible_callback(name)

    def _run_view(self, function: Any, /, *arguments: Any, **keywords: Any) -> Any:
        # Once only: a view that fails must never be called a second time.
        return function(self, *arguments, **keywords)

    def route_names(self) -> list[str]:
        """Return the names of the exposed methods."""
        return sorted({name for _, name, _ in self._urls})

    @classmethod
    def unmarked_routes(cls) -> list[str]:
        """Return the exposed methods that do not say themselves who may call them."""
        return sorted({name for _, name, _ in cls._urls if not hasattr(getattr(cls, name), MARK)})

    def route_access(self, name: str) -> RouteAccess:
        """Return who may call the exposed method ``name``: its own declaration, else the view's permission."""
        own: RouteAccess | None = getattr(getattr(type(self), name), MARK, None)
        return own or RouteAccess(permission=self.permission)


class PortalView(GuardedView):
    """A page of the panel that is not a list of a model; expose methods with ``@expose``.

    Every method needs ``permission`` unless it is marked with ``@requires("…")`` or ``@signed_in_only``.
    A method that writes takes POST only and opens ``transaction()``.
    """
