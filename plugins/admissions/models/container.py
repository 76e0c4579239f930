"""Containers: groups of applications of one type and entry session."""

import uuid
from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, Numeric, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from plugins.admissions.models.vocabulary import ContainerMode, session_title
from portal.sdk import Base, Versioned, new_id, search_index, utc_now, word_indexes


class Container(Base, Versioned):
    """A group of applications: one type and entry session. ``code``, ``prefix`` and ``year`` never change."""

    __tablename__ = "admissions_container"
    __table_args__ = (
        CheckConstraint("mode IN ('create', 'update')", name="mode"),
        CheckConstraint("application_fee >= 0", name="application_fee"),
        Index("ix_admissions_container_enddate", "enddate", "id"),
        Index("ix_admissions_container_startdate", "startdate", "id"),
        Index("ix_admissions_container_title", "title", "id"),
        Index("ix_admissions_container_year", "year", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    prefix: Mapped[str] = mapped_column(String(20))
    #: Entry session; its first year. Needed before students can be created.
    year: Mapped[int | None]
    container_number: Mapped[int | None]
    mode: Mapped[str] = mapped_column(String(10), default=ContainerMode.CREATE)
    application_category: Mapped[str] = mapped_column(String(20), default="basic")
    description: Mapped[str] = mapped_column(Text, default="")
    startdate: Mapped[datetime | None]
    enddate: Mapped[datetime | None]
    strict_deadline: Mapped[bool] = mapped_column(default=True)
    application_fee: Mapped[Decimal] = mapped_column(Numeric(12, 2), default=Decimal(0))
    application_slip_notice: Mapped[str] = mapped_column(Text, default="")
    hidden: Mapped[bool] = mapped_column(default=False)
    with_picture: Mapped[bool] = mapped_column(default=True)
    send_email: Mapped[bool] = mapped_column(default=False)

    @property
    def is_special(self) -> bool:
        return self.prefix.startswith("special")

    @property
    def is_expired(self) -> bool:
        """Whether applicants are outside the application period; an undated container is."""
        now = utc_now()
        has_begun = self.startdate is not None and self.startdate <= now
        has_ended = self.enddate is None or self.enddate < now
        return not has_begun or has_ended

    @property
    def session_title(self) -> str:
        return session_title(self.year) if self.year is not None else ""

    def __str__(self) -> str:
        return f"{self.code} – {self.title}"


search_index(Container.code)
word_indexes(Container.title)
