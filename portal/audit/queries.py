"""What others ask of the audit record. Reads only."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from portal.audit.models import AuditEntry
from portal.kernel.db import db


@dataclass(frozen=True, kw_only=True)
class LastWrite:
    """Who wrote a record last, when and how."""

    record_id: str
    at: datetime
    actor_name: str
    action: str

    def __str__(self) -> str:
        return f"{self.actor_name} on {self.at:%Y-%m-%d %H:%M} UTC"


def last_writes(
    target: str, record_ids: Collection[str], *, except_jobs: Collection[uuid.UUID] = ()
) -> Mapping[str, LastWrite]:
    """Return record id → its last write, for those that have one beyond the excepted jobs. One statement.

    Args:
        target: The table.
        record_ids: At most 500.
        except_jobs: Jobs whose own writes do not count.
    """
    if not record_ids:
        return {}
    place = func.row_number().over(
        partition_by=AuditEntry.record_id, order_by=(AuditEntry.at.desc(), AuditEntry.id.desc())
    )
    entries = select(
        AuditEntry.record_id,
        AuditEntry.at,
        AuditEntry.actor_name,
        AuditEntry.action,
        place.label("place"),
    ).where(AuditEntry.target == target, AuditEntry.record_id.in_(record_ids))
    if except_jobs:
        foreign = AuditEntry.job_id.is_(None) | AuditEntry.job_id.not_in(except_jobs)
        entries = entries.where(foreign)
    newest = entries.subquery()
    found = db.session.execute(
        select(newest.c.record_id, newest.c.at, newest.c.actor_name, newest.c.action).where(
            newest.c.place == 1
        )
    )
    return {
        row.record_id: LastWrite(
            record_id=row.record_id, at=row.at, actor_name=row.actor_name, action=row.action
        )
        for row in found
    }
