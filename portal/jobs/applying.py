"""Claims chunks of rows, prepares them outside any transaction, applies each chunk in one, and counts outcomes."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from pydantic import BaseModel
from sqlalchemy import select, update

from portal.jobs.closing import keep_closed
from portal.jobs.figures import count_rows
from portal.jobs.kinds import JobFiles, Outcome, RowJob, Work
from portal.jobs.leases import lease_end, release_rows, row_is_free
from portal.jobs.models import Job, JobRow
from portal.jobs.outcomes import outcome_of, store_outcomes
from portal.jobs.planning import update_rows
from portal.jobs.states import Action, JobState, RowState
from portal.kernel import faults
from portal.kernel.clock import database_clock, read_clock
from portal.kernel.db import db
from portal.kernel.errors import Conflict, TemporaryFailure
from portal.kernel.transaction import on_commit, run_in_transaction

#: A chunk should not take longer: a cancel is seen between chunks, and the lease must outlast it.
CHUNK_SECONDS = 3.0
#: Rows that were claimed this often without an outcome are claimed alone, and given up at twice that.
ALONE_ATTEMPTS = 6
#: How often a row alone is prepared again because its record was changed meanwhile.
CHANGED_TRIES = 3


@dataclass(kw_only=True)
class Pace:
    """How many rows to claim next, from how long the last ones took."""

    most: int
    rows: int

    @classmethod
    def starting(cls, most: int) -> "Pace":
        return cls(most=most, rows=max(1, most // 2))

    def measured(self, rows: int, seconds: float) -> None:
        fitting = int(rows * CHUNK_SECONDS / max(seconds, 0.001))
        self.rows = max(1, min(self.most, fitting))


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the engine on one job: what every step needs."""

    job_id: uuid.UUID
    kind: RowJob[Any, Any]
    params: BaseModel
    files: JobFiles
    owner: str
    binding: bool


def claim(run: Run, limit: int) -> list[Work[Any]]:
    """Lease up to ``limit`` free rows to this run and reserve for them; empty when there is nothing to take.

    One transaction of its own.
    """
    work = run_in_transaction(lambda: _claim(run, limit))
    if work:
        faults.point("claimed")
    return work


def _claim(run: Run, limit: int) -> list[Work[Any]]:
    session = db.session()
    job = session.execute(
        select(
            Job.state,
            Job.cancel_requested_at,
            Job.closes_portal,
            database_clock(session.get_bind().dialect.name).label("now"),
        ).where(Job.id == run.job_id)
    ).one()
    if job.state != JobState.RUNNING or job.cancel_requested_at is not None:
        return []
    now = read_clock(job.now)
    if job.closes_portal:
        keep_closed(run.job_id)
    rows = _free_rows(run, limit, now)
    if not rows:
        return []
    session.execute(
        update(JobRow)
        .where(JobRow.id.in_([row.id for row in rows]))
        .values(lease_owner=run.owner, lease_until=lease_end(now), attempts=JobRow.attempts + 1)
        .execution_options(synchronize_session=False)
    )
    work = [_work(run, row) for row in rows]
    return _with_reservations(run, work)


_CLAIMED = (
    JobRow.id,
    JobRow.position,
    JobRow.data,
    JobRow.action,
    JobRow.seen_version,
    JobRow.reserved,
    JobRow.attempts,
)


def _free_rows(run: Run, limit: int, now: datetime) -> Sequence[Any]:
    rows = db.session.execute(
        select(*_CLAIMED)
        .where(JobRow.job_id == run.job_id, JobRow.state == RowState.PENDING, row_is_free(now))
        .order_by(JobRow.position)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    # A row that takes its worker down again and again must not take its neighbours along.
    if rows and rows[0].attempts >= ALONE_ATTEMPTS:
        return rows[:1]
    return [row for row in rows if row.attempts < ALONE_ATTEMPTS]


def _work(run: Run, row: Any) -> Work[Any]:
    return Work(
        row_id=row.id,
        position=row.position,
        row=run.kind.Row.model_validate(row.data),
        action=Action(row.action),
        seen_version=row.seen_version,
        binding=run.binding,
        reserved=row.reserved,
        attempts=row.attempts + 1,
    )


def _with_reservations(run: Run, work: list[Work[Any]]) -> list[Work[Any]]:
    fresh = [item for item in work if item.reserved is None]
    reserved = run.kind.reserve(fresh, run.params) if fresh else []
    by_row = {
        item.row_id: dict(value) for item, value in zip(fresh, reserved, strict=True) if value is not None
    }
    if by_row:
        update_rows([{"row_id": row_id, "reserved": value} for row_id, value in by_row.items()])
    return [
        Work(**{**item.__dict__, "reserved": by_row[item.row_id]}) if item.row_id in by_row else item
        for item in work
    ]


def process(run: Run, work: list[Work[Any]], cpu_started: float) -> None:
    """Prepare and apply claimed rows; every row gets its outcome, a bad one alone.

    When a chunk fails, it is halved until the rows that cannot be done stand alone.

    Raises:
        TemporaryFailure: (``StorageFull`` among them) nothing of the rest is done; its rows are given back.
    """
    if work[0].attempts > 2 * ALONE_ATTEMPTS:
        message = f"A worker died {work[0].attempts - 1} times while this row was in hand. Look at its data and retry."
        _apply(
            run,
            work,
            _Given([Outcome(state=RowState.FAILED, code="worker-died", message=message)]),
            cpu_started,
        )
        return
    failure = _attempt(run, work, cpu_started)
    for _ in range(CHANGED_TRIES):
        if len(work) > 1 or not _was_changed(failure):
            break
        failure = _attempt(run, work, cpu_started)
    if failure is not None and len(work) > 1:
        middle = len(work) // 2
        process(run, work[:middle], cpu_started)
        process(run, work[middle:], time.process_time())
    elif failure is not None:
        _apply(run, work, _Given([outcome_of(failure, work[0].row_id)]), cpu_started)


def _was_changed(failure: Exception | None) -> bool:
    """Say whether somebody changed the row's record between preparing and applying, so that trying again may do."""
    return isinstance(failure, Conflict) and failure.code == "changed-meanwhile"


def _attempt(run: Run, work: list[Work[Any]], cpu_started: float) -> Exception | None:
    """Prepare and apply the rows as one chunk; return what the kind raised, after which nothing of it is done."""
    try:
        prepared = run.kind.prepare(work, run.params, run.files)
        faults.point("prepared")
        _apply(run, work, prepared, cpu_started)
    except TemporaryFailure:
        run_in_transaction(lambda: release_rows([item.row_id for item in work], run.owner))
        raise
    except Exception as error:  # noqa: BLE001
        # The border between the engine and a plugin's code: a bug costs its row, not the job.
        return error
    return None


@dataclass(frozen=True)
class _Given:
    """Outcomes that are known without asking the kind."""

    outcomes: Sequence[Outcome]


def _apply(run: Run, work: Sequence[Work[Any]], prepared: Any, cpu_started: float) -> None:
    run_in_transaction(lambda: _apply_in_transaction(run, work, prepared, cpu_started))


def _apply_in_transaction(run: Run, work: Sequence[Work[Any]], prepared: Any, cpu_started: float) -> None:
    mine = _still_mine(run, work)
    if not mine:
        return
    if isinstance(prepared, _Given):
        outcomes = prepared.outcomes
    else:
        outcomes = run.kind.apply(mine, prepared, run.params)
    if len(outcomes) != len(mine):
        raise AssertionError(f"{run.kind.name}.apply gave {len(outcomes)} outcomes for {len(mine)} rows")
    faults.point("rows-flushed")
    store_outcomes(run.job_id, [item.row_id for item in mine], outcomes, time.process_time() - cpu_started)
    on_commit(partial(count_rows, run.kind.name, [outcome.state for outcome in outcomes]))


def _still_mine(run: Run, work: Sequence[Work[Any]]) -> list[Work[Any]]:
    """Lock the rows and return those that no other worker has taken over meanwhile."""
    found = db.session.execute(
        select(JobRow.id)
        .where(JobRow.id.in_([item.row_id for item in work]))
        .where(JobRow.lease_owner == run.owner, JobRow.state == RowState.PENDING)
        .order_by(JobRow.position)
        .with_for_update()
    )
    ids = set(found.scalars())
    return [item for item in work if item.row_id in ids]
