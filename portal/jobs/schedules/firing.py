"""Starts the jobs of due slots: the run and its job are made in one transaction, once per name and slot."""

import logging
import uuid
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from portal.audit.recording import record
from portal.jobs.models import Job
from portal.jobs.schedules.declared import CheckedSchedule, checked_schedules, schedule_named
from portal.jobs.schedules.models import ScheduleRun, ScheduleState
from portal.jobs.states import ACTIVE
from portal.jobs.submitting import Draft, draft, submit
from portal.kernel.actor import SYSTEM, Actor
from portal.kernel.clock import utc_now
from portal.kernel.db import db, reading
from portal.kernel.errors import PortalError
from portal.kernel.ids import new_id
from portal.kernel.transaction import run_in_transaction, transaction

log = logging.getLogger(__name__)


class Scheduler:
    """One of any number of schedulers; call :meth:`run_due` every few seconds."""

    def __init__(self) -> None:
        self._adopted = False

    def run_due(self, zone: ZoneInfo, now: datetime | None = None) -> int:
        """Start the job of every schedule whose newest slot has come, and return how many this scheduler started.

        Of slots that were missed, only the newest is run, once. A slot waits while the job of an earlier one is still
        at work. Opens its own short transactions; three SELECTs when nothing is due.
        """
        now = now or utc_now()
        if not self._adopted:
            run_in_transaction(lambda: _adopt(now))
            self._adopted = True
        return sum(fire(schedule, slot) is not None for schedule, slot in _due(zone, now))


def fire(schedule: CheckedSchedule, slot: datetime) -> uuid.UUID | None:
    """Make the job of one slot and return its id; None when another scheduler made it, or it cannot be made.

    Opens its own transaction. What cannot be made is kept as a run with its problem, and not tried again.
    """
    request: Draft | None = None
    problem = ""
    try:
        request = _request(schedule, f"schedule:{schedule.name}:{slot.isoformat()}")
    except PortalError as error:
        problem = error.message[:500]
    job_id = run_in_transaction(lambda: _make(schedule.name, slot, request, problem))
    if problem:
        log.error("the schedule %s could not start its job", schedule.name)
    elif job_id is not None:
        log.info("the schedule %s started job %s", schedule.name, job_id)
    return job_id


def run_now(name: str, asked_by: Actor, key: str) -> uuid.UUID:
    """Start a schedule's job now, whatever its slots, and return the job's id. Opens its own transaction.

    Args:
        asked_by: Who asked; kept with the run and in the audit record. The job itself acts as the schedule.
        key: The same key a second time gives the first job.

    Raises:
        NotFound: ``schedule-unknown``.
        InvalidInput: when the kind refuses its parameters.
    """
    schedule = schedule_named(name)
    request = _request(schedule, f"run-now:{key}")
    with transaction():
        job = submit(request, apply=True)
        run = _insert_run(schedule.name, utc_now(), job_id=job.id, asked_by_name=asked_by.name[:200])
        if run is not None:
            record("run-now", ScheduleState.__tablename__, name, {"job": str(job.id)})
        return job.id


def _request(schedule: CheckedSchedule, key: str) -> Draft:
    actor = replace(SYSTEM, name=schedule.name)
    return draft(schedule.declared.kind, schedule.declared.params, actor, idempotency_key=key)


def _make(name: str, slot: datetime, request: Draft | None, problem: str) -> uuid.UUID | None:
    # The row decides who makes the job: the database lets one name and slot in once.
    run_id = _insert_run(name, slot, problem=problem)
    if run_id is None or request is None:
        return None
    job = submit(request, apply=True)
    db.session.execute(update(ScheduleRun).where(ScheduleRun.id == run_id).values(job_id=job.id))
    return job.id


def _insert_run(name: str, slot: datetime, **values: object) -> uuid.UUID | None:
    """Insert a run and return its id; None when there is one already."""
    insert = postgresql.insert if _on_postgresql() else sqlite.insert
    row = {"id": new_id(), "name": name, "slot_at": slot, "created_at": utc_now(), "problem": "", **values}
    made = insert(ScheduleRun).values(**row).on_conflict_do_nothing().returning(ScheduleRun.id)
    return db.session.scalar(made)


def _adopt(now: datetime) -> None:
    """Keep every schedule that is new, or whose cron text has changed: its slots count from now on."""
    known = {state.name: state for state in db.session.scalars(select(ScheduleState))}
    insert = postgresql.insert if _on_postgresql() else sqlite.insert
    for schedule in checked_schedules().values():
        state = known.get(schedule.name)
        values = {"since": now, "cron": schedule.cron.text}
        if state is None:
            row = {"name": schedule.name, "enabled": True, **values}
            db.session.execute(insert(ScheduleState).values(**row).on_conflict_do_nothing())
        elif state.cron != schedule.cron.text:
            changed = update(ScheduleState).where(ScheduleState.name == schedule.name).values(**values)
            db.session.execute(changed.execution_options(synchronize_session=False))


def _due(zone: ZoneInfo, now: datetime) -> list[tuple[CheckedSchedule, datetime]]:
    """Return the schedules with the newest slot that is due. Three SELECTs."""
    names = list(checked_schedules())
    with reading() as session:
        since = {
            row.name: row.since
            for row in session.execute(
                select(ScheduleState.name, ScheduleState.since).where(
                    ScheduleState.name.in_(names), ScheduleState.enabled
                )
            )
        }
        newest = {
            row.name: row.slot_at
            for row in session.execute(
                select(ScheduleRun.name, func.max(ScheduleRun.slot_at).label("slot_at"))
                .where(ScheduleRun.name.in_(names), ScheduleRun.asked_by_name.is_(None))
                .group_by(ScheduleRun.name)
            )
        }
        working = set(
            session.scalars(
                select(ScheduleRun.name).join(Job, Job.id == ScheduleRun.job_id).where(Job.state.in_(ACTIVE))
            )
        )
    due = []
    for schedule in checked_schedules().values():
        if schedule.name in since and schedule.name not in working:
            slot = schedule.cron.latest(now, zone)
            if slot > max(since[schedule.name], newest.get(schedule.name) or since[schedule.name]):
                due.append((schedule, slot))
    return due


def _on_postgresql() -> bool:
    return db.session().get_bind().dialect.name == "postgresql"
