"""The mass-change brake: what changes unusually much waits for a second person."""

import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import func, insert, select

from portal.jobs import api, engine, queries
from portal.jobs.models import Job
from portal.jobs.states import JobState
from portal.kernel.actor import SYSTEM, Actor
from portal.kernel.db import db
from portal.kernel.errors import Conflict, Forbidden
from portal.kernel.transaction import transaction
from tests.portal.jobs.toy_table import Thing

pytestmark = pytest.mark.usefixtures("toy")

RIGHTS = frozenset({"toy.make", "portal.jobs.release", "portal.jobs.manage"})
ONE = Actor(user_id=1, name="One", grants=RIGHTS)
TWO = Actor(user_id=2, name="Two", grants=RIGHTS)
THREE = Actor(user_id=3, name="Three", grants=frozenset({"toy.make"}))
ADMIN_OF_COMMANDS = SYSTEM


@pytest.fixture(autouse=True)
def ten_things(toy: object) -> None:
    with transaction():
        db.session.execute(insert(Thing), [{"name": f"t{n}", "number": 1} for n in range(10)])


def removal(count: int, *, apply: bool = False) -> uuid.UUID:
    numbers = {f"t{number}": 0 for number in range(count)}
    request = api.draft("toy.number_things", {"numbers": numbers, "brakes": True}, ONE)
    with transaction():
        return api.submit(request, apply=apply).id


def start(job_id: uuid.UUID, actor: Actor = ONE) -> Job:
    with transaction():
        api.start(job_id, actor)
    engine.run_inline(job_id)
    return queries.get_job(job_id)


def remaining() -> int:
    return db.session.scalar(select(func.count()).select_from(Thing)) or 0


@pytest.mark.both_engines
def test_a_plan_beyond_the_brake_waits_and_shows_its_impact() -> None:
    job = start(removal(3))

    assert (job.state, remaining()) == (JobState.AWAITING_APPROVAL, 10)
    assert job.impact is not None
    removed = job.impact["lines"][0]
    assert (removed["rows_count"], removed["share"], removed["limit"]) == (3, 0.3, 0.2)
    assert (job.impact["existing_count"], removed["is_exceeded"]) == (10, True)


@pytest.mark.parametrize("count", [1, 2])
def test_a_plan_below_the_share_or_the_least_rows_runs(count: int) -> None:
    assert start(removal(count)).state == JobState.FINISHED


@pytest.mark.both_engines
def test_another_person_releases_it() -> None:
    job_id = removal(3)
    start(job_id)

    with transaction():
        api.release(job_id, TWO)
    engine.run_inline(job_id)

    job = queries.get_job(job_id)
    assert (job.state, job.released_by_name, remaining()) == (JobState.FINISHED, "Two", 7)


def test_whoever_started_it_may_not_release_it_either() -> None:
    job_id = removal(3)
    start(job_id, TWO)

    for actor in (ONE, TWO, THREE, ADMIN_OF_COMMANDS):
        with pytest.raises(Forbidden), transaction():
            api.release(job_id, actor)

    assert queries.get_job(job_id).state == JobState.AWAITING_APPROVAL


def test_applying_without_looking_does_not_pass_the_brake() -> None:
    assert queries.get_job(removal(3, apply=True)).state == JobState.AWAITING_APPROVAL


def test_a_rejected_job_has_ended_and_says_why() -> None:
    job_id = removal(3)
    start(job_id)

    with transaction():
        api.reject(job_id, TWO, "The sheet is last year's")

    job = queries.get_job(job_id)
    assert (job.state, remaining()) == (JobState.CANCELLED, 10)
    assert job.error == "Two did not release it: The sheet is last year's"


def test_resuming_a_rejected_job_meets_the_brake_again() -> None:
    job_id = removal(3)
    start(job_id)
    with transaction():
        api.reject(job_id, TWO)
    with transaction():
        api.resume(job_id, ONE)

    assert queries.get_job(job_id).state == JobState.AWAITING_APPROVAL


@pytest.mark.parametrize("decide", [api.release, api.reject])
def test_a_plan_that_nobody_started_cannot_be_decided(decide: Callable[[uuid.UUID, Actor], Job]) -> None:
    job_id = removal(3)

    with pytest.raises(Conflict, match="does not wait"), transaction():
        decide(job_id, TWO)


def test_a_second_release_lands_on_the_running_job() -> None:
    job_id = removal(3)
    start(job_id)
    for _ in range(2):
        with transaction():
            assert api.release(job_id, TWO).state == JobState.RUNNING
