"""Figures over many applicants and students, for whoever looks at the whole. Reads only, within what the actor may see."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, literal, select, union_all

from plugins.admissions.models import Applicant, ApplicantState, Container, Student
from plugins.admissions.permissions import APPLICANTS_VIEW, STUDENTS_VIEW
from portal.sdk import current_actor, db, narrow, utc_now

S = TypeVar("S", bound=Select[*tuple[Any, ...]])

#: States before an application is handed in.
OPEN_STATES = frozenset({ApplicantState.INITIALIZED, ApplicantState.STARTED, ApplicantState.PAID})
ADMITTED_STATES = frozenset({ApplicantState.ADMITTED, ApplicantState.CREATED})


@dataclass(frozen=True, kw_only=True)
class ContainerFigures:
    """How many applicants of a container are in each state; states without any are absent."""

    container_id: uuid.UUID
    code: str
    title: str
    counts: Mapping[ApplicantState, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, kw_only=True)
class Funnel:
    """How far applications have come: each figure counts those of the next one too."""

    applied: int
    submitted: int
    admitted: int
    created: int


def states_by_container() -> list[ContainerFigures]:
    """Return the containers that have applicants, those with the most first. Two statements, the first from an index."""
    statement = select(Applicant.container_id, Applicant.state, func.count()).group_by(
        Applicant.container_id, Applicant.state
    )
    counts: dict[uuid.UUID, dict[ApplicantState, int]] = {}
    for container_id, state, number in db.session.execute(_visible_applicants(statement)):
        counts.setdefault(container_id, {})[ApplicantState(state)] = number
    names = select(Container.id, Container.code, Container.title).where(Container.id.in_(counts))
    found = [
        ContainerFigures(container_id=row.id, code=row.code, title=row.title, counts=counts[row.id])
        for row in db.session.execute(names)
    ]
    return sorted(found, key=lambda item: (-item.total, item.code))


def funnel() -> Funnel:
    """Return how far all applications have come. Two statements, from indexes."""
    statement = select(Applicant.state, func.count()).group_by(Applicant.state)
    counts = {
        ApplicantState(state): number for state, number in db.session.execute(_visible_applicants(statement))
    }
    # What the state says may have been imported; the number of the student's record was not.
    created = select(func.count()).select_from(Applicant).where(Applicant.student_id.is_not(None))
    applied = sum(counts.values())
    return Funnel(
        applied=applied,
        submitted=applied - sum(counts.get(state, 0) for state in OPEN_STATES),
        admitted=sum(counts.get(state, 0) for state in ADMITTED_STATES),
        created=db.session.scalar(_visible_applicants(created)) or 0,
    )


def creations_per_day(days_count: int, zone: ZoneInfo) -> list[tuple[date, int]]:
    """Return how many students were created on each of the last days, oldest first, today last. One statement.

    Args:
        days_count: 1 to 90.
        zone: Whose midnight divides the days.
    """
    today = utc_now().astimezone(zone).date()
    days = [today - timedelta(days=back) for back in reversed(range(days_count))]
    statement = union_all(*(_created_on(place, day, zone) for place, day in enumerate(days)))
    counts = {place: number for place, number in db.session.execute(statement)}  # noqa: C416 - rows, not pairs
    return [(day, counts[place]) for place, day in enumerate(days)]


def _created_on(place: int, day: date, zone: ZoneInfo) -> Select[int, int]:
    # A range of the index per day: exact in every zone, also on days of 23 and 25 hours.
    counted = select(literal(place), func.count()).where(
        Student.created_at >= _midnight(day, zone),
        Student.created_at < _midnight(day + timedelta(days=1), zone),
    )
    return narrow(counted, current_actor(), STUDENTS_VIEW, Student)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)


def _visible_applicants(statement: S) -> S:
    return narrow(statement, current_actor(), APPLICANTS_VIEW, Applicant)
