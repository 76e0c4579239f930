"""Jobs: the list, and one page per job that is its confirmation, its progress and its report in turn."""

from typing import Any, ClassVar
from uuid import UUID

from flask import (
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from markupsafe import Markup

from portal.files.models import StoredFile
from portal.jobs import api
from portal.jobs.models import Job, JobFile
from portal.jobs.queries import files_of_job, list_rows
from portal.jobs.results import result_lines
from portal.jobs.states import JobState, RowState
from portal.kernel.actor import current_actor
from portal.kernel.db import db
from portal.kernel.errors import NotFound
from portal.kernel.transaction import transaction
from portal.panel.job_facts import PAGE_ROWS, JobFacts, facts_of
from portal.sdk.web import ChoiceFilter, FilterEqual, PortalModelView, expose, job_url, send_blob
from portal.web.downloads import name_download

_DONE_WORDS = {
    "cancel": "The job stops after the rows in hand; what is done stays done.",
    "resume": "The job goes on.",
    "retry": "Failed and refused rows are looked at again.",
}


def _title_cell(view: Any, context: Any, job: Job, name: str) -> Any:
    return Markup('<a class="row-link" href="{}">{}</a>').format(job_url(job.id), job.title)


def _rows_cell(view: Any, context: Any, job: Job, name: str) -> Any:
    return JobFacts(job).summary()


class JobsView(PortalModelView):
    """Bulk work, newest first; without the permission to see everybody's, one's own."""

    introduction = "Everything that is done in bulk: planned, confirmed, followed and reported here."
    can_view_details = False
    column_list = ("title", "state", "done", "actor_name", "created_at", "finished_at")
    column_default_sort = ("created_at", True)
    column_sortable_list = ("created_at", "finished_at", "state")
    column_searchable_list = ("title", "actor_name", "kind")
    column_badges = ("state",)
    column_labels: ClassVar[dict[str, str]] = {
        "title": "Job",
        "actor_name": "Started by",
        "created_at": "Made",
        "finished_at": "Ended",
        "done": "Rows",
    }
    column_formatters: ClassVar[dict[str, Any]] = {"title": _title_cell, "done": _rows_cell}
    column_filters: ClassVar[list[Any]] = [
        ChoiceFilter(Job.state, "State", list(JobState)),
        FilterEqual(Job.kind, "Kind"),
        FilterEqual(Job.actor_name, "Started by"),
    ]

    @expose("/<uuid:job_id>/")
    def page(self, job_id: UUID) -> Any:
        """Show the job: what it will do, how far it is, or what it did."""
        facts = facts_of(self.get_one(job_id))
        state = _row_state(request.args.get("state"))
        code = request.args.get("code") or None
        after = max(request.args.get("after", 0, type=int), 0)
        rows = list_rows(job_id, state=state, code=code, after=min(after, 2**31 - 1), limit=PAGE_ROWS + 1)
        template = "panel/job_planned.html" if facts.awaits_confirmation else "panel/job.html"
        return self.render(
            template,
            facts=facts,
            job=facts.job,
            counts=facts.counts_by_code(),
            rows=rows[:PAGE_ROWS],
            next_after=rows[PAGE_ROWS - 1].position if len(rows) > PAGE_ROWS else None,
            chosen={"state": state, "code": code, "after": after},
            files=files_of_job(job_id),
        )

    @expose("/<uuid:job_id>/progress")
    def progress(self, job_id: UUID) -> Any:
        """Answer with the part of the page that changes; 304 when it has not."""
        facts = facts_of(self.get_one(job_id))
        response = make_response(render_template("panel/job_progress.html", facts=facts, job=facts.job))
        response.headers["X-Job-State"] = facts.job.state
        response.headers["Cache-Control"] = "private, no-cache"
        response.add_etag()
        return response.make_conditional(request)

    @expose("/<uuid:job_id>/start", methods=("POST",))
    def start(self, job_id: UUID) -> Any:
        """Start a planned job as previewed; a second click finds it started."""
        self.get_one(job_id)
        with transaction():
            api.start(job_id, current_actor(), close_portal=request.form.get("close_portal") == "1")
        return redirect(job_url(job_id))

    @expose("/<uuid:job_id>/<any(cancel, resume, retry):verb>", methods=("POST",))
    def change(self, job_id: UUID, verb: str) -> Any:
        """Cancel, resume or retry."""
        self.get_one(job_id)
        change = {"cancel": api.cancel, "resume": api.resume, "retry": api.retry}[verb]
        with transaction():
            change(job_id, current_actor())
        flash(_DONE_WORDS[verb], "success")
        return redirect(job_url(job_id))

    @expose("/<uuid:job_id>/discard", methods=("POST",))
    def discard(self, job_id: UUID) -> Any:
        """Throw away a job that was never started."""
        self.get_one(job_id)
        with transaction():
            api.discard(job_id, current_actor())
        flash("The plan was thrown away; nothing was changed.", "success")
        return redirect(url_for(".index_view"))

    @expose("/<uuid:job_id>/result.csv")
    def result(self, job_id: UUID) -> Response:
        """Answer with the result file: the uploaded columns, then what became of each row."""
        job: Job = self.get_one(job_id)
        response = Response(stream_with_context(result_lines(job)), mimetype="text/csv")
        name_download(response, f"{job.title} {job.created_at:%Y-%m-%d} result.csv", inline=False)
        return response

    @expose("/<uuid:job_id>/files/<uuid:file_id>")
    def file(self, job_id: UUID, file_id: UUID) -> Response:
        """Answer with a file that was uploaded for the job, or that it made."""
        self.get_one(job_id)
        found = db.session.get(JobFile, file_id)
        stored = db.session.get(StoredFile, found.sha256) if found is not None else None
        if found is None or stored is None or found.job_id != job_id:
            raise NotFound("job-file-missing", "This job has no such file.")
        return send_blob(stored.sha256, stored.media_type, found.filename or found.name)


def _row_state(text: str | None) -> RowState | None:
    try:
        return RowState(text) if text else None
    except ValueError:
        return None
