"""Cron texts of five fields in a time zone: their slots, also on the days when clocks are changed, and their words."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter

FIELDS = 5
MINUTE = timedelta(minutes=1)
#: More than any clock was ever moved at once.
LONGEST_SHIFT = timedelta(hours=4)
#: Random and hashed fields mean something else on every machine.
_NOT_FIXED = re.compile(r"\b[rh]\b|[()@]", re.IGNORECASE)
_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Cron:
    """A cron text: minute, hour, day, month, day of the week.

    A slot is an instant, UTC. Where clocks go forward, a slot that the clock skips comes as much later as they were
    moved. Where they go back, a slot of a fixed hour comes once, in the first of the two hours; with ``*`` in the hour
    it comes in both.

    Raises:
        ValueError: when it has no five fields, or never comes.
    """

    def __init__(self, text: str) -> None:
        fields = text.split()
        if len(fields) != FIELDS:
            raise ValueError(
                f"{text!r} has {len(fields)} fields; minute, hour, day, month, weekday are needed"
            )
        if _NOT_FIXED.search(text):
            raise ValueError(f"{text!r} names no fixed time")
        self.text = " ".join(fields)
        self._every_hour = fields[1].startswith("*")
        try:
            self._from(datetime(2000, 1, 1))()  # noqa: DTZ001 - what a clock on the wall shows
        except (CroniterError, ValueError, KeyError) as error:
            raise ValueError(f"{text!r} is no cron text or never comes: {error}") from None

    def latest(self, now: datetime, zone: ZoneInfo) -> datetime:
        """Return the newest slot at or before ``now``."""
        reach = LONGEST_SHIFT if _is_shifted(now, zone) else timedelta()
        wall = _wall(now, zone)
        back = self._from(wall + MINUTE + reach, backwards=True)
        best: datetime | None = None
        while True:
            shown = back()
            best = max(
                (slot for slot in (best, *self._slots(shown, zone)) if slot and slot <= now), default=None
            )
            if best is not None and shown <= _wall(best, zone) - reach:
                return best

    def next(self, now: datetime, zone: ZoneInfo) -> datetime:
        """Return the first slot after ``now``."""
        reach = LONGEST_SHIFT if _is_shifted(now, zone) else timedelta()
        forward = self._from(_wall(now, zone) - reach)
        best: datetime | None = None
        while True:
            shown = forward()
            best = min(
                (slot for slot in (best, *self._slots(shown, zone)) if slot and slot > now), default=None
            )
            if best is not None and shown >= _wall(best, zone) + (reach or -LONGEST_SHIFT):
                return best

    def words(self) -> str:
        """Return what the text means, or an empty string when it is not simple."""
        minute, hour, day, month, weekday = self.text.lower().split()
        every = re.fullmatch(r"\*/(\d+)", minute)
        if (hour, day, month, weekday) == ("*",) * 4:
            if every:
                return f"every {every[1]} minutes"
            return (
                "every minute"
                if minute == "*"
                else f"every hour, {int(minute)} past"
                if minute.isdigit()
                else ""
            )
        if not minute.isdigit() or month != "*":
            return ""
        steps = re.fullmatch(r"\*/(\d+)", hour)
        if steps and (day, weekday) == ("*", "*"):
            return f"every {steps[1]} hours, {int(minute)} past"
        days = _days(day, weekday)
        return f"{days} at {int(hour):02d}:{int(minute):02d}" if days and hour.isdigit() else ""

    def _from(self, wall: datetime, *, backwards: bool = False) -> Callable[[], datetime]:
        clock: Any = croniter(self.text, wall)
        step = clock.get_prev if backwards else clock.get_next

        def turn() -> datetime:
            shown: datetime = step(datetime)
            return shown

        return turn

    def _slots(self, shown: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
        """Return the instants of a time on the wall: one, or two where the clock shows it twice and both count."""
        first, second = (shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        return (first, second) if second > first and self._every_hour else (first,)


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0, fold=0)


def _is_shifted(now: datetime, zone: ZoneInfo) -> bool:
    """Say whether the clock is moved within a day of ``now``."""
    day = timedelta(days=1)
    return (now - day).astimezone(zone).utcoffset() != (now + day).astimezone(zone).utcoffset()


def _days(day: str, weekday: str) -> str:
    if (day, weekday) == ("*", "*"):
        return "every day"
    if day.isdigit() and weekday == "*":
        return f"on day {int(day)} of every month"
    if day != "*":
        return ""
    if weekday in ("1-5", "mon-fri"):
        return "Monday to Friday"
    if weekday in _DAY_NAMES:
        return f"every {_WEEKDAYS[_DAY_NAMES.index(weekday)]}"
    return f"every {_WEEKDAYS[int(weekday)]}" if weekday.isdigit() else ""
