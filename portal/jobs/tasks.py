"""Runs jobs without rows: one piece of work under the job's own lease."""

import time
import uuid
from typing import Any

from pydantic import BaseModel
from sqlalchemy import delete, insert, select, update

from portal.files.service import NewFile, register
from portal.jobs import lifecycle
from portal.jobs.kinds import Cancelled, TaskJob, TaskResult
from portal.jobs.leases import take_job
from portal.jobs.models import Job, JobFile, PassingFile
from portal.jobs.passing import keep_for
from portal.jobs.planning import LostLease
from portal.jobs.states import JobState
from portal.kernel.db import db
from portal.kernel.ids import new_id
from portal.kernel.transaction import run_in_transaction

#: At most one progress report (a short transaction) in this time.
REPORT_SECONDS = 1.0


def run_task(job_id: uuid.UUID, kind: TaskJob[Any], params: BaseModel, owner: str) -> bool:
    """Run the task to its end unless another worker has it; always False: there is no next slice."""
    if not run_in_transaction(lambda: take_job(job_id, owner, JobState.RUNNING)):
        return False
    cpu_started = time.process_time()
    reporter = _Reporter(job_id, owner)
    try:
        result = kind.run(params, reporter)
    except Cancelled:
        run_in_transaction(lambda: lifecycle.end(lifecycle.locked_job(job_id), JobState.CANCELLED))
        return False
    cpu_seconds = time.process_time() - cpu_started
    run_in_transaction(lambda: _finish(job_id, reporter, result, cpu_seconds))
    return False


class _Reporter:
    """Writes progress, renews the lease, and notices that a person cancelled."""

    def __init__(self, job_id: uuid.UUID, owner: str) -> None:
        self._job_id, self.owner, self._next = job_id, owner, 0.0
        self.done: int = 0
        self.total: int | None = None

    def __call__(self, done: int, total: int | None = None) -> None:
        self.done, self.total = done, total
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + REPORT_SECONDS
        if run_in_transaction(lambda: self._report(done, total)):
            raise Cancelled

    def _report(self, done: int, total: int | None) -> bool:
        if not take_job(self._job_id, self.owner, JobState.RUNNING):
            raise LostLease
        job = update(Job).where(Job.id == self._job_id)
        db.session.execute(job.values(progress_done=done, progress_total=total))
        asked = select(Job.cancel_requested_at).where(Job.id == self._job_id)
        return db.session.scalar(asked) is not None


def _finish(job_id: uuid.UUID, reporter: _Reporter, result: TaskResult, cpu_seconds: float) -> None:
    job = lifecycle.locked_job(job_id)
    if job.lease_owner != reporter.owner or job.state != JobState.RUNNING:
        return
    job.progress_done, job.progress_total = reporter.done, reporter.total
    register(
        [NewFile(sha256=f.sha256, size_bytes=f.size_bytes, media_type=f.media_type) for f in result.files]
    )
    db.session.execute(delete(JobFile).where(JobFile.job_id == job_id, JobFile.role == "result"))
    files: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "job_id": job_id,
            "role": "result",
            "name": f.name,
            "filename": f.name,
            "sha256": f.sha256,
        }
        for f in result.files
    ]
    if files:
        db.session.execute(insert(JobFile), files)
    db.session.execute(delete(PassingFile).where(PassingFile.job_id == job_id))
    for made, row in zip(result.files, files, strict=True):
        if made.keep_hours is not None:
            keep_for(row["id"], job_id, made.name, made.keep_hours)
    job.result = dict(result.facts)
    job.cpu_seconds += cpu_seconds
    lifecycle.end(job, JobState.FINISHED)
