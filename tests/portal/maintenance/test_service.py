"""Maintenance windows: one at a time, with a lease for jobs, by the database's clock."""

import threading
import uuid
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from portal.audit.models import AuditEntry
from portal.hooks.events import MaintenanceChanged
from portal.hooks.manager import Plugins
from portal.kernel.actor import SYSTEM, Actor
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict, InvalidInput
from portal.kernel.ids import new_id
from portal.kernel.transaction import transaction
from portal.maintenance import service
from portal.maintenance.models import MaintenanceWindow

pytestmark = pytest.mark.both_engines


def _start(reason: str = "New term", job_id: uuid.UUID | None = None, **options: float) -> service.Window:
    with transaction():
        return service.start(reason, Actor(name="Ann"), job_id=job_id, **options)


def _lapse() -> None:
    with transaction() as session:
        session.execute(update(MaintenanceWindow).values(lease_until=utc_now() - timedelta(hours=1)))


def test_a_started_window_is_current_until_it_ends(app: Flask) -> None:
    window = _start()
    assert service.current() == window
    with transaction():
        assert service.end(window.id, SYSTEM)
    assert service.current() is None


def test_ending_twice_changes_nothing(app: Flask) -> None:
    window = _start()
    with transaction():
        service.end(window.id, SYSTEM)
    with transaction():
        assert not service.end(window.id, SYSTEM)


def test_a_second_window_is_refused_and_names_the_first(app: Flask) -> None:
    _start("Creating students")
    with pytest.raises(Conflict, match="by Ann: Creating students") as caught:
        _start("Another")
    assert caught.value.code == "maintenance-open"


def test_of_two_starters_at_once_one_wins(app: Flask) -> None:
    outcomes: list[str] = []
    ready = threading.Barrier(4)

    def run() -> None:
        with app.app_context():
            ready.wait()
            try:
                _start()
                outcomes.append("started")
            except Conflict as error:
                outcomes.append(error.code)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["maintenance-open"] * 3 + ["started"]


def test_a_window_of_a_person_has_no_lease(app: Flask) -> None:
    assert _start().lease_until is None


def test_a_window_of_a_job_always_has_a_lease(app: Flask) -> None:
    assert _start(job_id=new_id()).lease_until is not None


def test_a_lapsed_window_counts_as_none_and_reading_changes_nothing(app: Flask) -> None:
    _start(job_id=new_id(), lease_seconds=30)
    _lapse()
    assert service.current() is None
    db.session.rollback()
    assert db.session.scalar(select(MaintenanceWindow.is_open))


def test_a_lapsed_window_is_closed_by_the_next_start(app: Flask) -> None:
    old = _start(job_id=new_id(), lease_seconds=30)
    _lapse()
    new = _start("Next")
    assert service.current() == new
    row = db.session.get(MaintenanceWindow, old.id)
    assert row is not None
    assert (row.is_open, row.ended_by_name) == (False, service.LAPSED)


def test_renewing_moves_the_lease(app: Flask) -> None:
    window = _start(job_id=new_id(), lease_seconds=30)
    _lapse()
    with transaction():
        assert service.renew(window.id, lease_seconds=60)
    found = service.current()
    assert found is not None
    assert found.id == window.id


def test_an_ended_window_cannot_be_renewed(app: Flask) -> None:
    window = _start(job_id=new_id(), lease_seconds=30)
    with transaction():
        service.end(window.id, SYSTEM)
    with transaction():
        assert not service.renew(window.id)
    assert service.current() is None


def test_a_reason_is_needed(app: Flask) -> None:
    with pytest.raises(InvalidInput, match="everybody will read it"):
        _start("  ")


def test_the_permission_or_the_administrator_role_lets_pass(app: Flask) -> None:
    window = _start()
    allowed = Actor(grants=frozenset({"portal.maintenance.pass"}))
    assert [
        service.may_pass(actor, window)
        for actor in (SYSTEM, allowed, Actor(grants=frozenset({"portal.jobs.view"})))
    ] == [True, True, False]


def test_start_and_end_are_audited(app: Flask) -> None:
    window = _start()
    with transaction():
        service.end(window.id, SYSTEM)
    actions = db.session.scalars(
        select(AuditEntry.action).where(AuditEntry.record_id == str(window.id)).order_by(AuditEntry.id)
    ).all()
    assert actions == ["create", "update"]


def test_plugins_are_told_after_the_commit(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[MaintenanceChanged] = []

    def tell(self: Plugins, name: str, hook: str, event: MaintenanceChanged) -> None:
        if name == "portal":
            told.append(event)

    monkeypatch.setattr(Plugins, "tell", tell)
    with transaction():
        window = service.start("New term", SYSTEM)
        assert told == []
    with transaction():
        service.end(window.id, SYSTEM)
    assert [(event.is_open, event.reason) for event in told] == [(True, "New term"), (False, "New term")]
