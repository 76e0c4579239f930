"""Makes jobs from rows, from a file or from parameters."""

from typing import Any

from flask import request

from portal.jobs.intake import draft_rows, draft_sheet
from portal.jobs.kinds import SHEET, RowJob, SheetJob, kind_named
from portal.jobs.sheets.reading import Decisions
from portal.jobs.states import JobState
from portal.jobs.submitting import Draft, draft, submit
from portal.jobs.uploads import Upload
from portal.kernel.actor import current_actor
from portal.kernel.errors import InvalidInput
from portal.kernel.transaction import transaction
from portal.panel.rest.job_shapes import JobOut, NewJobIn, UploadIn, job_address
from portal.panel.uploads import stored_file
from portal.sdk.rest import etag_of, job_key, quoted

Answer = tuple[JobOut, int, dict[str, str]]
#: When to look again at a job that is worked on.
POLL_SECONDS = 2
_WORKED_ON = frozenset({JobState.PLANNING, JobState.RUNNING})


def job_from_rows(body: NewJobIn) -> Answer:
    """Make the job that a JSON body describes; plan it, and apply it if wished."""
    actor = current_actor()
    _refuse_plan_of_task(body.kind, apply=body.apply)
    if body.rows is not None:
        wanted = draft_rows(body.kind, body.params, actor, body.rows, idempotency_key=job_key())
    else:
        wanted = draft(body.kind, body.params, actor, idempotency_key=job_key())
    return _submitted(wanted, body)


def job_from_files(form: UploadIn) -> Answer:
    """Make the job that an uploaded sheet, with its further files, describes."""
    actor, params = current_actor(), form.params or {}
    kind = kind_named(form.kind)
    _refuse_plan_of_task(form.kind, apply=form.apply)
    sheet, further = stored_file(form.sheet), _further_files()
    if isinstance(kind, SheetJob):
        wanted = draft_sheet(
            form.kind,
            params,
            actor,
            sheet,
            mapping=form.mapping,
            files=further,
            idempotency_key=job_key(),
            decisions=Decisions(dates=form.dates or {}, confirmed=form.confirmed or ()),
        )
    else:
        files = {SHEET: sheet, **further}
        _refuse_unknown_files(kind, files)
        wanted = draft(form.kind, params, actor, files=files, idempotency_key=job_key())
    return _submitted(wanted, form)


def answered(job: Any, status: int = 202, *, is_new: bool = False) -> Answer:
    """Return the answer that shows a job, with its tag. Call it while the transaction is open."""
    shown = JobOut.of(job)
    headers = {"ETag": quoted(etag_of(shown))}
    if shown.state in _WORKED_ON:
        headers["Retry-After"] = str(POLL_SECONDS)
    if is_new:
        headers["Location"] = job_address(job.id)
    return shown, status, headers


def _submitted(wanted: Draft, sent: NewJobIn | UploadIn) -> Answer:
    with transaction() as session:
        job = submit(wanted, apply=sent.apply, close_portal=sent.close_portal)
        session.flush()
        session.refresh(job)
        return answered(job, is_new=True)


def _refuse_plan_of_task(name: str, *, apply: bool) -> None:
    kind = kind_named(name)
    if not apply and not isinstance(kind, RowJob):
        raise InvalidInput(
            "job-has-no-plan",
            f"{kind.title} has no rows and so no plan to look at. Send apply: true to run it.",
            {"field": "apply"},
        )


def _refuse_unknown_files(kind: Any, files: dict[str, Upload]) -> None:
    known = kind.input_files if isinstance(kind, RowJob) else {}
    for role in files:
        if role not in known:
            allowed = ", ".join(known) or "none"
            raise InvalidInput("file-unknown", f"{kind.title} takes no file {role!r}. Allowed: {allowed}.")


def _further_files() -> dict[str, Upload]:
    return {role: stored_file(file) for role, file in request.files.items() if role != SHEET}
