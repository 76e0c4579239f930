"""The table of stored settings."""

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import utc_now
from portal.kernel.db import Base, Json


class Setting(Base):
    """One stored value that replaces a default; ``name`` is ``<settings model>.<field>``."""

    __tablename__ = "portal_setting"
    __audit_exclude__ = frozenset({"updated_at"})

    name: Mapped[str] = mapped_column(String(160), primary_key=True)
    value: Mapped[Any] = mapped_column(Json, nullable=True)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
