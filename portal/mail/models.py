"""The table of outgoing mail."""

import uuid
from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import utc_now
from portal.kernel.db import Base
from portal.kernel.ids import new_id


class OutboxMessage(Base):
    """One message to one address: waiting until ``sent_at`` is set."""

    __tablename__ = "portal_outbox_message"
    # It is its own record of what was sent, and its text may hold what an audit record must not.
    __audited__ = False
    __table_args__ = (Index("ix_portal_outbox_message_sent_at_created_at", "sent_at", "created_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    to_address: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    sent_at: Mapped[datetime | None]
    attempts_count: Mapped[int] = mapped_column(default=0)
    last_problem: Mapped[str] = mapped_column(String(500), default="")
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    #: Nobody else delivers before this; after a failed try also when the next one is due.
    lease_until: Mapped[datetime | None]
