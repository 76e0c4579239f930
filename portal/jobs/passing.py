"""Result files that are kept for a while only, such as exports of lists: who may have one, and when it is removed."""

import uuid
from datetime import timedelta
from typing import ClassVar

from sqlalchemy import delete, select, update

from portal.access.policy import require
from portal.jobs.authority import MANAGE_PERMISSION
from portal.jobs.models import Job, JobFile, PassingFile
from portal.jobs.undo_kind import kind_of
from portal.kernel.actor import Actor
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import PortalError
from portal.kernel.transaction import run_in_transaction

#: Files removed in one transaction.
REMOVED_TOGETHER = 200


class Gone(PortalError):
    """What was here was removed for good."""

    status: ClassVar[int] = 410


def keep_for(file_id: uuid.UUID, job_id: uuid.UUID, name: str, hours: int) -> None:
    """Note that a result file expires. Needs an open transaction."""
    expires_at = utc_now() + timedelta(hours=hours)
    db.session.add(PassingFile(file_id=file_id, job_id=job_id, name=name[:300], expires_at=expires_at))


def check_download(job: Job, file_id: uuid.UUID, actor: Actor) -> None:
    """Refuse whoever may not have a file that is kept for a while; other files are nobody's concern here.

    Raises:
        Forbidden: unless the actor made the job and still holds what its kind asks for, or manages all jobs.
        Gone: ``file-expired``, when its time is over.
    """
    passing = db.session.get(PassingFile, file_id)
    if passing is None or passing.job_id != job.id:
        return
    if actor.user_id is None or actor.user_id != job.actor_user_id:
        require(actor, MANAGE_PERMISSION)
    else:
        kind = kind_of(job)
        require(actor, kind.permission(kind.Params.model_validate(job.params)))
    if passing.removed_at is not None or passing.expires_at <= utc_now():
        raise Gone(
            "file-expired",
            f"“{passing.name}” was kept for a day and is removed now. Export the list again to get a new one.",
        )


def expiry_of(job_id: uuid.UUID) -> dict[uuid.UUID, PassingFile]:
    """Return the files of a job that are kept for a while, by their id; removed ones too."""
    return {
        item.file_id: item
        for item in db.session.scalars(select(PassingFile).where(PassingFile.job_id == job_id))
    }


def remove_expired_files() -> int:
    """Remove files whose time is over, in transactions of its own, and return how many. Safe to run at any time."""
    removed = 0
    while some := run_in_transaction(_remove_some):
        removed += some
    return removed


def _remove_some() -> int:
    now = utc_now()
    expired = select(PassingFile.file_id).where(
        PassingFile.expires_at <= now, PassingFile.removed_at.is_(None)
    )
    ids = list(db.session.scalars(expired.limit(REMOVED_TOGETHER)))
    if ids:
        # The sweeper takes the bytes when nothing names them.
        db.session.execute(delete(JobFile).where(JobFile.id.in_(ids)))
        db.session.execute(update(PassingFile).where(PassingFile.file_id.in_(ids)).values(removed_at=now))
    return len(ids)
