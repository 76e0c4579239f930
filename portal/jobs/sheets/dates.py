"""Dates as people write them in sheets: in which order day and month stand, and when nobody can tell."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

_SHORT = re.compile(r"(\d{1,2})([./ -])(\d{1,2})\2(\d{4})(?:[ T]0{1,2}:00(?::00)?)?")
_YEAR_FIRST = re.compile(r"(\d{4})([./])(\d{1,2})\2(\d{1,2})")
_EXAMPLES = 3


class DateOrder(StrEnum):
    """How the dates of one column are written. A date written YYYY-MM-DD is understood in any of them."""

    ISO = "iso"
    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"

    @property
    def words(self) -> str:
        return {"iso": "year first", "dmy": "day first", "mdy": "month first"}[self.value]


@dataclass(kw_only=True)
class DateFacts:
    """What the dates of one column look like; fed cell by cell."""

    day_first: list[str] = field(default_factory=list)
    month_first: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)

    def add(self, cell: str) -> None:
        """Look at one cell."""
        found = _SHORT.fullmatch(cell)
        if found is None:
            return
        first, second = int(found[1]), int(found[3])
        if first == second:
            return
        bucket = self.day_first if first > 12 else self.month_first if second > 12 else self.unclear
        if len(bucket) < _EXAMPLES and cell not in bucket:
            bucket.append(cell)

    @property
    def order(self) -> DateOrder | None:
        """The order that the column itself shows; None when a person has to say it."""
        if self.day_first and self.month_first:
            return None
        if self.day_first:
            return DateOrder.DAY_FIRST
        if self.month_first:
            return DateOrder.MONTH_FIRST
        return None if self.unclear else DateOrder.ISO

    @property
    def examples(self) -> tuple[str, ...]:
        return tuple([*self.unclear, *self.day_first[:1], *self.month_first[:1]][:_EXAMPLES])


def iso_date(cell: str, order: DateOrder) -> str | None:
    """Return a cell as YYYY-MM-DD; the cell itself when it is no such date; None when its order cannot be told."""
    if found := _YEAR_FIRST.fullmatch(cell):
        return _iso(int(found[1]), int(found[3]), int(found[4])) or cell
    found = _SHORT.fullmatch(cell)
    if found is None:
        return cell
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    if order is DateOrder.ISO:
        return _iso(year, first, second) if first == second else None
    day, month = (first, second) if order is DateOrder.DAY_FIRST else (second, first)
    return _iso(year, month, day) or cell


def shown_both_ways(cells: Iterable[str]) -> list[tuple[str, str, str]]:
    """Return each date with what it means day first and month first; a dash where it would be no date."""
    return [
        (cell, _readable(cell, DateOrder.DAY_FIRST), _readable(cell, DateOrder.MONTH_FIRST)) for cell in cells
    ]


def _readable(cell: str, order: DateOrder) -> str:
    iso = iso_date(cell, order)
    if iso is None or iso == cell:
        return "–"
    day = date.fromisoformat(iso)
    return f"{day.day} {day:%B %Y}"


def _iso(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None
