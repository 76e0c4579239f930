"""Where the answers to keyed writes are kept, so that a repeated call gets the first one's."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import utc_now
from portal.kernel.db import Base, Json
from portal.kernel.ids import new_id


class KeptAnswer(Base):
    """One write with an ``Idempotency-Key``: what was asked, and what was answered (``status`` None: not yet)."""

    __tablename__ = "portal_kept_answer"
    __audited__ = False
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        Index("ix_portal_kept_answer_created_at", "created_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[int] = mapped_column(ForeignKey("portal_user.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(200))
    #: SHA-256 of method, address and body.
    fingerprint: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    #: Until when the first call may take; afterwards a repeated one takes its place.
    locked_until: Mapped[datetime]
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any] | None] = mapped_column(Json)
    body: Mapped[str | None] = mapped_column(Text)
