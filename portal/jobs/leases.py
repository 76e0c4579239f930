"""Leases on jobs and rows: who works on what, until when, by the database's clock."""

import os
import socket
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import or_, update
from sqlalchemy.sql.elements import ColumnElement

from portal.config import current_config
from portal.jobs.models import Job, JobRow
from portal.jobs.states import JobState, RowState
from portal.kernel.clock import database_now
from portal.kernel.db import db


@cache
def _host() -> str:
    return socket.gethostname()[:40]


def new_owner() -> str:
    """Return a name for one run of the engine: it tells host and process, and is never used twice."""
    return f"{_host()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def lease_end(now: datetime) -> datetime:
    """Return when a lease taken now lapses unless renewed."""
    return now + timedelta(seconds=current_config().lease_seconds)


def row_is_free(now: datetime) -> ColumnElement[bool]:
    """Return the condition that nobody holds the row."""
    return or_(JobRow.lease_until.is_(None), JobRow.lease_until < now)


def take_job(job_id: uuid.UUID, owner: str, state: JobState) -> bool:
    """Lease a whole job (to plan it or run a task); say whether it was free. Needs an open transaction."""
    now = database_now(db.session())
    taken = db.session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == state)
        .where(or_(Job.lease_until.is_(None), Job.lease_until < now, Job.lease_owner == owner))
        .values(lease_owner=owner, lease_until=lease_end(now), worked_at=now)
        .execution_options(synchronize_session=False)
    )
    return bool(taken.rowcount)  # type: ignore[attr-defined]


def release_rows(row_ids: Sequence[uuid.UUID], owner: str) -> None:
    """Give rows back before their lease lapses. Needs an open transaction."""
    db.session.execute(
        update(JobRow)
        .where(JobRow.id.in_(row_ids), JobRow.lease_owner == owner, JobRow.state == RowState.PENDING)
        .values(lease_owner=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )
