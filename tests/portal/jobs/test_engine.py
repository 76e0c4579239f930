"""The engine on a toy plugin: outcomes, isolation of bad rows, cancel, resume, retry, overlap, leases."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from portal.jobs import api, engine, queries
from portal.jobs.kinds import kind_named
from portal.jobs.models import Job, JobRow
from portal.jobs.queue import sleeping_jobs
from portal.jobs.states import JobState, RowState
from portal.kernel.actor import SYSTEM, Actor
from portal.kernel.clock import database_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict, Forbidden, InvalidInput
from portal.kernel.transaction import transaction
from portal.maintenance import service as maintenance
from tests.portal.jobs.toy_plugin import MakeThings, Thing

pytestmark = [pytest.mark.usefixtures("toy"), pytest.mark.both_engines]


def submitted(names: list[str], *, apply: bool = False, **params: Any) -> uuid.UUID:
    request = api.draft("toy.make_things", {"names": names, **params}, SYSTEM)
    with transaction():
        return api.submit(request, apply=apply).id


def started(job_id: uuid.UUID, **options: Any) -> uuid.UUID:
    with transaction():
        api.start(job_id, SYSTEM, **options)
    return job_id


def outcome_counts(job_id: uuid.UUID) -> dict[str, int]:
    job = queries.get_job(job_id)
    counts = {state.value: getattr(job, f"{state.value}_count") for state in RowState}
    assert sum(counts.values()) == job.rows_count
    rows = select(JobRow.state, func.count()).where(JobRow.job_id == job_id).group_by(JobRow.state)
    assert {state: count for state, count in counts.items() if count} == {
        RowState(state).value: count for state, count in db.session.execute(rows)
    }
    return {state: count for state, count in counts.items() if count}


def things() -> set[str]:
    return set(db.session.scalars(select(Thing.name)))


def test_small_job_is_planned_on_the_spot_and_nothing_is_written() -> None:
    job_id = submitted(["a", "b", "bad1", "", "a"])

    assert queries.get_job(job_id).state == JobState.PLANNED
    assert outcome_counts(job_id) == {"pending": 2, "refused": 3}
    assert {count.code for count in queries.counts_by_code(job_id)} == {"", "bad-name", "empty", "duplicate"}
    assert things() == set()


def test_large_job_is_planned_by_a_worker() -> None:
    job_id = submitted([f"n{number}" for number in range(1201)])
    assert queries.get_job(job_id).state == JobState.PLANNING

    engine.run_inline(job_id)

    assert queries.get_job(job_id).state == JobState.PLANNED
    assert outcome_counts(job_id) == {"pending": 1201}


def test_duplicate_is_found_across_planning_chunks() -> None:
    names = [f"n{number}" for number in range(1000)]
    job_id = submitted([*names, "n3"], apply=True)

    engine.run_inline(job_id)

    assert outcome_counts(job_id) == {"done": 1000, "refused": 1}


def test_every_row_gets_one_outcome_and_bad_rows_fail_alone() -> None:
    job_id = started(submitted([*[f"n{number}" for number in range(50)], "bug1", "twin1", "twin2", "bad1"]))

    engine.run_inline(job_id)

    assert queries.get_job(job_id).state == JobState.FINISHED
    assert outcome_counts(job_id) == {"done": 51, "refused": 1, "failed": 2}
    assert {row.code for row in queries.list_rows(job_id, state=RowState.FAILED)} == {
        "internal-error",
        "conflict",
    }
    assert len(things()) == 51


def test_reservation_survives_a_lost_lease() -> None:
    job_id = started(submitted(["a"]))

    def lose_lease() -> None:
        earlier = database_now(db.session()) - timedelta(hours=1)
        with transaction():
            db.session.execute(update(JobRow).values(lease_until=earlier, lease_owner="somebody else"))

    MakeThings.interrupt = lose_lease
    engine.run_inline(job_id)

    row = queries.list_rows(job_id)[0]
    assert (row.state, row.attempts, row.reserved) == (RowState.DONE, 2, {"number": 10})
    assert db.session.scalar(select(Thing.number)) == 10


def test_retry_does_failed_and_refused_rows_again() -> None:
    job_id = started(submitted(["twin1", "twin2", "bad1"]))
    engine.run_inline(job_id)
    with transaction():
        db.session.execute(update(Thing).values(name="single"))

    with transaction():
        api.retry(job_id, SYSTEM)
    engine.run_inline(job_id)

    assert outcome_counts(job_id) == {"done": 2, "refused": 1}


def test_cancel_stops_between_chunks_and_resume_goes_on() -> None:
    job_id = started(submitted([f"n{number}" for number in range(60)]))

    def ask() -> None:
        with transaction():
            api.cancel(job_id, SYSTEM)

    MakeThings.interrupt = ask
    engine.run_inline(job_id)
    assert queries.get_job(job_id).state == JobState.CANCELLED
    counts = outcome_counts(job_id)
    assert counts["done"] + counts["cancelled"] == 60
    assert len(things()) == counts["done"]

    with transaction():
        api.resume(job_id, SYSTEM)
    engine.run_inline(job_id)
    assert outcome_counts(job_id) == {"done": 60}


def test_second_start_lands_on_the_running_job() -> None:
    job_id = started(submitted(["a"]))
    assert started(job_id) == job_id
    engine.run_inline(job_id)
    assert started(job_id) == job_id
    assert outcome_counts(job_id) == {"done": 1}


def test_same_idempotency_key_gives_the_first_job() -> None:
    jobs = []
    for _ in range(2):
        request = api.draft("toy.make_things", {"names": ["a"]}, SYSTEM, idempotency_key="click-1")
        with transaction():
            jobs.append(api.submit(request).id)
    assert jobs[0] == jobs[1]


def test_subject_in_a_running_job_is_refused_in_another_which_is_told() -> None:
    first = started(submitted(["a", "b"]))
    second = started(submitted(["b", "c"]))

    refused = queries.list_rows(second, state=RowState.REFUSED)

    assert [(row.label, row.code) for row in refused] == [("b", "in-other-job")]
    assert str(first).replace("-", "") in refused[0].message.replace("-", "")
    engine.run_inline(first)
    engine.run_inline(second)
    with transaction():
        api.retry(second, SYSTEM)
    engine.run_inline(second)
    assert outcome_counts(second) == {"done": 1, "unchanged": 1}


def test_job_without_the_permission_is_refused() -> None:
    with pytest.raises(Forbidden):
        api.draft("toy.make_things", {}, Actor(user_id=1, name="nobody"))


def test_wrong_header_is_told_before_a_job_exists() -> None:
    with pytest.raises(InvalidInput, match="column 'name' is missing"):
        api.draft("toy.make_things", {"wrong_header": True}, SYSTEM)
    assert db.session.scalar(select(func.count()).select_from(Job)) == 0


def test_task_runs_to_its_result_and_a_failing_one_says_so() -> None:
    jobs = []
    for params in ({"upto": 5}, {"fails": True}):
        request = api.draft("toy.count", params, SYSTEM)
        with transaction():
            jobs.append(api.submit(request).id)
        engine.run_inline(jobs[-1])

    assert queries.get_job(jobs[0]).result == {"counted": 5}
    failed = queries.get_job(jobs[1])
    assert failed.state == JobState.FAILED
    assert "RuntimeError" in (failed.error or "")


def test_closing_job_closes_the_portal_only_while_it_runs() -> None:
    job_id = started(submitted(["a", "b"], closes=True), close_portal=True)
    seen: list[Any] = []
    MakeThings.interrupt = lambda: seen.append(maintenance.current())

    other = started(submitted(["c"]))
    engine.run_inline(other)
    assert outcome_counts(other) == {"pending": 1}
    engine.run_inline(job_id)

    assert seen[0].job_id == job_id
    assert maintenance.current() is None
    engine.run_inline(other)
    assert outcome_counts(other) == {"done": 1}


def test_portal_opens_again_when_the_closing_job_fails() -> None:
    def vanish() -> None:
        raise_storage_full()

    job_id = started(submitted(["a"], closes=True), close_portal=True)
    MakeThings.interrupt = vanish
    engine.run_inline(job_id)

    job = queries.get_job(job_id)
    assert job.state == JobState.FAILED
    assert "room" in (job.error or "")
    assert maintenance.current() is None
    with transaction():
        api.resume(job_id, SYSTEM)
    engine.run_inline(job_id)
    assert outcome_counts(job_id) == {"done": 1}


def raise_storage_full() -> None:
    from portal.kernel.errors import StorageFull

    raise StorageFull


def test_sleeping_job_is_found_only_when_nobody_works_on_it() -> None:
    job_id = started(submitted(["a"]))
    with transaction():
        db.session.execute(update(Job).values(woken_at=database_now(db.session()) - timedelta(seconds=60)))
    assert sleeping_jobs() == [job_id]

    with transaction():
        lease = database_now(db.session()) + timedelta(seconds=30)
        db.session.execute(update(JobRow).values(lease_until=lease, lease_owner="another"))
    assert sleeping_jobs() == []


def test_row_that_kills_its_worker_again_and_again_is_given_up() -> None:
    job_id = started(submitted(["a", "b"]))
    with transaction():
        db.session.execute(update(JobRow).where(JobRow.position == 1).values(attempts=12))

    engine.run_inline(job_id)

    assert outcome_counts(job_id) == {"done": 1, "failed": 1}
    assert queries.list_rows(job_id, state=RowState.FAILED)[0].code == "worker-died"


def test_started_job_cannot_be_discarded_but_a_planned_one_can() -> None:
    planned, running = submitted(["a"]), started(submitted(["b"]))
    with transaction():
        api.discard(planned, SYSTEM)
    with pytest.raises(Conflict, match="stays on record"), transaction():
        api.discard(running, SYSTEM)
    assert db.session.scalar(select(func.count()).select_from(Job)) == 1


def test_statements_per_chunk_do_not_grow_with_its_rows(count_statements: Callable[[], Any]) -> None:
    def statements(rows: int) -> int:
        job_id = started(submitted([f"{rows}-{number}" for number in range(rows)]))
        kind = kind_named("toy.make_things")
        type(kind).chunk_rows = rows
        with count_statements() as counted:
            engine.run_inline(job_id)
        return len(counted)

    few, many = statements(8), statements(80)
    MakeThings.chunk_rows = 20
    # 8 rows and 80 rows take the same chunks: a half first, then the rest.
    assert many <= few
