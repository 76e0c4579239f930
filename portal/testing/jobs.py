"""Jobs from the sheet to the outcome, worked on in the test's own process. Each step opens its own transactions."""

import io
import uuid
from collections.abc import Mapping
from typing import Any

from portal.jobs.api import start, submit, undo
from portal.jobs.engine import run_inline
from portal.jobs.intake import draft_sheet
from portal.jobs.models import Job
from portal.jobs.queries import get_job, list_rows
from portal.jobs.uploads import store_upload
from portal.kernel.actor import SYSTEM, Actor
from portal.kernel.db import db
from portal.kernel.transaction import transaction


def plan_sheet(
    kind: str,
    sheet: str | bytes,
    params: Mapping[str, Any] | None = None,
    *,
    actor: Actor = SYSTEM,
    name: str = "sheet.csv",
) -> Job:
    """Return the planned job of a sheet; nothing is changed yet.

    Args:
        kind: Name of a ``SheetJob``.
        sheet: Its text, or its bytes as they would be uploaded.
        params: What the form asks beside the sheet.
        actor: Who uploads it.
        name: Of the uploaded file.

    Raises:
        PortalError: as for ``portal.sdk.jobs.draft_sheet``.
    """
    data = sheet.encode() if isinstance(sheet, str) else sheet
    draft = draft_sheet(kind, params or {}, actor, store_upload(io.BytesIO(data), name))
    with transaction():
        job_id = submit(draft).id
    return _worked_on(job_id)


def start_job(job_id: uuid.UUID, *, actor: Actor = SYSTEM) -> Job:
    """Start a planned job, work on it until it ends or waits for a person, and return it."""
    with transaction():
        start(job_id, actor)
    return _worked_on(job_id)


def undo_job(job_id: uuid.UUID, *, actor: Actor = SYSTEM) -> Job:
    """Undo a job whole, and return the job that did it."""
    with transaction():
        undo_id = undo(job_id, actor).id
    run_inline(undo_id)
    return start_job(undo_id, actor=actor)


def row_codes(job: Job, limit: int = 100) -> list[tuple[str, str]]:
    """Return state and code of a job's rows in the order of the sheet; the code is empty where nothing is wrong."""
    return [(str(row.state), row.code) for row in list_rows(job.id, limit=limit)]


def _worked_on(job_id: uuid.UUID) -> Job:
    run_inline(job_id)
    # The engine wrote in transactions of its own; the test's session must not answer from before.
    db.session.rollback()
    return get_job(job_id)
