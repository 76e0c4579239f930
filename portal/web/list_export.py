"""Any list as a file: the route that starts the export, and what a record is in it."""

import enum
import json
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from flask import redirect, request
from markupsafe import Markup
from sqlalchemy import inspect as inspect_model
from sqlalchemy.orm import selectinload

from portal.access.policy import may
from portal.jobs.api import draft, submit
from portal.jobs.queries import VIEW_PERMISSION
from portal.jobs.tables import Cell, checked_format
from portal.kernel.actor import current_actor
from portal.kernel.db import db, reading
from portal.kernel.errors import InvalidInput
from portal.kernel.paging import page_of
from portal.kernel.transaction import transaction
from portal.web.formatting import DASH, portal_zone
from portal.web.links import job_url
from portal.web.paged_lists import CURSORS
from portal.web.tokens import sent_form_token
from portal.web.views import expose

EXPORT_KIND = "portal.export_list"
EXPORT_CHUNK = 500
MAX_QUERY = 4_000
#: What an address says about the page, not about the list.
_PAGE_ARGS = {"page", "page_size", *CURSORS}


class ListExport:
    """Part of the base view: its list as CSV or XLSX, with the filters, search and order that are shown.

    Set ``permission_export`` to open it, ``column_export_list`` when a file should have other columns than the list,
    and ``column_formatters_export`` where a cell of the file is not the text of the cell of the list.
    """

    #: Needed to export the list; None: it cannot be exported.
    permission_export: str | None = None
    column_formatters_export: ClassVar[dict[str, Any]] = {}
    model: type

    @property
    def may_export(self) -> bool:
        """Whether the current actor may export the list."""
        # Whoever may not see jobs would not find the file.
        return bool(self._holds(self.permission_export)) and may(current_actor(), VIEW_PERMISSION)  # type: ignore[attr-defined]

    @expose("/export", methods=("POST",))
    def export_list(self) -> Any:
        """Start the export of the list as it was shown, and lead to its job."""
        params = {
            "view": self.endpoint,  # type: ignore[attr-defined]
            "query": list_query(request.form.get("query", "")),
            "format": checked_format(request.form.get("format", "")),
        }
        actor, token = current_actor(), sent_form_token()
        request_made = draft(EXPORT_KIND, params, actor, idempotency_key=token)
        with transaction():
            job_id = submit(request_made, apply=True).id
        return redirect(job_url(job_id))

    def export_header(self) -> list[str]:
        """Return the titles of the file's columns."""
        return [str(title) for _, title in self._export_columns]  # type: ignore[attr-defined]

    def export_query(self) -> Any:
        """Return all records of the list that the request's address asks for, with what their cells need loaded."""
        asked = self._get_list_extra_args()  # type: ignore[attr-defined]
        query = self.listed(asked.search, asked.filters)  # type: ignore[attr-defined]
        mapper: Any = inspect_model(self.model)
        names = dict.fromkeys(str(name).split(".")[0] for name, _ in self._export_columns)  # type: ignore[attr-defined]
        return query.options(
            *(selectinload(getattr(self.model, name)) for name in names if name in mapper.relationships)
        )

    def export_chunks(self, query: Any) -> Iterator[list[list[Cell]]]:
        """Give the cells of the query's records in the list's order, up to 500 records at a time.

        Each chunk is read by key in a short read transaction: a record that is changed meanwhile is in the file as it
        was when its turn came.
        """
        asked = self._get_list_extra_args()  # type: ignore[attr-defined]
        column = self._get_column_by_idx(asked.sort)  # type: ignore[attr-defined]
        order = self.page_order(column[0] if column else None, asked.sort_desc)  # type: ignore[attr-defined]
        after = None
        while True:
            with reading():
                page = page_of(query, order, after=after, limit=EXPORT_CHUNK)
                cells = [self.export_cells(record) for record in page.rows]
                after = page.next
                db.session.expunge_all()
            yield cells
            if after is None:
                return

    def export_cells(self, record: Any) -> list[Cell]:
        """Return a record as a line of the file."""
        return [self._export_cell(record, str(name)) for name, _ in self._export_columns]  # type: ignore[attr-defined]

    def _export_cell(self, record: Any, name: str) -> Cell:
        shown: dict[str, Any] = self.column_formatters  # type: ignore[attr-defined]
        formatter = self.column_formatters_export.get(name)
        if formatter is None and name not in self.column_badges:  # type: ignore[attr-defined]
            formatter = shown.get(name)
        value = formatter(self, None, record, name) if formatter is not None else attribute_of(record, name)
        if isinstance(value, str) and name in self.column_badges:  # type: ignore[attr-defined]
            value = str(value).replace("_", " ")
        return exported(value)


def list_query(text: str) -> str:
    """Return what an address says about a list: filters, search and order, without the page.

    Raises:
        InvalidInput: ``list-query-too-long``.
    """
    if len(text) > MAX_QUERY:
        raise InvalidInput(
            "list-query-too-long", "The list has too many filters to export it. Take some away."
        )
    pairs = parse_qsl(text.removeprefix("?"), keep_blank_values=True)
    return urlencode([(name, value) for name, value in pairs if name not in _PAGE_ARGS])


def attribute_of(record: Any, name: str) -> Any:
    """Return an attribute by its dotted name; None when something on the way is missing."""
    for part in name.split("."):
        record = getattr(record, part, None)
    return record


def exported(value: Any) -> Cell:
    """Return any value as a cell of a file: words for states, ISO for dates, labels for records, nothing for None."""
    if value is None or value == DASH:
        return ""
    for kind, cell in _CELLS:
        if isinstance(value, kind):
            return cell(value)
    return str(value)


#: The first kind that fits says how a value is written.
_CELLS: tuple[tuple[Any, Callable[[Any], Cell]], ...] = (
    (Markup, lambda value: " ".join(value.striptags().split())),
    (bool, lambda value: "yes" if value else "no"),
    (enum.Enum, lambda value: str(getattr(value, "title_text", "") or str(value.value).replace("_", " "))),
    (int | float | Decimal | str, lambda value: value),
    (datetime, lambda value: value.astimezone(portal_zone()).isoformat(timespec="seconds")),
    (date, lambda value: value.isoformat()),
    (dict, lambda value: json.dumps(value, ensure_ascii=False, default=str)),
    (Sequence | AbstractSet, lambda value: ", ".join(str(exported(item)) for item in value)),
)
