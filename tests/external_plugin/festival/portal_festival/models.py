"""The one table."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.sdk import Base
from portal_festival.faults import FAULT


class Stage(Base):
    """A stage of the festival; one that bears a sign-in name belongs to that person."""

    __tablename__ = "admissions_stage" if FAULT == "table" else "festival_stage"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(80))
    if FAULT == "model":
        acts = relationship("NoSuchAct")
