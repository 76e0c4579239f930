"""The counter that student numbers are drawn from."""

import secrets
from typing import ClassVar

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.sdk import Base


class NumberCounter(Base):
    """How many numbers of a series were issued; never decremented, so none is issued twice."""

    __tablename__ = "admissions_number_counter"
    __audited__: ClassVar[bool] = False

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    issued_count: Mapped[int] = mapped_column(BigInteger, default=0)
    #: Decides the order of spread numbers; drawn once, so that no number comes twice.
    seed: Mapped[int] = mapped_column(BigInteger, default=lambda: secrets.randbits(62))
