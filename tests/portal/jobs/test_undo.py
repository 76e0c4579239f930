"""Undoing a whole job: a job of its own, last row first, that keeps what was changed since."""

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from portal.files.service import NewFile, register
from portal.files.store import current_store
from portal.jobs import api, engine, queries
from portal.jobs.applying import Pace
from portal.jobs.forgetting import forget_undo
from portal.jobs.models import Job, JobFile, JobRow
from portal.jobs.outcomes import keep_files
from portal.jobs.states import JobState, RowState
from portal.kernel.actor import SYSTEM, Actor
from portal.kernel.clock import database_now, utc_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict, Forbidden
from portal.kernel.transaction import transaction
from tests.portal.jobs.toy_numbering import NumberThings
from tests.portal.jobs.toy_table import Thing

pytestmark = pytest.mark.usefixtures("toy")


def done(kind: str, **params: Any) -> uuid.UUID:
    request = api.draft(kind, params, SYSTEM)
    with transaction():
        job_id = api.submit(request, apply=True).id
    engine.run_inline(job_id)
    return job_id


def numbered(**numbers: int) -> uuid.UUID:
    return done("toy.number_things", numbers=numbers)


def undone(job_id: uuid.UUID, *, start: bool = True) -> uuid.UUID:
    with transaction():
        undo_id = api.undo(job_id, SYSTEM).id
    engine.run_inline(undo_id)
    if start:
        with transaction():
            api.start(undo_id, SYSTEM)
        engine.run_inline(undo_id)
    return undo_id


def things() -> dict[str, int]:
    db.session.rollback()
    return dict(db.session.execute(select(Thing.name, Thing.number)).all())


def states(job_id: uuid.UUID) -> dict[str, int]:
    db.session.rollback()
    rows = select(JobRow.state, func.count()).where(JobRow.job_id == job_id).group_by(JobRow.state)
    counted = {RowState(state).value: count for state, count in db.session.execute(rows)}
    job = queries.get_job(job_id)
    assert counted == {s.value: n for s in RowState if (n := getattr(job, f"{s.value}_count"))}
    return counted


@pytest.mark.both_engines
def test_an_undo_makes_everything_as_it_was() -> None:
    numbered(old=1, gone=2)
    job_id = numbered(old=5, gone=0, new=7)
    assert things() == {"old": 5, "new": 7}

    undo_id = undone(job_id)

    assert things() == {"old": 1, "gone": 2}
    assert queries.get_job(undo_id).state == JobState.FINISHED
    assert (queries.get_job(undo_id).undoes_id, states(undo_id)) == (job_id, {"done": 3})


def test_its_preview_goes_backwards_and_changes_nothing() -> None:
    job_id = numbered(a=1, b=2)

    undo_id = undone(job_id, start=False)

    rows = queries.list_rows(undo_id)
    assert [(row.label, row.action) for row in rows] == [("b", "remove"), ("a", "remove")]
    assert (things(), queries.get_job(undo_id).state) == ({"a": 1, "b": 2}, JobState.PLANNED)


def test_what_was_changed_since_is_kept_and_said_in_the_preview() -> None:
    job_id = numbered(a=1, b=2)
    numbered(a=9)

    undo_id = undone(job_id, start=False)

    (kept,) = queries.list_rows(undo_id, state=RowState.REFUSED)
    assert (kept.label, kept.code) == ("a", "changed-since")
    assert "numbered 9 since" in kept.message


@pytest.mark.both_engines
def test_what_is_changed_between_preview_and_undo_is_kept_too() -> None:
    job_id = numbered(a=1, b=2)
    undo_id = undone(job_id, start=False)
    numbered(a=9)
    with transaction():
        api.start(undo_id, SYSTEM)

    engine.run_inline(undo_id)

    assert (things(), states(undo_id)) == ({"a": 9}, {"done": 1, "refused": 1})


@pytest.mark.both_engines
def test_what_was_kept_can_be_tried_again() -> None:
    job_id = numbered(a=1, b=2)
    numbered(a=9)
    undo_id = undone(job_id)
    numbered(a=1)
    with transaction():
        api.retry(undo_id, SYSTEM)

    engine.run_inline(undo_id)

    assert (things(), states(undo_id)) == ({}, {"done": 2})


@pytest.mark.both_engines
def test_a_second_click_lands_on_the_first_undo() -> None:
    job_id = numbered(a=1)
    with transaction():
        first = api.undo(job_id, SYSTEM, idempotency_key="one").id
    with transaction():
        second = api.undo(job_id, SYSTEM, idempotency_key="two").id

    assert first == second
    assert db.session.scalar(select(func.count()).select_from(Job)) == 2


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: undone(numbered(a=1)), "job-is-undo"),
        (lambda: done("toy.make_things", names=["a"]), "undo-not-possible"),
        (lambda: done("toy.count"), "undo-not-possible"),
        (numbered, "nothing-to-undo"),
    ],
)
def test_what_cannot_be_undone_is_refused(make: Callable[[], uuid.UUID], code: str) -> None:
    job_id = make()

    with pytest.raises(Conflict) as refused, transaction():
        api.undo(job_id, SYSTEM)

    assert refused.value.code == code


def test_a_running_job_cannot_be_undone() -> None:
    request = api.draft("toy.number_things", {"numbers": {"a": 1}}, SYSTEM)
    with transaction():
        job_id = api.submit(request, apply=True).id

    with pytest.raises(Conflict, match="Stop it first"), transaction():
        api.undo(job_id, SYSTEM)


def test_after_its_time_a_job_cannot_be_undone() -> None:
    job_id = numbered(a=1)
    with transaction():
        db.session.execute(update(Job).values(finished_at=utc_now() - timedelta(days=31)))

    with pytest.raises(Conflict, match="30 days"), transaction():
        api.undo(job_id, SYSTEM)


def test_who_may_not_do_it_may_not_undo_it() -> None:
    job_id = numbered(a=1)
    somebody = Actor(user_id=5, name="Somebody", grants=frozenset({"portal.jobs.view_all", "toy.make"}))

    with pytest.raises(Forbidden), transaction():
        api.undo(job_id, somebody)


@pytest.mark.parametrize("change", [api.retry, api.resume])
def test_an_undone_job_does_not_go_on(change: Callable[[uuid.UUID, Actor], Job]) -> None:
    job_id = numbered(a=1)
    undone(job_id)
    state = JobState.CANCELLED if change is api.resume else JobState.FINISHED
    with transaction():
        db.session.execute(update(Job).where(Job.id == job_id).values(state=state))

    with pytest.raises(Conflict) as refused, transaction():
        change(job_id, SYSTEM)

    assert refused.value.code == "job-undone"


@pytest.mark.both_engines
def test_a_cancelled_undo_can_be_resumed() -> None:
    job_id = numbered(**{f"n{number}": number + 1 for number in range(60)})
    undo_id = undone(job_id, start=False)

    def stop() -> None:
        db.session.execute(update(Job).where(Job.id == undo_id).values(cancel_requested_at=utc_now()))

    with transaction():
        api.start(undo_id, SYSTEM)
    NumberThings.interrupt = stop
    engine.run_inline(undo_id)
    assert queries.get_job(undo_id).state == JobState.CANCELLED
    assert 0 < len(things()) < 60

    with transaction():
        api.resume(undo_id, SYSTEM)
    engine.run_inline(undo_id)

    assert (things(), states(undo_id)) == ({}, {"done": 60})


@pytest.mark.both_engines
def test_rows_of_a_killed_worker_are_undone_once_by_the_next() -> None:
    job_id = numbered(a=1, b=2)
    undo_id = undone(job_id, start=False)
    with transaction():
        api.start(undo_id, SYSTEM)
        earlier = database_now(db.session()) - timedelta(hours=1)
        db.session.execute(
            update(JobRow).where(JobRow.job_id == undo_id).values(lease_owner="dead", lease_until=earlier)
        )

    engine.run_inline(undo_id)

    assert (things(), states(undo_id)) == ({}, {"done": 2})


def test_a_plan_thrown_away_frees_the_job() -> None:
    job_id = numbered(a=1)
    undo_id = undone(job_id, start=False)
    with transaction():
        api.discard(undo_id, SYSTEM)

    assert undone(job_id) != undo_id
    assert things() == {}


def test_a_larger_undo_is_planned_by_a_worker() -> None:
    job_id = numbered(**{f"n{number}": number + 1 for number in range(501)})
    with transaction():
        undo = api.undo(job_id, SYSTEM)
        assert undo.state == JobState.PLANNING

    engine.run_inline(undo.id)

    assert queries.get_job(undo.id).state == JobState.PLANNED
    assert states(undo.id) == {"pending": 501}


@pytest.mark.both_engines
def test_a_chunk_takes_the_same_statements_whatever_its_size(
    count_statements: Callable[[], AbstractContextManager[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pace, "starting", classmethod(lambda cls, most: cls(most=most, rows=most)))
    counted = []
    for size in (3, 20):
        job_id = numbered(**{f"s{size}_{number}": 1 for number in range(size)})
        undo_id = undone(job_id, start=False)
        with transaction():
            api.start(undo_id, SYSTEM)
        with count_statements() as statements:
            engine.run_inline(undo_id)
        counted.append(len(statements))

    assert counted[0] == counted[1]


def test_a_row_of_an_erased_person_is_kept() -> None:
    job_id = numbered(a=1, b=2)
    undo_id = undone(job_id, start=False)
    with transaction():
        erased = update(JobRow).where(JobRow.job_id == job_id, JobRow.label == "a")
        db.session.execute(erased.values(data=None, undo_facts=None))
        api.start(undo_id, SYSTEM)

    engine.run_inline(undo_id)

    assert states(undo_id) == {"done": 1, "refused": 1}
    assert {row.code for row in queries.list_rows(undo_id)} == {"", "erased"}
    assert things() == {"a": 1}


@pytest.mark.both_engines
def test_what_undo_needs_is_forgotten_when_nobody_can_undo_any_more() -> None:
    old, recent, in_work = numbered(a=1), numbered(b=2), numbered(c=3)
    undone(in_work, start=False)
    (name,) = current_store().put_many([b"a photo"])
    with transaction():
        register([NewFile(sha256=name, size_bytes=7, media_type="image/jpeg")])
        keep_files(old, [name])
        past = utc_now() - timedelta(days=31)
        db.session.execute(update(Job).where(Job.id.in_([old, in_work])).values(finished_at=past))

    assert forget_undo() == 2

    kept = select(JobRow.job_id).where(
        JobRow.undo_facts.is_not(None), JobRow.job_id.in_([old, recent, in_work])
    )
    assert set(db.session.scalars(kept)) == {recent, in_work}
    assert db.session.scalar(select(func.count()).select_from(JobFile)) == 0
