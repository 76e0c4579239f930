"""Works on one job: plan it, apply its rows chunk by chunk, end it. The one function that the queue names."""

import logging
import signal
import threading
import time
import uuid
from typing import Any

from pydantic import BaseModel
from sqlalchemy import select

from portal.audit.recording import for_job
from portal.jobs import lifecycle, planning
from portal.jobs.applying import Pace, Run, claim, process
from portal.jobs.brake import begin_or_park
from portal.jobs.closing import waits_for_window
from portal.jobs.figures import CHUNK
from portal.jobs.kinds import AnyKind, RowJob
from portal.jobs.leases import new_owner, take_job
from portal.jobs.models import Job
from portal.jobs.queue import wake
from portal.jobs.states import ACTIVE, JobState
from portal.jobs.tasks import run_task
from portal.jobs.undo_kind import kind_of
from portal.kernel.actor import Actor, acting_as
from portal.kernel.db import db
from portal.kernel.errors import PortalError, StorageFull, TemporaryFailure
from portal.kernel.logs import log_context
from portal.kernel.transaction import run_in_transaction

log = logging.getLogger(__name__)

#: One run of a worker on a job; afterwards the job goes to the end of the queue, so that others get their turn.
SLICE_SECONDS = 15.0

_stop = threading.Event()


def listen_for_stop() -> None:
    """Let this process end its run after the chunk in hand when SIGUSR1 arrives."""
    _stop.clear()
    signal.signal(signal.SIGUSR1, lambda _number, _frame: _stop.set())


def run(job_id: str) -> None:
    """Work on the job for one slice of time; safe to run at any time, any number of times, in parallel."""
    if work_on(uuid.UUID(job_id), slice_seconds=SLICE_SECONDS):
        wake(uuid.UUID(job_id), 1)


def run_inline(job_id: uuid.UUID) -> None:
    """Work on the job in this process until it has ended or waits for a person."""
    while work_on(job_id, slice_seconds=SLICE_SECONDS):
        pass


def work_on(job_id: uuid.UUID, *, slice_seconds: float) -> bool:
    """Work on the job for about ``slice_seconds``; say whether there is more to do for this worker now."""
    job = db.session.get(Job, job_id, populate_existing=True)
    if job is None or job.state not in ACTIVE or waits_for_window(job_id):
        db.session.rollback()
        return False
    actor = Actor(
        user_id=job.actor_user_id,
        name=job.actor_name,
        grants=frozenset(job.grants),
        is_administrator=job.is_administrator,
    )
    with acting_as(actor), for_job(job_id), log_context(job_id=str(job_id)):
        return _guarded(job, slice_seconds)


def _guarded(job: Job, slice_seconds: float) -> bool:
    """Run the step that the job's state asks for; an error that no row can carry ends the job with its message."""
    job_id = job.id
    try:
        kind = kind_of(job)
        return _step(job, kind, kind.Params.model_validate(job.params), slice_seconds)
    except planning.LostLease:
        return run_in_transaction(lambda: _cancel_planning(job_id))
    except StorageFull as error:
        _fail(job_id, error.message)
    except TemporaryFailure:
        log.warning("job %s waits: the database is busy", job_id, exc_info=True)
    except PortalError as error:
        _fail(job_id, error.message)
    except Exception as error:
        # The border of the worker: whatever a kind's planning or task raises ends its job visibly.
        log.exception("job %s failed", job_id)
        _fail(
            job_id, f"An unexpected error ({type(error).__name__}). The log has the details under {job_id}."
        )
    return False


def _fail(job_id: uuid.UUID, message: str) -> None:
    run_in_transaction(lambda: lifecycle.end(lifecycle.locked_job(job_id), JobState.FAILED, message))


def _step(job: Job, kind: AnyKind, params: BaseModel, slice_seconds: float) -> bool:
    job_id, owner = job.id, new_owner()
    if not isinstance(kind, RowJob):
        return run_task(job_id, kind, params, owner)
    if job.state == JobState.PLANNING:
        return _plan(job_id, kind, params, owner)
    run = Run(
        job_id=job_id,
        kind=kind,
        params=params,
        files=planning.files_of(job_id),
        owner=owner,
        binding=job.binding,
    )
    return _apply(run, slice_seconds)


def _plan(job_id: uuid.UUID, kind: RowJob[Any, Any], params: BaseModel, owner: str) -> bool:
    if not run_in_transaction(lambda: take_job(job_id, owner, JobState.PLANNING)):
        return False
    source_read = db.session.scalar(select(Job.source_read).where(Job.id == job_id))
    if source_read:
        planning.plan_again(job_id, kind, params, owner)
    else:
        planning.plan_source(job_id, kind, params, owner)
    return run_in_transaction(lambda: _planned(job_id, kind, params))


def _planned(job_id: uuid.UUID, kind: RowJob[Any, Any], params: BaseModel) -> bool:
    """Mark the plan as made and begin at once when nobody wants to look at it."""
    planning.finish_planning(job_id)
    job = lifecycle.locked_job(job_id)
    lifecycle.recount(job_id)
    if job.cancel_requested_at is not None:
        _cancel_planning(job_id)
        return False
    if job.apply_when_planned:
        begin_or_park(job, kind, params, binding=False, asked_by_id=job.actor_user_id)
        return job.state == JobState.RUNNING
    return False


def _cancel_planning(job_id: uuid.UUID) -> bool:
    job = lifecycle.locked_job(job_id)
    if job.cancel_requested_at is not None:
        lifecycle.cancel_rows(job_id)
        lifecycle.end(job, JobState.CANCELLED)
    return False


def _apply(run: Run, slice_seconds: float) -> bool:
    started = time.monotonic()
    pace = Pace.starting(run.kind.chunk_rows)
    while not _stop.is_set() and time.monotonic() - started < slice_seconds:
        cpu_started, chunk_started = time.process_time(), time.monotonic()
        work = claim(run, pace.rows)
        if not work:
            run_in_transaction(lambda: lifecycle.finish_if_done(run.job_id))
            return False
        process(run, work, cpu_started)
        pace.measured(len(work), time.monotonic() - chunk_started)
        CHUNK.labels(run.kind.name).observe(time.monotonic() - chunk_started)
    return True
