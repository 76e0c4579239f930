"""A table to try the kernel on, and a process that writes to it beside others.

Run as ``python -m tests.portal.kernel.probe URL TIMES`` it counts its row up, each time in a transaction of its own.
"""

import sys
from datetime import datetime
from typing import ClassVar

from flask import Flask
from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from portal.kernel.db import Base, Versioned, db
from portal.kernel.transaction import transaction


class Probe(Base, Versioned):
    __tablename__ = "probe_item"
    __audited__: ClassVar[bool] = False

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50), unique=True)
    count: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime | None]


def application(database_url: str) -> Flask:
    """Return an application of the kernel only."""
    app = Flask("kernel")
    app.config["SQLALCHEMY_DATABASE_URI"] = database_url
    db.init_app(app)
    return app


def make_table() -> None:
    Base.metadata.create_all(db.engine, tables=[Probe.__table__])


def count_up(name: str, times: int) -> None:
    """Read, look outside any transaction, then write: what a page does, and what locks would break."""
    for _ in range(times):
        db.session.scalar(select(Probe.count).where(Probe.name == name))
        with transaction() as session:
            row = session.scalars(select(Probe).where(Probe.name == name).with_for_update()).one()
            row.count += 1


if __name__ == "__main__":
    with application(sys.argv[1]).app_context():
        count_up("shared", int(sys.argv[2]))
