"""The page on which a sheet of applicants and a ZIP of photos come in."""

import csv
import io
from typing import Any, BinaryIO, cast

from flask import Response, redirect, request
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from plugins.admissions.api.import_columns import FIELDS, IGNORE, TEMPLATE, columns_of
from plugins.admissions.forms import column_words
from plugins.admissions.jobs import ImportApplicants
from plugins.admissions.jobs.importing import PHOTOS, SHEET
from plugins.admissions.models import Container
from portal.sdk import Forbidden, InvalidInput, PortalError, current_actor, current_store, db, transaction
from portal.sdk.jobs import Upload, draft, read_csv, store_upload, submit
from portal.sdk.web import PortalView, expose, job_url, sent_form_token, uploaded_file

MODES = {
    "create": ("New applicants", "Every row becomes a new application."),
    "update": (
        "Change applicants",
        "Rows are found by applicant_id or reg_number; an empty cell changes nothing.",
    ),
    "remove": (
        "Remove applicants",
        "Rows are found by applicant_id or reg_number; those who are students stay.",
    ),
}


class ImportView(PortalView):
    """Import of applicants."""

    @expose("/")
    def index(self) -> Any:
        """Show the form."""
        return self._form({"mode": "create", "container": request.args.get("container", "")}, None)

    @expose("/", methods=("POST",))
    def start(self) -> Any:
        """Take the files, plan the import and lead to its preview; nothing is imported yet."""
        try:
            job_id = self._plan()
        except Forbidden:
            raise
        except PortalError as problem:
            return self._form(request.form.to_dict(), problem), problem.status
        return redirect(job_url(job_id))

    @expose("/template.csv")
    def template(self) -> Response:
        """Answer with an empty sheet that has the usual columns."""
        buffer = io.StringIO()
        csv.writer(buffer).writerow(TEMPLATE)
        # The mark at the beginning makes spreadsheet programs read it as UTF-8.
        response = Response("\ufeff" + buffer.getvalue(), mimetype="text/csv")
        response.headers["Content-Disposition"] = "attachment; filename=applicants-template.csv"
        return response

    def _plan(self) -> Any:
        sheet = uploaded_file("sheet", label="A CSV sheet")
        photos = uploaded_file("photos", required=False)
        if sheet is None:
            raise InvalidInput("file-missing", "A CSV sheet must be chosen.", {"field": "sheet"})
        columns = column_words(request.form.get("columns", ""))
        uploads = {SHEET: _stored(sheet, "text/csv")}
        if request.form.get("ignore_unknown"):
            columns = _with_unknown_ignored(uploads[SHEET], columns)
        if photos is not None:
            uploads[PHOTOS] = _stored(photos, "application/zip")
        params = {
            "mode": request.form.get("mode", ""),
            "container": request.form.get("container") or None,
            "columns": columns,
        }
        planned = draft(
            ImportApplicants.name, params, current_actor(), files=uploads, idempotency_key=sent_form_token()
        )
        with transaction():
            return submit(planned).id

    def _form(self, filled: dict[str, str], problem: PortalError | None) -> Any:
        containers = db.session.scalars(
            select(Container).order_by(Container.year.desc(), Container.code)
        ).all()
        return self.render(
            "admissions/import.html",
            filled=filled,
            problem=problem,
            containers=containers,
            modes=MODES,
            fields=FIELDS,
        )


def _stored(file: FileStorage, media_type: str) -> Upload:
    return store_upload(cast("BinaryIO", file.stream), file.filename or "upload", media_type)


def _with_unknown_ignored(sheet: Upload, columns: dict[str, str]) -> dict[str, str]:
    """Return the mapping with every column that neither it nor its name explains set to be ignored."""
    with current_store().open(sheet.sha256) as stream:
        header = read_csv(stream).header
    found = dict(columns)
    for column in header:
        try:
            columns_of([column], columns)
        except InvalidInput:
            found[column] = IGNORE
    return found
