"""Forgets what undo needs once a job can be undone no more: values before, and files kept for it."""

import uuid
from datetime import timedelta

from sqlalchemy import Select, delete, exists, select, update
from sqlalchemy.orm import aliased

from portal.config import current_config
from portal.jobs.models import Job, JobFile, JobRow
from portal.jobs.outcomes import UNDO_FILES
from portal.jobs.states import ENDED
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.transaction import run_in_transaction

#: Rows in one transaction.
BATCH_ROWS = 2000


def forget_undo() -> int:
    """Remove what was kept for undoing jobs that ended more than PORTAL_UNDO_DAYS ago; return how many rows and files.

    Opens its own short transactions. A job whose undo has not ended yet keeps everything. The bytes of the files
    go with the next sweep.
    """
    count = 0
    while done := run_in_transaction(_forget_rows):
        count += done
    while done := run_in_transaction(_forget_files):
        count += done
    return count


def _old_jobs() -> Select[uuid.UUID]:
    undo = aliased(Job)
    limit = utc_now() - timedelta(days=current_config().undo_days)
    in_work = exists().where(undo.undoes_id == Job.id, undo.state.not_in(ENDED))
    return select(Job.id).where(Job.state.in_(ENDED), Job.finished_at < limit, ~in_work)


def _forget_rows() -> int:
    ids = db.session.scalars(
        select(JobRow.id)
        .where(JobRow.job_id.in_(_old_jobs()), JobRow.undo_facts.is_not(None))
        .limit(BATCH_ROWS)
    ).all()
    if ids:
        db.session.execute(
            update(JobRow)
            .where(JobRow.id.in_(ids))
            .values(undo_facts=None)
            .execution_options(synchronize_session=False)
        )
    return len(ids)


def _forget_files() -> int:
    ids = db.session.scalars(
        select(JobFile.id)
        .where(JobFile.job_id.in_(_old_jobs()), JobFile.role == UNDO_FILES)
        .limit(BATCH_ROWS)
    ).all()
    if ids:
        db.session.execute(
            delete(JobFile).where(JobFile.id.in_(ids)).execution_options(synchronize_session=False)
        )
    return len(ids)
