"""The audit record's table."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import utc_now
from portal.kernel.db import Base, Json
from portal.kernel.ids import new_id


class AuditEntry(Base):
    """One write of one record: who, when, what changed. Append-only."""

    __tablename__ = "portal_audit_entry"
    __audited__ = False
    __table_args__ = (
        Index("ix_portal_audit_entry_target_record_id", "target", "record_id", "at"),
        Index("ix_portal_audit_entry_at", "at", "id"),
        Index("ix_portal_audit_entry_record_id", "record_id", "at"),
        Index("ix_portal_audit_entry_actor_name", "actor_name", "at"),
        Index(
            "ix_portal_audit_entry_actor_user_id",
            "actor_user_id",
            sqlite_where=text("actor_user_id IS NOT NULL"),
            postgresql_where=text("actor_user_id IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=utc_now)
    actor_user_id: Mapped[int | None]
    actor_name: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(60))
    target: Mapped[str] = mapped_column(String(80))
    record_id: Mapped[str] = mapped_column(String(120))
    changes: Mapped[dict[str, Any] | None] = mapped_column(Json)
    job_id: Mapped[uuid.UUID | None]
