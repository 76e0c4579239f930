"""``/api/v1/jobs``: make jobs, look at their plans, apply, follow, stop, repeat and undo them, fetch what they made."""

import uuid
from collections.abc import Callable
from typing import Any

from flask import Response
from sqlalchemy import select

from portal.jobs import api, queries
from portal.jobs.lifecycle import locked_job
from portal.jobs.models import Job, JobRow
from portal.jobs.tables import MEDIA_TYPES, Format
from portal.kernel.actor import Actor, current_actor
from portal.kernel.transaction import transaction
from portal.panel.job_downloads import file_response, result_response
from portal.panel.permissions import JOBS_RELEASE, JOBS_VIEW
from portal.panel.rest import job_making
from portal.panel.rest.job_making import answered
from portal.panel.rest.job_shapes import (
    CodeCountOut,
    FileListOut,
    FileOut,
    JobListOut,
    JobOut,
    JobQuery,
    NewJobIn,
    PlanOut,
    RejectIn,
    RowListOut,
    RowOut,
    RowQuery,
    StartQuery,
    UploadIn,
)
from portal.sdk.rest import (
    PageOrder,
    api_blueprint,
    api_route,
    check_match,
    etag_of,
    get_visible,
    list_page,
    narrowed_select,
    order_of,
)

jobs = api_blueprint(
    "portal",
    "Jobs",
    "Bulk work: rows, plan, apply, result, undo. Each kind has a permission of its own.",
    "jobs",
)

_KIND = {
    403: "The permission of the route or of the job's kind is missing.",
    404: "There is no such kind of job.",
}
_STATE = {403: "The job is somebody else's, or the permission of its kind is missing."}
_EXAMPLE = {
    "kind": "portal.link_identities",
    "params": {"provider": "library"},
    "rows": [{"external_id": "L-00471", "sign_in_name": "ada"}],
}


@jobs.post("/jobs")
@api_route(
    JOBS_VIEW,
    body=NewJobIn,
    answer=JobOut,
    status=202,
    writes=True,
    etag=True,
    location=True,
    problems=_KIND,
    example=_EXAMPLE,
)
def make(body: NewJobIn) -> Any:
    """Make a job from rows, or from parameters.

    Needs the permission of the kind as well. The plan is made at once for up to 500 rows, by a worker for more;
    follow the job at the `Location`. Nothing is changed before the job is applied.
    """
    return job_making.job_from_rows(body)


@jobs.post("/jobs/upload")
@api_route(
    JOBS_VIEW, form=UploadIn, answer=JobOut, status=202, writes=True, etag=True, location=True, problems=_KIND
)
def upload(form: UploadIn) -> Any:
    """Make a job from an uploaded sheet.

    Columns are found by their names or by `mapping`. What the sheet leaves open (the order of day and month, ids that
    a spreadsheet has mangled) is refused with examples until `dates` or `confirmed` decide it.
    """
    return job_making.job_from_files(form)


@jobs.get("/jobs")
@api_route(JOBS_VIEW, query=JobQuery, answer=JobListOut)
def list_all(query: JobQuery) -> Any:
    """List jobs, newest first.

    Without `portal.jobs.view_all` only the caller's own.
    """
    statement = narrowed_select(Job, JOBS_VIEW)
    if query.state is not None:
        statement = statement.where(Job.state == query.state)
    if query.kind is not None:
        statement = statement.where(Job.kind == query.kind)
    if query.is_mine:
        statement = statement.where(Job.actor_user_id == current_actor().user_id)
    return list_page(statement, order_of(Job, Job.created_at, descending=True), query, JobOut.of)


@jobs.get("/jobs/<uuid:job_id>")
@api_route(JOBS_VIEW, answer=JobOut, etag=True)
def show(job_id: uuid.UUID) -> Any:
    """Show a job as it is now.

    Ask again every few seconds with `If-None-Match`: 304 while nothing has happened.
    """
    return answered(_visible(job_id), 200)


@jobs.get("/jobs/<uuid:job_id>/plan")
@api_route(JOBS_VIEW, answer=PlanOut)
def show_plan(job_id: uuid.UUID) -> PlanOut:
    """Show what a job will do, or did, in figures by action and code."""
    job = _visible(job_id)
    return PlanOut(
        job=JobOut.of(job), by_code=[CodeCountOut.of(found) for found in queries.counts_by_code(job.id)]
    )


@jobs.get("/jobs/<uuid:job_id>/rows")
@api_route(JOBS_VIEW, query=RowQuery, answer=RowListOut)
def list_rows(job_id: uuid.UUID, query: RowQuery) -> Any:
    """List the rows of a job, in the order of the sheet."""
    statement = select(JobRow).where(JobRow.job_id == _visible(job_id).id)
    for name in ("state", "action", "code"):
        wanted = getattr(query, name)
        if wanted is not None:
            statement = statement.where(getattr(JobRow, name) == wanted)
    return list_page(statement, PageOrder(columns=(JobRow.position,)), query, RowOut.of)


@jobs.post("/jobs/<uuid:job_id>/apply")
@api_route(
    JOBS_VIEW,
    query=StartQuery,
    answer=JobOut,
    status=202,
    writes=True,
    match="required",
    etag=True,
    problems=_STATE,
)
def apply(job_id: uuid.UUID, query: StartQuery) -> Any:
    """Apply a planned job as previewed.

    `If-Match` says which plan was looked at. Rows whose record has changed since are refused, by name.
    """
    return _changed(job_id, lambda actor: api.start(job_id, actor, close_portal=query.close_portal))


@jobs.post("/jobs/<uuid:job_id>/cancel")
@api_route(JOBS_VIEW, answer=JobOut, status=202, writes=True, match="optional", etag=True, problems=_STATE)
def cancel(job_id: uuid.UUID) -> Any:
    """Stop a job after the rows in hand; what is done stays done."""
    return _changed(job_id, lambda actor: api.cancel(job_id, actor))


@jobs.post("/jobs/<uuid:job_id>/resume")
@api_route(JOBS_VIEW, answer=JobOut, status=202, writes=True, match="optional", etag=True, problems=_STATE)
def resume(job_id: uuid.UUID) -> Any:
    """Go on with a cancelled or failed job where it stopped."""
    return _changed(job_id, lambda actor: api.resume(job_id, actor))


@jobs.post("/jobs/<uuid:job_id>/retry")
@api_route(JOBS_VIEW, answer=JobOut, status=202, writes=True, match="optional", etag=True, problems=_STATE)
def retry(job_id: uuid.UUID) -> Any:
    """Plan the failed and refused rows again and apply them."""
    return _changed(job_id, lambda actor: api.retry(job_id, actor))


@jobs.post("/jobs/<uuid:job_id>/undo")
@api_route(
    JOBS_VIEW,
    answer=JobOut,
    status=202,
    writes=True,
    match="optional",
    etag=True,
    location=True,
    problems=_STATE,
)
def undo(job_id: uuid.UUID) -> Any:
    """Plan the job that takes back what one job did.

    Answers with that new job, planned; apply it when its plan is right. Asking again gives the same.
    """
    return _changed(job_id, lambda actor: api.undo(job_id, actor), is_new=True)


@jobs.post("/jobs/<uuid:job_id>/release")
@api_route(JOBS_RELEASE, answer=JobOut, status=202, writes=True, match="required", etag=True, problems=_STATE)
def release(job_id: uuid.UUID) -> Any:
    """Let a job run that changes unusually much, as the second person."""
    return _changed(job_id, lambda actor: api.release(job_id, actor))


@jobs.post("/jobs/<uuid:job_id>/reject")
@api_route(
    JOBS_RELEASE,
    body=RejectIn,
    answer=JobOut,
    status=202,
    writes=True,
    match="required",
    etag=True,
    problems=_STATE,
)
def reject(job_id: uuid.UUID, body: RejectIn) -> Any:
    """Stop a job for good that changes unusually much; nothing was done."""
    return _changed(job_id, lambda actor: api.reject(job_id, actor, body.reason))


@jobs.delete("/jobs/<uuid:job_id>")
@api_route(JOBS_VIEW, status=204, writes=True, match="required", problems=_STATE)
def discard(job_id: uuid.UUID) -> Any:
    """Throw a job away that was never started."""
    _visible(job_id)
    with transaction():
        _locked(job_id)
        api.discard(job_id, current_actor())
    return {}


@jobs.get("/jobs/<uuid:job_id>/result.<any(csv, xlsx):form>")
@api_route(
    JOBS_VIEW, files=tuple(MEDIA_TYPES.values()), problems={409: "Too many rows for a workbook; take CSV."}
)
def result(job_id: uuid.UUID, form: Format) -> Response:
    """Fetch the result file: the uploaded columns untouched, then what became of each row."""
    return result_response(_visible(job_id), form)


@jobs.get("/jobs/<uuid:job_id>/files")
@api_route(JOBS_VIEW, answer=FileListOut)
def list_files(job_id: uuid.UUID) -> FileListOut:
    """List the files that were uploaded for a job, and those that it made."""
    found = queries.files_of_job(_visible(job_id).id)
    return FileListOut(items=[FileOut.of(file) for file in found])


@jobs.get("/jobs/<uuid:job_id>/files/<uuid:file_id>")
@api_route(JOBS_VIEW, files=("*/*",), problems={410: "The file was kept for a while only."})
def file(job_id: uuid.UUID, file_id: uuid.UUID) -> Response:
    """Fetch a file of a job."""
    return file_response(_visible(job_id), file_id)


def _visible(job_id: uuid.UUID) -> Job:
    message = "There is no such job, or you may not see it."
    found: Job = get_visible(Job, JOBS_VIEW, job_id, code="job-not-found", message=message)
    return found


def _locked(job_id: uuid.UUID) -> None:
    """Lock the job and compare the caller's If-Match with what it is now."""
    check_match(etag_of(JobOut.of(locked_job(job_id))))


def _changed(job_id: uuid.UUID, change: Callable[[Actor], Job], *, is_new: bool = False) -> Any:
    _visible(job_id)
    with transaction() as session:
        _locked(job_id)
        job = change(current_actor())
        session.flush()
        session.refresh(job)
        return answered(job, is_new=is_new)
