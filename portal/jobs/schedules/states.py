"""Reads the schedules with their last runs, switches them, and forgets old runs."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, select

from portal.jobs.models import Job
from portal.jobs.schedules.declared import CheckedSchedule, checked_schedules, schedule_named
from portal.jobs.schedules.models import ScheduleRun, ScheduleState
from portal.kernel.clock import utc_now
from portal.kernel.db import db, reading


@dataclass(frozen=True, kw_only=True)
class LastRun:
    """The newest run of a schedule and how its job stands."""

    at: datetime
    job_id: uuid.UUID | None
    state: str | None
    asked_by_name: str | None
    problem: str


@dataclass(frozen=True, kw_only=True)
class ScheduleLine:
    """A schedule as people see it; ``next_at`` is None while it is off."""

    name: str
    title: str
    owner: str
    kind: str
    cron: str
    words: str
    enabled: bool
    next_at: datetime | None
    last: LastRun | None


def list_schedules(zone: ZoneInfo, now: datetime | None = None) -> list[ScheduleLine]:
    """Return every declared schedule, by owner and name. Two SELECTs."""
    now = now or utc_now()
    with reading() as session:
        off = set(session.scalars(select(ScheduleState.name).where(~ScheduleState.enabled)))
        last = _last_runs()
    found = sorted(checked_schedules().values(), key=lambda item: (item.owner != "portal", item.name))
    return [_line(item, item.name not in off, last, zone, now) for item in found]


def switch(name: str, *, enabled: bool) -> None:
    """Switch a schedule on or off; slots in between are past. Needs an open transaction; audited.

    Raises:
        NotFound: ``schedule-unknown``.
    """
    schedule = schedule_named(name)
    state = db.session.get(ScheduleState, name, with_for_update=True)
    if state is None:
        state = ScheduleState(name=name, since=utc_now(), cron=schedule.cron.text, enabled=True)
        db.session.add(state)
        db.session.flush()
    if state.enabled != enabled:
        state.enabled, state.since = enabled, utc_now()
        db.session.flush()


def forget_old_runs(days: int) -> int:
    """Delete runs older than ``days`` but the newest slot of each schedule, and return how many.

    Needs an open transaction. The newest one stays, because it says that its slot was run.
    """
    newest = (
        select(ScheduleRun.name, func.max(ScheduleRun.slot_at).label("slot_at"))
        .where(ScheduleRun.asked_by_name.is_(None))
        .group_by(ScheduleRun.name)
        .subquery()
    )
    kept = (
        select(newest.c.name)
        .where(newest.c.name == ScheduleRun.name, newest.c.slot_at == ScheduleRun.slot_at)
        .correlate(ScheduleRun)
        .exists()
    )
    removed = db.session.execute(
        delete(ScheduleRun)
        .where(ScheduleRun.created_at < utc_now() - timedelta(days=days), ~kept)
        .execution_options(synchronize_session=False)
    )
    return int(removed.rowcount)  # type: ignore[attr-defined]


def _last_runs() -> dict[str, LastRun]:
    place = func.row_number().over(partition_by=ScheduleRun.name, order_by=ScheduleRun.created_at.desc())
    runs = select(ScheduleRun.id, place.label("place")).subquery()
    found = db.session.execute(
        select(
            ScheduleRun.name,
            ScheduleRun.created_at,
            ScheduleRun.job_id,
            ScheduleRun.asked_by_name,
            ScheduleRun.problem,
            Job.state,
        )
        .join(runs, runs.c.id == ScheduleRun.id)
        .outerjoin(Job, Job.id == ScheduleRun.job_id)
        .where(runs.c.place == 1)
    )
    return {row.name: _last(row) for row in found}


def _last(row: Any) -> LastRun:
    return LastRun(
        at=row.created_at,
        job_id=row.job_id,
        state=str(row.state) if row.state else None,
        asked_by_name=row.asked_by_name,
        problem=row.problem,
    )


def _line(
    schedule: CheckedSchedule, enabled: bool, last: Mapping[str, LastRun], zone: ZoneInfo, now: datetime
) -> ScheduleLine:
    return ScheduleLine(
        name=schedule.name,
        title=schedule.declared.title,
        owner=schedule.owner,
        kind=schedule.declared.kind,
        cron=schedule.cron.text,
        words=schedule.cron.words(),
        enabled=enabled,
        next_at=schedule.cron.next(now, zone) if enabled else None,
        last=last.get(schedule.name),
    )
