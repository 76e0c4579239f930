"""How a model view reads its list: pages by key, capped counts, search by index. What is asked stays within its limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import flash, g, request
from flask_admin.contrib.sqla import tools
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import joinedload

from portal.kernel.db import db
from portal.kernel.errors import InvalidInput
from portal.kernel.paging import Page, PageOrder, in_order, order_of, page_of, position_from, position_text
from portal.kernel.searching import Field, Found, find
from portal.web.counting import COUNT_CAP
from portal.web.list_rules import is_sortable, sorted_by
from portal.web.problems import is_unusable_value

MAX_SEARCH = 200
#: What an address says about where the page begins; nothing but the next and the previous page carry it on.
CURSORS = ("after", "before", "last")


@dataclass(frozen=True, kw_only=True)
class Pager:
    """Addresses of the pages beside the one shown; None: there is no such page."""

    first: str | None
    previous: str | None
    next: str | None
    last: str | None


class PagedLists:
    """Part of the base view: its list at any number of rows."""

    model: type
    page_size: int

    def get_list(
        self,
        page: int | None,
        sort_column: Any,
        sort_desc: bool,
        search: str | None,
        filters: Any,
        execute: bool = True,
        page_size: int | None = None,
    ) -> tuple[int | None, list[Any]]:
        """Return the number of records (None: many) and those of one page."""
        limit = page_size or self.page_size
        try:
            query, count = self._chosen(search, filters)
            for relation in self._auto_joins:  # type: ignore[attr-defined]
                query = query.options(joinedload(relation))
            found = self._page(query, self.page_order(sort_column, sort_desc), page or 0, limit)
        except (StatementError, OverflowError) as error:
            if not is_unusable_value(error):
                raise
            db.session.rollback()
            flash(
                "Nothing can be found with these filters: a value is too large or has the wrong form.",
                "error",
            )
            return 0, []
        g.portal_page = found
        return count, list(found.rows)

    def listed(self, search: str | None, filters: Any) -> Any:
        """Return the query of all records that the list shows with this search and these filters, without an order."""
        return self._chosen(search, filters, counted=False)[0]

    def scaffold_sortable_columns(self) -> dict[Any, Any]:
        """Return the columns that the list may be sorted by when the view names none: those that an index serves."""
        columns: dict[Any, Any] = super().scaffold_sortable_columns()  # type: ignore[misc]
        return {
            name: column
            for name, column in columns.items()
            if is_sortable(self.model, getattr(self.model, name))
        }

    def page_order(self, sort_column: Any, descending: bool) -> PageOrder:
        """Return the order of the list: as asked, else as declared, else by key."""
        name = sort_column if sort_column in self._sortable_columns else None  # type: ignore[attr-defined]
        if name is None:
            declared = self._get_default_order_names()
            if not declared:
                return order_of(self.model)
            name, descending = declared
            return order_of(self.model, getattr(self.model, name), descending=descending)
        return order_of(self.model, sorted_by(self, name), descending=bool(descending))

    def find(self, query: Any, wanted: str) -> Found:
        """Return what of the query a search matches. Override it to look elsewhere first, or to fold what is typed."""
        return find(query, self.model, self.search_fields(), wanted)

    def search_fields(self) -> list[Field]:
        """Return the columns that a search looks into."""
        fields = []
        for name in self.column_searchable_list or ():  # type: ignore[attr-defined]
            column, path = tools.get_field_with_path(self.model, name)
            fields.append(Field(column=column, through=path[0] if path else None))
        return fields

    def _chosen(self, search: str | None, filters: Any, *, counted: bool = True) -> tuple[Any, int | None]:
        """Return query and number of the records that match filters and search."""
        query, numbers = self.get_query(), self.get_count_query() if counted else None  # type: ignore[attr-defined]
        if filters and self._filters:  # type: ignore[attr-defined]
            query, numbers, _, _ = self._apply_filters(query, numbers, {}, {}, filters)  # type: ignore[attr-defined]
        if search and search.split() and self._search_supported:  # type: ignore[attr-defined]
            found = self.find(query, search)
            g.portal_search_is_cut = found.is_cut
            return query.where(found.condition if counted else found.whole), found.count
        return query, numbers.scalar() if numbers is not None else None

    def _page(self, query: Any, order: PageOrder, number: int, limit: int) -> Page:
        cursor = self._cursor(order)
        if cursor:
            page = page_of(query, order, limit=limit, **cursor)
            if "after" in cursor and not page.rows:
                return page_of(query, order, limit=limit, last=True)
            if "before" in cursor and page.previous is None:
                # The beginning is reached: show a full page.
                return page_of(query, order, limit=limit)
            return page
        if number and number * limit < COUNT_CAP:
            rows = in_order(query, order).offset(number * limit).limit(limit + 1).all()
            return _beside(rows, order, limit)
        if number:
            flash("Pages so far back have no number. This is the first one; go on from page to page.", "info")
        return page_of(query, order, limit=limit)

    def _cursor(self, order: PageOrder) -> dict[str, Any]:
        """Return where the address says that the page begins; nothing, with a message, when it makes no sense."""
        asked = _cursor_args()
        try:
            if "last" in asked:
                return {"last": True}
            return {name: position_from(text, order) for name, text in list(asked.items())[:1]}
        except InvalidInput:
            flash("This address does not lead to a page of this list; here is its beginning.", "info")
            return {}

    def _get_default_order_names(self) -> tuple[str, bool] | None:
        declared = self.column_default_sort  # type: ignore[attr-defined]
        if not declared:
            return None
        return declared if isinstance(declared, tuple) else (declared, False)

    def _get_list_extra_args(self) -> Any:
        found = super()._get_list_extra_args()  # type: ignore[misc]
        found.page = max(found.page or 0, 0)
        found.cursor = {name: found.extra_args.pop(name) for name in CURSORS if name in found.extra_args}
        if found.search:
            found.search = found.search[:MAX_SEARCH]
        return found

    def _get_list_url(self, view_args: Any) -> str:
        cursor = getattr(view_args, "cursor", {})
        args = (
            view_args.clone(page=None, extra_args={**view_args.extra_args, **cursor}) if cursor else view_args
        )
        url: str = super()._get_list_url(args)  # type: ignore[misc]
        return url

    def pager(self) -> Pager:
        """Return the addresses of the pages beside the one that was read in this request."""
        page: Page = g.portal_page
        asked = self._get_list_extra_args()

        def url(**cursor: str) -> str:
            return self._get_list_url(asked.clone(page=None, extra_args={**asked.extra_args, **cursor}))

        return Pager(
            first=url() if page.previous else None,
            previous=url(before=position_text(page.previous)) if page.previous else None,
            next=url(after=position_text(page.next)) if page.next else None,
            last=url(last="1") if page.next else None,
        )

    def pager_facts(self, count: int | None) -> Mapping[str, Any]:
        """Return what the list's template needs to page: numbers while there are few rows, else one page after another."""
        is_numbered = count is not None and count <= COUNT_CAP and not _cursor_args()
        return {
            "pager": None if is_numbered or "portal_page" not in g else self.pager(),
            "search_is_cut": g.get("portal_search_is_cut", False),
        }


def _cursor_args() -> dict[str, str]:
    return {name: request.args[name] for name in CURSORS if name in request.args}


def _beside(rows: list[Any], order: PageOrder, limit: int) -> Page:
    shown = rows[:limit]
    return Page(
        rows=shown,
        next=order.position_of(shown[-1]) if len(rows) > limit else None,
        previous=order.position_of(shown[0]) if shown else None,
    )
