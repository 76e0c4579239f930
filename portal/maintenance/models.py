"""The table of maintenance windows."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.db import Base
from portal.kernel.ids import new_id


class MaintenanceWindow(Base):
    """A time in which the portal is closed; at most one is open.

    A window of a job has a lease that the running job renews; a window of a person has none and lasts until ended.
    """

    __tablename__ = "portal_maintenance_window"
    __audit_exclude__ = frozenset({"lease_until"})
    __table_args__ = (
        Index(
            "uq_portal_maintenance_window_open",
            "is_open",
            unique=True,
            sqlite_where=text("is_open = 1"),
            postgresql_where=text("is_open"),
        ),
        Index("ix_portal_maintenance_window_started_at", "started_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    reason: Mapped[str] = mapped_column(String(300))
    is_open: Mapped[bool] = mapped_column(default=True)
    started_at: Mapped[datetime]
    started_by_user_id: Mapped[int | None] = mapped_column(ForeignKey("portal_user.id", ondelete="SET NULL"))
    started_by_name: Mapped[str] = mapped_column(String(200))
    #: The job that closed the portal, if one did.
    job_id: Mapped[uuid.UUID | None]
    lease_until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    #: Who ended it; empty while open, "lease lapsed" when nobody renewed it.
    ended_by_name: Mapped[str] = mapped_column(String(200), default="")
