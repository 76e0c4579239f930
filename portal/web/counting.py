"""Counts that stop counting: beyond the cap a list says “10,000+” instead of reading the whole table."""

from typing import Any

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Query, Session

COUNT_CAP = 10_000


class CappedCount(Query[Any]):
    """A query whose ``scalar()`` is the number of its rows, at most one more than the cap."""

    def scalar(self) -> int:
        """Return the number of rows; ``COUNT_CAP + 1`` stands for any larger number."""
        inner = self.limit(COUNT_CAP + 1).subquery()
        return int(self.session.execute(select(func.count()).select_from(inner)).scalar_one())


def capped_count(session: Session, model: type) -> CappedCount:
    """Return the count query of all rows of ``model``; filters and joins may still be added."""
    return CappedCount([literal(1).label("one")], session=session).select_from(model)
