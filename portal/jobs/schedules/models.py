"""Tables of the schedules: whether each is on, and its runs."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import utc_now
from portal.kernel.db import Base
from portal.kernel.ids import new_id


class ScheduleState(Base):
    """What is kept of a schedule: whether it is on, and since when its slots count."""

    __tablename__ = "portal_schedule"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    enabled: Mapped[bool] = mapped_column(default=True)
    #: Slots up to here are past: before the schedule was known, changed, or switched on.
    since: Mapped[datetime]
    #: The cron text that ``since`` belongs to.
    cron: Mapped[str] = mapped_column(String(200))


class ScheduleRun(Base):
    """One run: the job of one slot, or of a person who asked for one now."""

    __tablename__ = "portal_schedule_run"
    # The job is the record of what was done; who asked for a run is in the audit record.
    __audited__ = False
    __table_args__ = (
        UniqueConstraint("name", "slot_at"),
        Index("ix_portal_schedule_run_name_created_at", "name", "created_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(120))
    slot_at: Mapped[datetime]
    #: None: the job was thrown away, or could not be made (``problem``).
    job_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("portal_job.id", ondelete="SET NULL"), unique=True
    )
    asked_by_name: Mapped[str | None] = mapped_column(String(200))
    problem: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
