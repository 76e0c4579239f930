"""Stores what became of rows, with what an undo needs to take it back."""

import logging
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from portal.files.models import StoredFile
from portal.jobs.models import Job, JobFile
from portal.jobs.planning import update_rows
from portal.jobs.rows import Outcome
from portal.jobs.states import RowState
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import PluginReactionFailed, PortalError
from portal.kernel.ids import new_id

log = logging.getLogger(__name__)

#: Role of the files that a job keeps because an undo may need them.
UNDO_FILES = "undo"


def outcome_of(error: Exception, row_id: uuid.UUID) -> Outcome:
    """Return the outcome of a row whose kind raised; a bug goes to the log with the row's id."""
    if isinstance(error, PortalError) and not isinstance(error, PluginReactionFailed):
        return Outcome(state=RowState.FAILED, code=error.code, message=error.message)
    log.error("row %s failed", row_id, exc_info=error)
    if isinstance(error, PluginReactionFailed):
        return Outcome(state=RowState.FAILED, code=error.code, message=error.message)
    if isinstance(error, IntegrityError):
        message = f"The database refused it, because another record stands against it: {error.orig}"
        return Outcome(state=RowState.FAILED, code="conflict", message=message)
    message = f"An unexpected error ({type(error).__name__}). The log has the details under {row_id}."
    return Outcome(state=RowState.FAILED, code="internal-error", message=message)


def store_outcomes(
    job_id: uuid.UUID, row_ids: Sequence[uuid.UUID], outcomes: Sequence[Outcome], cpu_seconds: float
) -> None:
    """Write the rows' outcomes and raise the job's counters. Needs an open transaction; does not commit."""
    now = utc_now()
    update_rows(
        [
            {
                "row_id": row_id,
                "state": outcome.state,
                "code": outcome.code,
                "message": outcome.message,
                "record_id": outcome.record_id,
                "active": False,
                "lease_owner": None,
                "lease_until": None,
                "ended_at": now,
                **_for_undo(outcome),
            }
            for row_id, outcome in zip(row_ids, outcomes, strict=True)
        ]
    )
    keep_files(job_id, sorted({sha256 for outcome in outcomes for sha256 in outcome.keeps}))
    states = [outcome.state for outcome in outcomes]
    # The job's row last: other workers' chunks wait for it only this moment.
    db.session.execute(
        update(Job)
        .where(Job.id == job_id)
        .values(
            pending_count=Job.pending_count - len(states),
            done_count=Job.done_count + states.count(RowState.DONE),
            unchanged_count=Job.unchanged_count + states.count(RowState.UNCHANGED),
            refused_count=Job.refused_count + states.count(RowState.REFUSED),
            failed_count=Job.failed_count + states.count(RowState.FAILED),
            cpu_seconds=Job.cpu_seconds + cpu_seconds,
            worked_at=now,
        )
        .execution_options(synchronize_session=False)
    )


def _for_undo(outcome: Outcome) -> dict[str, Any]:
    values = {
        "record_version": outcome.version,
        "undo_facts": dict(outcome.undo_facts) if outcome.undo_facts is not None else None,
        "before": dict(outcome.before) if outcome.before is not None else None,
        "after": dict(outcome.after) if outcome.after is not None else None,
    }
    return {name: value for name, value in values.items() if value is not None}


def keep_files(job_id: uuid.UUID, names: Sequence[str]) -> None:
    """Let the job refer to blobs, so that the sweeper leaves them; a blob without a row is nobody's any more."""
    if not names:
        return
    known = db.session.scalars(select(StoredFile.sha256).where(StoredFile.sha256.in_(names))).all()
    rows = [
        {"id": new_id(), "job_id": job_id, "role": UNDO_FILES, "name": name, "filename": "", "sha256": name}
        for name in sorted(known)
    ]
    if rows:
        on_postgresql = db.session().get_bind().dialect.name == "postgresql"
        insert = postgresql.insert if on_postgresql else sqlite.insert
        db.session.execute(insert(JobFile).on_conflict_do_nothing(), rows)
