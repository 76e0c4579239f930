"""Figures over many enrollments, for whoever looks at the whole. Reads only."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from plugins.enrollments.models import (
    Program,
    ProgramCourseEnrollment,
    ProgramEnrollment,
    ProgramEnrollmentHistory,
)
from portal.sdk import db, utc_now

WEEKS = 12


@dataclass
class ProgramFigures:
    """How many are in a program.

    Args:
        by_status: Status to (waiting for an account, with one).
    """

    program_uuid: uuid.UUID
    title: str
    by_status: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def waiting(self) -> int:
        return sum(counts[0] for counts in self.by_status.values())

    @property
    def realized(self) -> int:
        return sum(counts[1] for counts in self.by_status.values())

    @property
    def total(self) -> int:
        return self.waiting + self.realized

    def of(self, status: str) -> int:
        """Return how many have a status."""
        return sum(self.by_status.get(status, (0, 0)))


def program_figures(program_uuid: uuid.UUID | None = None) -> list[ProgramFigures]:
    """Return the figures of one program, or of all that the catalog names or somebody is in. Two statements.

    Programs that the catalog does not name come last, by their UUID.
    """
    programs = select(Program.id, Program.title).order_by(Program.title, Program.id)
    waiting = func.count().filter(ProgramEnrollment.user_id.is_(None))
    counted = select(ProgramEnrollment.program_uuid, ProgramEnrollment.status, func.count(), waiting)
    if program_uuid is not None:
        programs = programs.where(Program.id == program_uuid)
        counted = counted.where(ProgramEnrollment.program_uuid == program_uuid)
    found = {key: ProgramFigures(key, title or str(key)) for key, title in db.session.execute(programs)}
    grouped = counted.group_by(ProgramEnrollment.program_uuid, ProgramEnrollment.status)
    for key, status, number, without in db.session.execute(grouped):
        figures = found.setdefault(key, ProgramFigures(key, str(key)))
        figures.by_status[status] = (without, number - without)
    return list(found.values())


def status_changes(program_uuid: uuid.UUID, weeks: int = WEEKS) -> list[tuple[date, Mapping[str, int]]]:
    """Return for each of the last weeks, by its Monday (UTC), how many came into which status. One statement.

    Newly enrolled ones count; a change that left the status as it was counts too.
    """
    today = utc_now().date()
    monday = today - timedelta(days=today.weekday())
    days = [monday - timedelta(weeks=number) for number in reversed(range(weeks))]
    history = ProgramEnrollmentHistory
    day = func.date(history.at)
    first = datetime.combine(days[0], datetime.min.time(), tzinfo=utc_now().tzinfo)
    statement = (
        select(day, history.status, func.count())
        .where(history.program_uuid == program_uuid, history.at >= first, history.change != "delete")
        .group_by(day, history.status)
    )
    found: dict[date, dict[str, int]] = {start: {} for start in days}
    for text, status, number in db.session.execute(statement):
        when = date.fromisoformat(str(text)[:10])
        week = found.get(when - timedelta(days=when.weekday()))
        if week is not None:
            week[status] = week.get(status, 0) + number
    return list(found.items())


def course_figures(program_uuid: uuid.UUID, most: int = 50) -> Sequence[tuple[str, int, int]]:
    """Return course run, active and inactive learners of a program, most first. One statement."""
    row = ProgramCourseEnrollment
    active = func.count().filter(row.status == "active")
    statement = (
        select(row.course_key, active, func.count())
        .join(ProgramEnrollment, ProgramEnrollment.id == row.program_enrollment_id)
        .where(ProgramEnrollment.program_uuid == program_uuid)
        .group_by(row.course_key)
        .order_by(func.count().desc(), row.course_key)
        .limit(most)
    )
    return [(key, on, number - on) for key, on, number in db.session.execute(statement)]
