"""Lists in pages: the address of the next page is signed, and good for its owner, this list and these filters only."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from flask import request, url_for
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select

from portal.config import current_config
from portal.kernel.actor import current_actor
from portal.kernel.errors import InvalidInput, PortalError
from portal.kernel.paging import PageOrder, Position, page_of, position_from, position_text

MOST_ITEMS = 500
USUAL_ITEMS = 50
_MAC_BYTES = 16
#: How cursors begin whose page ends at the position.
_BACKWARDS = "~"
_MAX_CURSOR = 3_000
#: Not part of what a cursor is bound to.
_FREE = frozenset({"cursor", "limit", "page_size"})
T = TypeVar("T", bound=BaseModel)


class CursorInvalid(PortalError):
    """The cursor was not made by the portal for this caller and this list."""

    status: ClassVar[int] = 400

    def __init__(self) -> None:
        super().__init__(
            "cursor-invalid",
            "This cursor is not of this list, these filters and this caller. Start again without it.",
            {"field": "cursor"},
        )


class PageQuery(BaseModel):
    """The query of a list; add your filters in a subclass."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(USUAL_ITEMS, ge=1, le=MOST_ITEMS, description="Most items in the answer.")
    cursor: str | None = Field(
        None, max_length=_MAX_CURSOR, description="The `next` of the page before; absent for the first page."
    )


class Listing(BaseModel, Generic[T]):
    """A page of a list; subclass it with the model of its items."""

    items: list[T]
    next: str | None = Field(None, description="Cursor of the next page; null on the last one.")


def list_page(
    statement: Select[Any], order: PageOrder, query: PageQuery, shown: Callable[[Any], BaseModel]
) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Return the answer of a list operation: the page that the query asks for, one SQL statement.

    Args:
        statement: All rows that the actor may see and the filters leave.
        order: Of the rows; an index serves it.
        shown: Makes an item of the answer from a row.

    Raises:
        CursorInvalid: for a cursor of somebody else, of another list, or one that was changed.
    """
    after = _opened(query.cursor, order) if query.cursor is not None else None
    page = page_of(statement, order, after=after, limit=query.limit)
    following = _signed(position_text(page.next)) if page.next is not None else None
    headers = {"Link": f'<{_next_url(following)}>; rel="next"'} if following is not None else {}
    return {"items": [shown(row) for row in page.rows], "next": following}, 200, headers


def signed_cursor(position: Position, *, backwards: bool = False) -> str:
    """Return a position as a cursor that is good for this caller, this list and these filters only.

    Args:
        backwards: The page ends there, instead of beginning.
    """
    return _signed(f"{_BACKWARDS if backwards else ''}{position_text(position)}")


def opened_cursor(cursor: str, order: PageOrder) -> tuple[Position, bool]:
    """Return the position that a cursor of :func:`signed_cursor` names, and whether the page ends there.

    Raises:
        CursorInvalid: for a cursor of somebody else, of another list, or one that was changed.
    """
    return _opened(cursor, order), cursor.startswith(_BACKWARDS)


def _signed(position: str) -> str:
    return f"{position}.{_mac(position)}"


def _opened(cursor: str, order: PageOrder) -> tuple[Any, ...]:
    position, _, mac = cursor.rpartition(".")
    if not hmac.compare_digest(mac.encode("utf-8", "replace"), _mac(position).encode()):
        raise CursorInvalid
    try:
        return position_from(position.removeprefix(_BACKWARDS), order)
    except InvalidInput:
        # Signed by an earlier version of the portal, when the list had another order.
        raise CursorInvalid from None


def _mac(position: str) -> str:
    filters = sorted(item for item in request.args.items(multi=True) if item[0] not in _FREE)
    arguments = sorted((name, str(value)) for name, value in (request.view_args or {}).items())
    bound = json.dumps([current_actor().user_id, request.endpoint, arguments, filters, position])
    key = hashlib.sha256(b"portal-cursor\0" + current_config().signing_key().encode()).digest()
    digest = hmac.new(key, bound.encode("utf-8", "replace"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:_MAC_BYTES]).decode().rstrip("=")


def _next_url(cursor: str) -> str:
    filters: dict[str, Any] = {**request.args.to_dict(flat=False), "cursor": cursor}
    return url_for(request.endpoint or "", **{**(request.view_args or {}), **filters})
