"""Pages as older programs follow them: ``next`` and ``previous`` are whole addresses with signed cursors."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flask import request, url_for
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select

from portal.sdk import NotFound, PageOrder, PortalError, page_of
from portal.sdk.rest import opened_cursor, signed_cursor

USUAL_ROWS, MOST_ROWS = 100, 5_000
T = TypeVar("T", bound=BaseModel)


class ClassicPage(BaseModel):
    """Where a page begins; further parameters are ignored, as ever."""

    model_config = ConfigDict(extra="ignore")

    cursor: str | None = Field(None, description="From `next` or `previous`.")
    page_size: str | None = Field(None, description="Most rows; what is no number counts as not sent.")


class ClassicList(BaseModel):
    """A page and its neighbours."""

    next: str | None = Field(description="Address of the next page.")
    previous: str | None = Field(description="Address of the page before.")


def classic_page(
    statement: Select[Any],
    order: PageOrder,
    shown: Callable[[Sequence[Any]], list[Any]],
    *,
    usual: int = USUAL_ROWS,
    most: int = MOST_ROWS,
) -> dict[str, Any]:
    """Return the page that this call asks for; one statement and those of ``shown``.

    Raises:
        NotFound: the cursor is not of this list and caller.
    """
    after, before = _position(order)
    page = page_of(statement, order, after=after, before=before, limit=_limit(usual, most))
    return {
        "next": _address(signed_cursor(page.next)) if page.next else None,
        "previous": _address(signed_cursor(page.previous, backwards=True)) if page.previous else None,
        "results": shown(page.rows),
    }


def _position(order: PageOrder) -> tuple[Any, Any]:
    cursor = request.args.get("cursor")
    if not cursor:
        return None, None
    try:
        position, backwards = opened_cursor(cursor, order)
    except PortalError:
        raise NotFound("cursor-invalid", "Invalid cursor. Start again without it.") from None
    return (None, position) if backwards else (position, None)


def _limit(usual: int, most: int) -> int:
    sent = request.args.get("page_size", "")
    if not (sent.isascii() and sent.isdigit()) or len(sent) > 9 or int(sent) == 0:
        return usual
    return min(int(sent), most)


def _address(cursor: str) -> str:
    parts: dict[str, Any] = {**request.args.to_dict(flat=False), "cursor": cursor}
    parts = {name: value for name, value in parts.items() if not name.startswith("_")}
    return url_for(request.endpoint or "", _external=True, **{**parts, **(request.view_args or {})})
