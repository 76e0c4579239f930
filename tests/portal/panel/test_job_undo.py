"""Undo and release on the pages: buttons for those who may, one undo whatever is clicked, two people at the brake."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, insert, select

from portal.auth.actors import actor_for_user
from portal.auth.models import User
from portal.jobs import api
from portal.jobs.engine import run_inline
from portal.jobs.models import Job
from portal.jobs.queries import get_job
from portal.jobs.states import JobState
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from tests.portal.jobs.toy_table import Thing
from tests.portal.signing_in import Visitors

OFFICER = ("portal.jobs.view", "toy.make")
SECOND = ("portal.jobs.view", "portal.jobs.view_all", "portal.jobs.release")


def numbered(user: str, *, brakes: bool = False, apply: bool = True, **numbers: int) -> UUID:
    user_id = db.session.scalar(select(User.id).where(User.sign_in_key == user))
    params = {"numbers": numbers, "brakes": brakes}
    request = api.draft("toy.number_things", params, actor_for_user(user_id))
    with transaction():
        job_id = api.submit(request, apply=apply).id
    run_inline(job_id)
    return job_id


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.both_engines
def test_undo_leads_to_its_preview_and_every_further_click_to_the_same(visitors: Visitors) -> None:
    officer = visitors.with_permissions(*OFFICER, name="officer")
    job_id = numbered("officer", a=1, b=2)
    place = f"/panel/jobs/{job_id}/"
    assert "Undo…" in officer.get(place).get_data(as_text=True)

    first = officer.submit(f"{place}undo", page=place)
    second = officer.submit(f"{place}undo", page=place)

    assert (first.status_code, first.location) == (302, second.location)
    preview = officer.get(first.location).get_data(as_text=True)
    assert "This takes back what another job did" in preview
    assert "Undo: 2 rows" in preview
    assert (count(Job), count(Thing)) == (2, 2)


def test_the_undone_job_and_its_undo_lead_to_each_other(visitors: Visitors) -> None:
    officer = visitors.with_permissions(*OFFICER, name="officer")
    job_id = numbered("officer", a=1, b=2)
    numbered("officer", a=9)
    place = f"/panel/jobs/{job_id}/"
    undo_place = officer.submit(f"{place}undo", page=place).location
    assert "will be kept" in officer.get(undo_place).get_data(as_text=True)
    officer.submit(f"{undo_place}start", page=undo_place)
    run_inline(UUID(undo_place.split("/")[-2]))

    undone = officer.get(place).get_data(as_text=True)
    undo = officer.get(undo_place).get_data(as_text=True)

    assert undo_place in undone
    assert "1 undone, 1 kept" in " ".join(undone.split())
    assert "Undo…" not in undone
    assert "Undo…" not in undo
    assert place in undo
    assert "a was numbered 9 since" in undo


def test_somebody_elses_job_has_no_undo_for_who_may_only_look(visitors: Visitors) -> None:
    visitors.with_permissions(*OFFICER, name="officer")
    looker = visitors.with_permissions("portal.jobs.view", "portal.jobs.view_all", "toy.make", name="looker")
    job_id = numbered("officer", a=1)
    place = f"/panel/jobs/{job_id}/"

    assert "Undo…" not in looker.get(place).get_data(as_text=True)
    assert looker.submit(f"{place}undo", page=place).status_code == 403
    assert count(Job) == 1


def ten_things() -> None:
    with transaction():
        db.session.execute(insert(Thing), [{"name": f"t{n}", "number": 1} for n in range(10)])


@pytest.fixture
def held(app: Flask, visitors: Visitors) -> dict[str, Any]:
    """A job that the brake holds, and the browsers of who made it and of a second person."""
    ten_things()
    officer = visitors.with_permissions(*OFFICER, "portal.jobs.release", name="officer")
    second = visitors.with_permissions(*SECOND, name="second")
    job_id = numbered("officer", brakes=True, t0=0, t1=0, t2=0)
    return {"job_id": job_id, "place": f"/panel/jobs/{job_id}/", "officer": officer, "second": second}


@pytest.mark.both_engines
def test_the_second_person_sees_the_impact_and_lets_it_run(held: dict[str, Any]) -> None:
    page = held["second"].get(held["place"]).get_data(as_text=True)
    assert "Of 10" in page
    assert "30 %" in page
    assert "20 %" in page

    data = {"decision": "release"}
    held["second"].submit(f"{held['place']}release", data, page=held["place"])
    run_inline(held["job_id"])

    assert (get_job(held["job_id"]).state, count(Thing)) == (JobState.FINISHED, 7)
    assert "Released by" in held["second"].get(held["place"]).get_data(as_text=True)


def test_who_made_it_cannot_release_it_though_holding_the_right(held: dict[str, Any]) -> None:
    assert "Release it" not in held["officer"].get(held["place"]).get_data(as_text=True)

    answer = held["officer"].submit(f"{held['place']}release", {"decision": "release"}, page=held["place"])

    assert answer.status_code == 403
    assert get_job(held["job_id"]).state == JobState.AWAITING_APPROVAL


def test_the_second_person_stops_it_with_a_reason(held: dict[str, Any]) -> None:
    data = {"decision": "reject", "reason": "Last year's sheet"}
    held["second"].submit(f"{held['place']}release", data, page=held["place"])

    page = held["officer"].get(held["place"]).get_data(as_text=True)
    assert (get_job(held["job_id"]).state, count(Thing)) == (JobState.CANCELLED, 10)
    assert "did not release it: Last year" in page


def test_starting_again_does_not_pass_the_brake(held: dict[str, Any]) -> None:
    held["officer"].submit(f"{held['place']}start", page=held["place"])

    assert get_job(held["job_id"]).state == JobState.AWAITING_APPROVAL
