"""Schedules: a slot is run once, whoever looks; missed ones once; off is off."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import event, func, select, update

from portal.audit.models import AuditEntry
from portal.jobs.engine import run_inline
from portal.jobs.models import Job
from portal.jobs.queries import get_job
from portal.jobs.schedules import (
    Scheduler,
    ScheduleRun,
    ScheduleState,
    checked_schedules,
    fire,
    forget_old_runs,
    list_schedules,
    run_now,
    switch,
)
from portal.jobs.schedules.declared import SCHEDULES_KEY, CheckedSchedule, schedule_named
from portal.jobs.states import JobState
from portal.kernel.actor import Actor, acting_as
from portal.kernel.db import db
from portal.kernel.errors import NotFound
from portal.kernel.transaction import transaction

pytestmark = pytest.mark.both_engines

UTC_ZONE = ZoneInfo("UTC")
NAME = "portal.remove_expired"
#: Before and after the slot of 04:05.
EARLY, LATE = datetime(2026, 5, 4, 4, 0, tzinfo=UTC), datetime(2026, 5, 4, 4, 6, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def only_one_schedule(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.extensions, SCHEDULES_KEY, {NAME: checked_schedules()[NAME]})


@pytest.fixture
def scheduler() -> Scheduler:
    """One that has seen the schedule before its slot."""
    scheduler = Scheduler()
    assert scheduler.run_due(UTC_ZONE, EARLY) == 0
    return scheduler


def runs() -> int:
    count = db.session.scalar(select(func.count()).select_from(ScheduleRun)) or 0
    db.session.rollback()
    return count


def newest_job() -> Job:
    job = db.session.scalars(select(Job).order_by(Job.created_at.desc())).first()
    assert job is not None
    db.session.rollback()
    return job


def finish() -> None:
    for job_id in db.session.scalars(select(Job.id)).all():
        run_inline(job_id)


def test_due_schedule_starts_its_job_as_the_portal_under_its_own_name(scheduler: Scheduler) -> None:
    assert scheduler.run_due(UTC_ZONE, LATE) == 1

    job = newest_job()
    assert (job.kind, job.actor_name, job.actor_user_id, job.is_administrator) == (NAME, NAME, None, True)
    run_inline(job.id)
    assert get_job(job.id).state == JobState.FINISHED


def test_slot_is_not_run_again(scheduler: Scheduler) -> None:
    scheduler.run_due(UTC_ZONE, LATE)
    finish()

    assert scheduler.run_due(UTC_ZONE, LATE + timedelta(hours=3)) == 0
    assert scheduler.run_due(UTC_ZONE, LATE + DAY) == 1


def test_slot_before_the_schedule_was_known_does_not_count(app: Flask) -> None:
    assert Scheduler().run_due(UTC_ZONE, LATE) == 0


def test_of_missed_slots_the_newest_is_run_once(scheduler: Scheduler) -> None:
    assert scheduler.run_due(UTC_ZONE, LATE + 9 * DAY) == 1
    finish()

    assert scheduler.run_due(UTC_ZONE, LATE + 9 * DAY) == 0
    assert db.session.scalar(select(ScheduleRun.slot_at)) == datetime(2026, 5, 13, 4, 5, tzinfo=UTC)


def test_slot_waits_while_the_job_before_it_is_at_work(scheduler: Scheduler) -> None:
    scheduler.run_due(UTC_ZONE, LATE)

    assert scheduler.run_due(UTC_ZONE, LATE + DAY) == 0
    finish()
    assert scheduler.run_due(UTC_ZONE, LATE + DAY) == 1


def test_slot_that_is_due_for_eight_schedulers_is_run_once(app: Flask, scheduler: Scheduler) -> None:
    started: list[int] = []
    gate = threading.Barrier(8)

    def look() -> None:
        with app.app_context():
            gate.wait()
            started.append(Scheduler().run_due(UTC_ZONE, LATE))
            db.session.remove()

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(started) == [0] * 7 + [1]
    assert runs() == 1
    assert db.session.scalar(select(func.count()).select_from(Job)) == 1


def test_slot_that_two_schedulers_make_at_once_has_one_job(scheduler: Scheduler) -> None:
    schedule = schedule_named(NAME)

    assert fire(schedule, LATE) is not None
    assert fire(schedule, LATE) is None


def test_looking_takes_three_statements(scheduler: Scheduler) -> None:
    seen: list[str] = []

    def see(*given: Any) -> None:
        seen.append(given[2].split()[0])

    event.listen(db.engine, "before_cursor_execute", see)
    scheduler.run_due(UTC_ZONE, EARLY)
    event.remove(db.engine, "before_cursor_execute", see)

    assert [word for word in seen if word != "BEGIN"] == ["SELECT"] * 3


def test_schedule_that_is_off_does_not_run_and_what_passed_meanwhile_is_past(scheduler: Scheduler) -> None:
    with acting_as(Actor(name="operator", is_administrator=True)), transaction():
        switch(NAME, enabled=False)
    assert scheduler.run_due(UTC_ZONE, datetime.now(UTC) + DAY) == 0

    with transaction():
        switch(NAME, enabled=True)
    now = datetime.now(UTC)
    assert scheduler.run_due(UTC_ZONE, now) == 0
    assert scheduler.run_due(UTC_ZONE, now + DAY) == 1


def test_switching_is_audited(scheduler: Scheduler) -> None:
    with acting_as(Actor(name="operator", is_administrator=True)), transaction():
        switch(NAME, enabled=False)

    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.target == "portal_schedule")).one()
    assert (entry.actor_name, entry.record_id) == ("operator", NAME)


def test_new_cron_text_does_not_run_what_would_have_been(scheduler: Scheduler) -> None:
    with transaction() as session:
        session.execute(update(ScheduleState).values(cron="0 1 * * *"))

    assert Scheduler().run_due(UTC_ZONE, LATE) == 0
    assert scheduler.run_due(UTC_ZONE, LATE + DAY) == 1


def test_run_now_starts_once_per_key_and_says_who_asked(scheduler: Scheduler) -> None:
    officer = Actor(name="Officer", user_id=None, is_administrator=True)
    first = run_now(NAME, officer, "a" * 32)

    assert run_now(NAME, officer, "a" * 32) == first
    assert runs() == 1
    (line,) = list_schedules(UTC_ZONE)
    assert line.last is not None
    assert (line.last.asked_by_name, line.last.job_id) == ("Officer", first)
    assert db.session.scalar(select(func.count()).where(AuditEntry.action == "run-now")) == 1


def test_run_now_does_not_use_up_the_slot(scheduler: Scheduler) -> None:
    run_now(NAME, Actor(name="Officer", is_administrator=True), "b" * 32)
    finish()

    assert scheduler.run_due(UTC_ZONE, LATE) == 1


def test_schedule_that_cannot_start_its_job_says_why_and_is_not_tried_again(
    app: Flask, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = schedule_named(NAME)
    broken = CheckedSchedule(
        owner=found.owner, cron=found.cron, declared=replace(found.declared, kind="portal.gone")
    )
    monkeypatch.setitem(app.extensions, SCHEDULES_KEY, {NAME: broken})

    assert scheduler.run_due(UTC_ZONE, LATE) == 0
    assert scheduler.run_due(UTC_ZONE, LATE) == 0
    (line,) = list_schedules(UTC_ZONE)
    assert line.last is not None
    assert "portal.gone" in line.last.problem
    assert runs() == 1


def test_unknown_schedule_is_named(app: Flask) -> None:
    with pytest.raises(NotFound, match=f"'no.such'.*{NAME}"):
        run_now("no.such", Actor(name="Officer"), "c" * 32)


def test_old_runs_are_forgotten_but_the_newest_slot(scheduler: Scheduler) -> None:
    for days in (0, 1, 2):
        scheduler.run_due(UTC_ZONE, LATE + days * DAY)
        finish()
    with transaction() as session:
        session.execute(update(ScheduleRun).values(created_at=EARLY - 999 * DAY))
        assert forget_old_runs(90) == 2

    assert runs() == 1
    assert scheduler.run_due(UTC_ZONE, LATE + 2 * DAY) == 0
