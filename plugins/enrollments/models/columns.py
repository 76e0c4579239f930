"""Column types and the stamp that several tables share."""

from datetime import datetime

from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.sdk import utc_now

#: Integers, as the old API promised them; upserts use some up, so they are wide.
Key = BigInteger().with_variant(Integer(), "sqlite")
#: Compared and sorted by code points on every database.
Identifier = String(255).with_variant(String(255, collation="C"), "postgresql")
LONGEST_KEY = 255


class Changed:
    """Mixin: when a row was made and last changed, by whom and through what. The history copies it."""

    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    modified_at: Mapped[datetime] = mapped_column(default=utc_now)
    #: Name of the actor of the last change.
    changed_by: Mapped[str] = mapped_column(String(200), default="", server_default="")
    #: What the actor used: ``api``, ``panel``, a job's id.
    changed_through: Mapped[str] = mapped_column(String(80), default="", server_default="")
