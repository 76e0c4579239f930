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
    url_for,
)
from markupsafe import Markup
from sqlalchemy import false

from portal.access.routes import requires
from portal.jobs import api
from portal.jobs.models import Job
from portal.jobs.passing import expiry_of
from portal.jobs.queries import files_of_job, list_rows, touching
from portal.jobs.queue_health import queue_health
from portal.jobs.results import MAX_WORKBOOK_ROWS
from portal.jobs.states import JobState, RowState
from portal.kernel.actor import current_actor
from portal.kernel.transaction import transaction
from portal.panel.job_downloads import file_response, result_response
from portal.panel.job_facts import PAGE_ROWS, JobFacts, facts_of
from portal.panel.permissions import JOBS_RELEASE, JOBS_VIEW
from portal.sdk.web import ChoiceFilter, FilterEqual, PortalModelView, expose, job_url

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
    list_links = (("uploads.index", "Upload a sheet", JOBS_VIEW),)
    can_view_details = False
    column_list = ("title", "state", "done", "actor_name", "created_at", "finished_at")
    column_default_sort = ("created_at", True)
    column_sortable_list = ("created_at", "finished_at")
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
    list_template = "panel/jobs.html"
    queue_health = staticmethod(queue_health)
    column_filters: ClassVar[list[Any]] = [
        ChoiceFilter(Job.state, "State", list(JobState)),
        FilterEqual(Job.kind, "Kind"),
        FilterEqual(Job.actor_name, "Started by"),
    ]

    def get_query(self) -> Any:
        return _of_record(super().get_query())

    def get_count_query(self) -> Any:
        return _of_record(super().get_count_query())

    @expose("/<uuid:job_id>/")
    def page(self, job_id: UUID) -> Any:
        """Show the job: what it will do, how far it is, or what it did."""
        facts = facts_of(self.get_one(job_id))
        state = _row_state(request.args.get("state"))
        code = request.args.get("code") or None
        action = request.args.get("action") or None
        after = max(request.args.get("after", 0, type=int), 0)
        after = min(after, 2**31 - 1)
        rows = list_rows(job_id, state=state, code=code, action=action, after=after, limit=PAGE_ROWS + 1)
        template = "panel/job_planned.html" if facts.awaits_confirmation else "panel/job.html"
        return self.render(
            template,
            facts=facts,
            job=facts.job,
            counts=facts.counts_by_code(),
            rows=rows[:PAGE_ROWS],
            next_after=rows[PAGE_ROWS - 1].position if len(rows) > PAGE_ROWS else None,
            chosen={"state": state, "code": code, "action": action, "after": after},
            files=files_of_job(job_id),
            passing=expiry_of(job_id),
            fits_workbook=facts.job.rows_count <= MAX_WORKBOOK_ROWS,
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

    @expose("/<uuid:job_id>/undo", methods=("POST",))
    def undo(self, job_id: UUID) -> Any:
        """Plan the undo of the job and lead to its preview; a second click leads to the same."""
        self.get_one(job_id)
        with transaction():
            undo_id = api.undo(job_id, current_actor()).id
        return redirect(job_url(undo_id))

    @expose("/<uuid:job_id>/release", methods=("POST",))
    @requires(JOBS_RELEASE)
    def release(self, job_id: UUID) -> Any:
        """Let a held job run, or stop it for good, as the second person."""
        self.get_one(job_id)
        is_released = request.form.get("decision") == "release"
        with transaction():
            if is_released:
                api.release(job_id, current_actor())
            else:
                api.reject(job_id, current_actor(), request.form.get("reason", ""))
        flash("The job runs now." if is_released else "The job was stopped; nothing was changed.", "success")
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
        return result_response(self.get_one(job_id), "csv")

    @expose("/<uuid:job_id>/result.xlsx")
    def result_workbook(self, job_id: UUID) -> Response:
        """Answer with the result file as a workbook, every cell as text."""
        return result_response(self.get_one(job_id), "xlsx")

    @expose("/<uuid:job_id>/files/<uuid:file_id>")
    def file(self, job_id: UUID, file_id: UUID) -> Response:
        """Answer with a file that was uploaded for the job, or that it made."""
        return file_response(self.get_one(job_id), file_id)


def _of_record(query: Any) -> Any:
    """Leave the jobs that touched the record which the address names as ``table:key``."""
    table, _, key = request.args.get("record", "").partition(":")
    if not key:
        return query
    touched = touching(table, key)
    return query.where(touched if touched is not None else false())


def _row_state(text: str | None) -> RowState | None:
    try:
        return RowState(text) if text else None
    except ValueError:
        return None
