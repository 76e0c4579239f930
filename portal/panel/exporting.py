"""The job that writes any list to a file, with the filters, search and order it was shown with."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, ClassVar, Literal

from flask import current_app
from pydantic import BaseModel, Field
from sqlalchemy import func
from sqlalchemy import inspect as inspect_model
from sqlalchemy.exc import StatementError

from portal.access.policy import require
from portal.audit.recording import record
from portal.files.store import current_store
from portal.jobs.kinds import Progress, ResultFile, TaskJob, TaskResult
from portal.jobs.tables import MEDIA_TYPES, table_file
from portal.kernel.actor import current_actor
from portal.kernel.clock import utc_now
from portal.kernel.db import reading
from portal.kernel.errors import InvalidInput, NotFound
from portal.kernel.transaction import run_in_transaction
from portal.panel.permissions import JOBS_MANAGE
from portal.web.downloads import safe_filename
from portal.web.formatting import portal_zone
from portal.web.list_export import EXPORT_KIND, MAX_QUERY, list_query
from portal.web.lookups import primary_key
from portal.web.model_views import PortalModelView
from portal.web.problems import is_unusable_value

#: How long an exported file can be downloaded.
KEEP_HOURS = 24
MAX_BYTES = 4 * 2**30


class ExportParams(BaseModel):
    """Which list, and how it was shown."""

    view: str = Field(max_length=120, description="Endpoint of the list, such as admissions_applicant.")
    query: str = Field(
        "", max_length=MAX_QUERY, description="Filters, search and order, as in the list's address."
    )
    format: Literal["csv", "xlsx"] = Field("csv", description="Kind of file.")


class ExportList(TaskJob[ExportParams]):
    """Writes a list to a file under the grants of who asked: rows that they may not see are not in it."""

    name: ClassVar[str] = EXPORT_KIND
    title: ClassVar[str] = "Export a list"
    Params = ExportParams

    def permission(self, params: ExportParams) -> str:
        """Return the permission that exporting this list needs; for a list that is gone, that of managing jobs."""
        view = find_list_view(params.view)
        return view.permission_export if view is not None and view.permission_export else JOBS_MANAGE

    def explain(self, params: ExportParams) -> str:
        view = find_list_view(params.view)
        return f"Export: {view.name if view is not None else params.view}, {params.format.upper()}"

    def run(self, params: ExportParams, progress: Progress) -> TaskResult:
        view = find_list_view(params.view)
        if view is None or view.permission_export is None:
            raise NotFound("list-unknown", f"There is no list {params.view!r} that can be exported.")
        for permission in (view.permission, view.permission_export):
            require(current_actor(), permission)
        with _shown(view, params), tempfile.TemporaryFile() as file:
            rows = self._write(view, params, file, progress)
            file.seek(0)
            stored = current_store().put_stream(file, MAX_BYTES)
        mapper: Any = inspect_model(view.model)
        changes = {"rows": rows, "query": params.query}
        run_in_transaction(lambda: record("export", str(mapper.local_table), "", changes))
        made = ResultFile(
            name=_file_name(view, params),
            sha256=stored.sha256,
            size_bytes=stored.size_bytes,
            media_type=MEDIA_TYPES[params.format],
            keep_hours=KEEP_HOURS,
        )
        return TaskResult(facts={"rows": rows}, files=(made,))

    def _write(self, view: PortalModelView, params: ExportParams, file: BinaryIO, progress: Progress) -> int:
        """Write the list to the file and return the number of its rows."""
        done = 0
        try:
            query = view.export_query()
            with reading():
                total = query.with_entities(func.count(primary_key(view.model))).scalar()
            progress(0, total)
            with table_file(file, params.format, view.export_header()) as table:
                for cells in view.export_chunks(query):
                    table.write(cells)
                    done += len(cells)
                    progress(done, max(total, done))
        except (StatementError, OverflowError) as error:
            if not is_unusable_value(error):
                raise
            raise InvalidInput(
                "filter-unusable", "A value of the list's filters is too large or has the wrong form."
            ) from error
        return done


def find_list_view(endpoint: str) -> PortalModelView | None:
    """Return the list with this endpoint, or None when no loaded plugin has it."""
    for admin in current_app.extensions["admin"]:
        for view in admin._views:  # noqa: SLF001 - there is no other list of them
            if isinstance(view, PortalModelView) and view.endpoint == endpoint:
                return view
    return None


@contextmanager
def _shown(view: Any, params: ExportParams) -> Iterator[None]:
    """Let the view read its list's address, as if somebody looked at it."""
    with current_app.test_request_context(f"{view.url}/?{list_query(params.query)}"):
        yield


def _file_name(view: Any, params: ExportParams) -> str:
    now = utc_now().astimezone(portal_zone())
    return f"{safe_filename(str(view.name))} {now:%Y-%m-%d %H.%M}.{params.format}"
