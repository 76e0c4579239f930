"""The table of stored settings."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.clock import utc_now
from portal.kernel.db import Base, Json


class Setting(Base):
    """One stored value that replaces a default; ``name`` is ``<settings model>.<field>``."""

    __tablename__ = "portal_setting"
    # The store records changes itself, because secrets must not appear in the record.
    __audited__ = False

    name: Mapped[str] = mapped_column(String(160), primary_key=True)
    value: Mapped[Any] = mapped_column(Json, nullable=True)
    #: The stored file of a setting that is a picture, so that the sweeper leaves it alone.
    sha256: Mapped[str | None] = mapped_column(ForeignKey("portal_stored_file.sha256"))
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
