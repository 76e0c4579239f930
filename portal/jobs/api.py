"""What entry points call: draft, submit, start, cancel, resume, retry, discard. None commits."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from portal.access.policy import require
from portal.files.service import NewFile, register
from portal.jobs import lifecycle
from portal.jobs.kinds import AnyKind, JobFiles, RowJob, kind_named
from portal.jobs.models import Job, JobFile, JobRow
from portal.jobs.planning import PLAN_ROWS, insert_rows, planned_rows
from portal.jobs.queue import wake
from portal.jobs.states import ACTIVE, Closing, JobState, RowState
from portal.jobs.uploads import Upload
from portal.kernel.actor import Actor
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict, InvalidInput
from portal.kernel.ids import new_id
from portal.kernel.transaction import on_commit, savepoint


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A checked request for a job; small ones are planned already, so that the preview is there at once."""

    kind: AnyKind
    params: BaseModel
    actor: Actor
    files: Mapping[str, Upload]
    idempotency_key: str | None
    header: tuple[str, ...] | None
    #: Values of all rows with their plans; None when there are more than 500, which a worker plans.
    rows: list[dict[str, Any]] | None


def draft(
    kind_name: str,
    params: Mapping[str, Any] | BaseModel,
    actor: Actor,
    *,
    files: Mapping[str, Upload] | None = None,
    idempotency_key: str | None = None,
) -> Draft:
    """Check a request for a job and plan up to 500 rows on the spot. Reads only; call it before ``transaction()``.

    Raises:
        Forbidden: when the actor lacks the kind's permission for these parameters.
        InvalidInput: parameters or files that cannot be used (a wrong header names its columns).
        NotFound: when no loaded plugin declares the kind.
    """
    kind = kind_named(kind_name)
    checked = _checked_params(kind, params)
    require(actor, kind.permission(checked))
    uploads = dict(files or {})
    header, rows = None, None
    if isinstance(kind, RowJob):
        job_files = JobFiles(shas={name: upload.sha256 for name, upload in uploads.items()})
        header = kind.header(checked, job_files)
        source = list(islice(kind.rows(checked, job_files), PLAN_ROWS + 1))
        if len(source) <= PLAN_ROWS:
            rows = planned_rows(kind, checked, source, set())
    return Draft(
        kind=kind,
        params=checked,
        actor=actor,
        files=uploads,
        idempotency_key=idempotency_key,
        header=header,
        rows=rows,
    )


def _checked_params(kind: AnyKind, params: Mapping[str, Any] | BaseModel) -> BaseModel:
    if isinstance(params, BaseModel):
        return params
    try:
        return kind.Params.model_validate(dict(params))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise InvalidInput("job-params-invalid", f"{kind.title}: {problems}.") from None


def submit(request: Draft, *, apply: bool = False, close_portal: bool | None = None) -> Job:
    """Store the job. Needs an open transaction; does not commit; workers are woken after the commit.

    The same idempotency key a second time gives the first job.

    Args:
        apply: Start it as soon as its plan is made, without a person looking at the preview.
        close_portal: Whether the portal closes meanwhile; None takes the kind's default.
    """
    if request.idempotency_key and (found := _by_key(request.idempotency_key)):
        return found
    job = _new_job(request, apply, close_portal)
    try:
        with savepoint():
            db.session.add(job)
            db.session.flush()
    except IntegrityError:
        found = _by_key(request.idempotency_key or "")
        if found is None:
            raise
        return found
    _attach(job.id, request.files)
    if isinstance(request.kind, RowJob):
        if request.rows is not None:
            insert_rows(job.id, job.kind, 1, request.rows)
            job.state, job.planned_at, job.source_read = JobState.PLANNED, utc_now(), True
            db.session.flush()
            if apply:
                lifecycle.begin(job, binding=False)
    else:
        job.state, job.started_at = JobState.RUNNING, utc_now()
    _wake_after_commit(job)
    return job


def _new_job(request: Draft, apply: bool, close_portal: bool | None) -> Job:
    kind, actor = request.kind, request.actor
    return Job(
        id=new_id(),
        kind=kind.name,
        title=kind.explain(request.params)[:300],
        state=JobState.PLANNING,
        params=request.params.model_dump(mode="json"),
        header=list(request.header) if request.header is not None else None,
        actor_user_id=actor.user_id,
        actor_name=actor.name,
        grants=sorted(actor.grants),
        is_administrator=actor.is_administrator,
        idempotency_key=request.idempotency_key,
        apply_when_planned=apply,
        closes_portal=_closes(kind, request.params, close_portal),
    )


def _closes(kind: AnyKind, params: BaseModel, wanted: bool | None) -> bool:
    closing = kind.closes_portal(params) if isinstance(kind, RowJob) else Closing.NEVER
    if closing is Closing.NEVER:
        return False
    return wanted if wanted is not None else closing is Closing.DEFAULT


def _by_key(key: str) -> Job | None:
    return db.session.scalar(select(Job).where(Job.idempotency_key == key))


def _attach(job_id: uuid.UUID, files: Mapping[str, Upload]) -> None:
    rows = [
        {
            "id": new_id(),
            "job_id": job_id,
            "role": "input",
            "name": name,
            "filename": upload.filename,
            "sha256": upload.sha256,
        }
        for name, upload in files.items()
    ]
    if rows:
        register(
            [
                NewFile(sha256=f.sha256, size_bytes=f.size_bytes, media_type=f.media_type)
                for f in files.values()
            ]
        )
        db.session.execute(insert(JobFile), rows)


def _wake_after_commit(job: Job) -> None:
    job.woken_at = None
    job_id = job.id
    if job.state in ACTIVE:
        on_commit(partial(wake, job_id))


def start(job_id: uuid.UUID, actor: Actor, *, close_portal: bool | None = None) -> Job:
    """Apply a planned job as previewed: rows that changed since will be refused. Needs an open transaction.

    Starting one that runs already, or has ended, gives that job: a second click starts nothing twice.

    Raises:
        Forbidden, NotFound: as the names say.
        Conflict: ``job-not-planned`` while it is still being planned; ``maintenance-open`` when another window is.
    """
    job = lifecycle.locked_job(job_id)
    kind, params = _kind_of(job, actor)
    if job.state == JobState.PLANNING:
        raise Conflict("job-not-planned", "The preview is still being made. Start it when it is there.")
    if job.state != JobState.PLANNED:
        return job
    job.closes_portal = _closes(kind, params, close_portal)
    lifecycle.begin(job, binding=True)
    _wake_after_commit(job)
    return job


def cancel(job_id: uuid.UUID, actor: Actor) -> Job:
    """Ask a job to stop; rows in hand are finished, the rest is left alone. Needs an open transaction."""
    job = lifecycle.locked_job(job_id)
    _kind_of(job, actor)
    if job.state in (JobState.PLANNED, JobState.AWAITING_APPROVAL):
        _cancel_pending(job)
    elif job.state in ACTIVE and job.cancel_requested_at is None:
        job.cancel_requested_at = utc_now()
        _wake_after_commit(job)
    return job


def _cancel_pending(job: Job) -> None:
    job.cancel_requested_at = utc_now()
    lifecycle.cancel_rows(job.id)
    lifecycle.end(job, JobState.CANCELLED)


def resume(job_id: uuid.UUID, actor: Actor) -> Job:
    """Go on with a cancelled or failed job where it stopped. Needs an open transaction.

    Raises:
        Conflict: ``job-not-resumable`` in any other state.
    """
    job = lifecycle.locked_job(job_id)
    kind, _ = _kind_of(job, actor)
    if job.state not in (JobState.CANCELLED, JobState.FAILED):
        raise Conflict("job-not-resumable", f"A job that is {job.state} cannot be resumed.")
    job.cancel_requested_at = None
    if not isinstance(kind, RowJob) or job.source_read:
        lifecycle.put_back(job.id, [RowState.CANCELLED], plan_again=False)
        lifecycle.begin(job, binding=job.binding)
    else:
        _plan_anew(job)
    _wake_after_commit(job)
    return job


def retry(job_id: uuid.UUID, actor: Actor) -> Job:
    """Plan failed and refused rows again and apply them. Needs an open transaction.

    Raises:
        Conflict: ``job-not-ended`` while it runs; ``nothing-to-retry`` when no row failed or was refused.
    """
    job = lifecycle.locked_job(job_id)
    _kind_of(job, actor)
    if job.state not in (JobState.FINISHED, JobState.CANCELLED):
        raise Conflict("job-not-ended", f"A job that is {job.state} cannot be retried yet.")
    if not lifecycle.put_back(job.id, [RowState.FAILED, RowState.REFUSED], plan_again=True):
        raise Conflict("nothing-to-retry", "No row of this job failed or was refused.")
    _plan_anew(job)
    job.apply_when_planned = True
    _wake_after_commit(job)
    return job


def _plan_anew(job: Job) -> None:
    job.state = JobState.PLANNING
    job.finished_at = job.error = job.cancel_requested_at = None
    db.session.flush()
    lifecycle.recount(job.id)


def discard(job_id: uuid.UUID, actor: Actor) -> None:
    """Throw a job away that was never started. Needs an open transaction.

    Raises:
        Conflict: ``job-was-started``: what did something stays on record.
    """
    job = lifecycle.locked_job(job_id)
    _kind_of(job, actor)
    if job.started_at is not None or job.state == JobState.RUNNING:
        raise Conflict("job-was-started", "A job that was started stays on record; cancel it instead.")
    db.session.execute(delete(JobFile).where(JobFile.job_id == job_id))
    db.session.execute(delete(JobRow).where(JobRow.job_id == job_id))
    db.session.execute(delete(Job).where(Job.id == job_id))


def _kind_of(job: Job, actor: Actor) -> tuple[AnyKind, BaseModel]:
    kind = kind_named(job.kind)
    params = kind.Params.model_validate(job.params)
    if actor.user_id is None or actor.user_id != job.actor_user_id:
        require(actor, "portal.jobs.manage")
    require(actor, kind.permission(params))
    return kind, params
