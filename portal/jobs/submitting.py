"""How a job comes into being: a checked request, small ones planned on the spot, stored in the caller's transaction."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from portal.access.policy import require
from portal.files.service import NewFile, register
from portal.jobs.brake import begin_or_park
from portal.jobs.kinds import SHEET, AnyKind, JobFiles, RowJob, SheetJob, kind_named
from portal.jobs.models import Job, JobFile
from portal.jobs.planning import PLAN_ROWS, insert_rows, planned_rows
from portal.jobs.queue import wake_after_commit
from portal.jobs.sheets.reading import Reading
from portal.jobs.states import Closing, JobState
from portal.jobs.understanding import reading_of
from portal.jobs.uploads import Upload
from portal.kernel.actor import Actor
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import InvalidInput
from portal.kernel.ids import new_id
from portal.kernel.transaction import savepoint


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A checked request for a job; small ones are planned already, so that the preview is there at once."""

    kind: AnyKind
    params: BaseModel
    actor: Actor
    files: Mapping[str, Upload]
    idempotency_key: str | None
    header: tuple[str, ...] | None
    #: How the sheet is read; None for a kind without one.
    reading: Reading | None = None
    #: Values of all rows with their plans; None when there are more than 500, which a worker plans.
    rows: list[dict[str, Any]] | None = None


def draft(
    kind_name: str,
    params: Mapping[str, Any] | BaseModel,
    actor: Actor,
    *,
    files: Mapping[str, Upload] | None = None,
    idempotency_key: str | None = None,
    reading: Reading | None = None,
) -> Draft:
    """Check a request for a job and plan up to 500 rows on the spot. Reads only; call it before ``transaction()``.

    Args:
        reading: How the sheet of a :class:`SheetJob` is read; None finds it out by the names of its columns.

    Raises:
        Forbidden: when the actor lacks the kind's permission for these parameters.
        InvalidInput: parameters or files that cannot be used (a wrong header names its columns).
        NotFound: when no loaded plugin declares the kind.
    """
    kind = kind_named(kind_name)
    checked = checked_params(kind, params)
    require(actor, kind.permission(checked))
    uploads = dict(files or {})
    header, rows = None, None
    if isinstance(kind, RowJob):
        if isinstance(kind, SheetJob) and SHEET in uploads and reading is None:
            reading = reading_of(kind, checked, uploads[SHEET])
        shas = {name: upload.sha256 for name, upload in uploads.items()}
        job_files = JobFiles(shas=shas, reading=reading)
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
        reading=reading,
        rows=rows,
    )


def checked_params(kind: AnyKind, params: Mapping[str, Any] | BaseModel) -> BaseModel:
    """Return the parameters as the kind's model.

    Raises:
        InvalidInput: ``job-params-invalid``, naming every parameter that is wrong.
    """
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
                begin_or_park(
                    job, request.kind, request.params, binding=False, asked_by_id=request.actor.user_id
                )
    else:
        job.state, job.started_at = JobState.RUNNING, utc_now()
    wake_after_commit(job)
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
        reading=request.reading.stored() if request.reading is not None else None,
        actor_user_id=actor.user_id,
        actor_name=actor.name,
        grants=sorted(actor.grants),
        is_administrator=actor.is_administrator,
        idempotency_key=request.idempotency_key,
        apply_when_planned=apply,
        closes_portal=closes(kind, request.params, close_portal),
    )


def closes(kind: AnyKind, params: BaseModel, wanted: bool | None) -> bool:
    """Say whether the portal closes for the job; ``wanted`` None takes the kind's default."""
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
