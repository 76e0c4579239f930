"""Sheets in, for every kind of job that takes one: upload, columns, then the plan."""

from typing import Any, BinaryIO, cast

from flask import Response, redirect, request, url_for
from werkzeug.datastructures import FileStorage

from portal.access.policy import may, require
from portal.hooks.registry import current_registry
from portal.jobs.intake import draft_sheet, sheet_kind, understand
from portal.jobs.kinds import SHEET, SheetJob, kind_named
from portal.jobs.mapping_memory import remember_columns, remembered_columns
from portal.jobs.queries import newest_job_of_file
from portal.jobs.sheets.blank import blank_csv, blank_xlsx
from portal.jobs.submitting import checked_params, submit
from portal.jobs.understanding import AnySheetJob, sheet_header
from portal.jobs.uploads import Upload, store_upload
from portal.kernel.actor import current_actor
from portal.kernel.errors import Forbidden, InvalidInput, NotFound, PortalError
from portal.kernel.transaction import transaction
from portal.panel.pending_uploads import PendingUpload, pending_upload
from portal.panel.upload_forms import (
    ColumnsPage,
    param_fields,
    param_words,
    sent_decisions,
    sent_mapping,
    sent_params,
    shown_params,
)
from portal.sdk.web import PortalView, expose, job_url, sent_form_token, signed_in_only, uploaded_file
from portal.web.downloads import name_download

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MEDIA_TYPES = {".csv": "text/csv", ".txt": "text/csv", ".xlsx": _XLSX, ".zip": "application/zip"}


class UploadsView(PortalView):
    """Upload of sheets. Each kind's own permission decides who may."""

    @expose("/")
    @signed_in_only
    def index(self) -> Any:
        """Show what can be uploaded, for those who may."""
        actor = current_actor()
        kinds = [kind_named(name) for name in sorted(current_registry().job_kinds)]
        allowed = [
            kind for kind in kinds if isinstance(kind, SheetJob) and may(actor, kind.upload_permission())
        ]
        return self.render("panel/uploads.html", kinds=allowed)

    @expose("/<kind>/")
    @signed_in_only
    def upload(self, kind: str) -> Any:
        """Show the form; parameters of the address fill it in."""
        return self._form(_allowed(kind), request.args.to_dict(), None)

    @expose("/<kind>/", methods=("POST",))
    @signed_in_only
    def take(self, kind: str) -> Any:
        """Take the files and lead to the columns; nothing is planned yet."""
        found = _allowed(kind)
        try:
            pending = _taken(found)
            word = pending.signed()
        except Forbidden:
            raise
        except PortalError as problem:
            return self._form(found, request.form.to_dict(), problem), problem.status
        return redirect(url_for(".columns", kind=kind, u=word))

    @expose("/<kind>/columns")
    @signed_in_only
    def columns(self, kind: str) -> Any:
        """Show what was understood of the sheet, and which column means what."""
        found = _allowed(kind)
        word = request.args.get("u", "")
        try:
            return self._columns(found, word, pending_upload(word, kind), None)
        except InvalidInput as problem:
            return self._form(found, {}, problem), problem.status

    @expose("/<kind>/columns", methods=("POST",))
    @signed_in_only
    def plan(self, kind: str) -> Any:
        """Plan the job with the columns as chosen and lead to its plan; nothing is changed yet."""
        found = _allowed(kind)
        word = request.form.get("u", "")
        try:
            pending = pending_upload(word, kind)
        except InvalidInput as problem:
            return self._form(found, {}, problem), problem.status
        try:
            return redirect(job_url(_planned(found, pending)))
        except Forbidden:
            raise
        except PortalError as problem:
            return self._columns(found, word, pending, problem), problem.status

    @expose("/<kind>/template.<any(csv, xlsx):format_name>")
    @signed_in_only
    def template(self, kind: str, format_name: str) -> Response:
        """Answer with an empty sheet that has the kind's columns."""
        found = _allowed(kind)
        columns = found.columns(_params_or_default(found, request.args.to_dict()))
        if format_name == "csv":
            response = Response(blank_csv(columns), mimetype="text/csv")
        else:
            response = Response(blank_xlsx(columns), mimetype=_XLSX)
        name_download(response, f"{found.title} template.{format_name}", inline=False)
        return response

    def _form(self, kind: AnySheetJob, sent: dict[str, str], problem: PortalError | None) -> Any:
        fields = param_fields(kind)
        values = shown_params(fields, sent)
        columns = kind.columns(_params_or_default(kind, values))
        return self.render(
            "panel/upload.html", kind=kind, fields=fields, values=values, columns=columns, problem=problem
        )

    def _columns(
        self, kind: AnySheetJob, word: str, pending: PendingUpload, problem: PortalError | None
    ) -> Any:
        params = checked_params(kind, pending.params)
        columns = kind.columns(params)
        remembered = remembered_columns(kind.name, current_actor())
        posted = request.method == "POST"
        chosen = sent_mapping(sheet_header(pending.sheet), request.form) if posted else None
        found = understand(kind, params, pending.sheet, mapping=chosen, remembered=remembered)
        page = ColumnsPage(
            understanding=found,
            columns=columns,
            decisions=sent_decisions(columns, request.form),
            problem=problem,
        )
        words = param_words(kind, pending.params)
        return self.render(
            "panel/upload_columns.html",
            kind=kind,
            page=page,
            pending=pending,
            word=word,
            params=words,
            earlier=newest_job_of_file(kind.name, pending.sheet.sha256),
            job_url=job_url,
        )


def _allowed(name: str) -> AnySheetJob:
    """Return the kind when the actor may upload for it at all.

    Raises:
        NotFound: when there is no such kind, or it takes no sheet.
        Forbidden: when the actor may not.
    """
    try:
        kind = sheet_kind(name)
    except InvalidInput as problem:
        raise NotFound(problem.code, problem.message) from None
    require(current_actor(), kind.upload_permission())
    return kind


def _params_or_default(kind: AnySheetJob, sent: dict[str, str]) -> Any:
    """Return parameters as far as they are known, to ask a kind for its columns."""
    try:
        return checked_params(kind, {name: text for name, text in sent.items() if text})
    except InvalidInput:
        return kind.Params.model_construct()


def _taken(kind: AnySheetJob) -> PendingUpload:
    params = checked_params(kind, sent_params(param_fields(kind), request.form))
    require(current_actor(), kind.permission(params))
    sheet = uploaded_file(SHEET, label="A sheet")
    files = {SHEET: stored_file(cast("FileStorage", sheet))}
    for role in kind.input_files:
        if role != SHEET and (sent := uploaded_file(role, required=False)) is not None:
            files[role] = stored_file(sent)
    understand(kind, params, files[SHEET])
    return PendingUpload(kind=kind.name, params=params.model_dump(mode="json"), files=files)


def stored_file(file: FileStorage) -> Upload:
    """Put a file that was sent into the store, streamed, under its sender's name for it."""
    name = (file.filename or "upload").replace("\\", "/").rpartition("/")[2]
    media_type = _MEDIA_TYPES.get(name[name.rfind(".") :].lower(), "application/octet-stream")
    return store_upload(cast("BinaryIO", file.stream), name, media_type)


def _planned(kind: AnySheetJob, pending: PendingUpload) -> Any:
    params, actor = checked_params(kind, pending.params), current_actor()
    mapping = sent_mapping(sheet_header(pending.sheet), request.form)
    request_for_job = draft_sheet(
        kind.name,
        params,
        actor,
        pending.sheet,
        mapping=mapping,
        files={role: file for role, file in pending.files.items() if role != SHEET},
        idempotency_key=sent_form_token(),
        decisions=sent_decisions(kind.columns(params), request.form),
    )
    chosen = {name: field for name, field in mapping.items() if not name.startswith("_")}
    with transaction():
        remember_columns(kind.name, actor, chosen)
        return submit(request_for_job).id
