"""The toy plugin's one table."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.db import Base


class Thing(Base):
    __tablename__ = "toy_thing"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)
    number: Mapped[int]
