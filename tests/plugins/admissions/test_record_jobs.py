"""Records and jobs lead to each other: a record's page lists its jobs, the list of jobs narrows to a record's."""

from collections.abc import Callable

import pytest

from plugins.admissions.models import Applicant, Student
from portal.jobs.queries import jobs_of_record
from portal.sdk import SYSTEM, Actor, acting_as, transaction
from portal.sdk.jobs import run_inline, start, undo
from portal.testing.clients import PortalClient
from tests.plugins.admissions.university import University, add, create_selected, person, sheet, students
from tests.plugins.admissions.university import import_sheet as imported

VIEWER = (
    "admissions.applicants.view",
    "admissions.students.view",
    "portal.jobs.view",
    "portal.jobs.view_all",
)
SignedIn = Callable[..., PortalClient]


@pytest.mark.both_engines
def test_pages_of_applicant_and_student_list_the_jobs_that_touched_them(
    university: University, signed_in: SignedIn
) -> None:
    uid = add(university)
    job = create_selected(uid)
    client = signed_in(*VIEWER)
    link = f"/panel/jobs/{job.id}/"

    for page in (
        f"/panel/admissions/applicant/details/?id={uid}",
        f"/panel/admissions/student/details/?id={students()[0].id}",
    ):
        assert client.get(page).get_data(as_text=True).count(link) == 1


def test_an_undo_is_listed_too(university: University) -> None:
    uid = add(university)
    job = create_selected(uid)
    with transaction():
        undo_id = undo(job.id, SYSTEM).id
    with transaction():
        start(undo_id, SYSTEM)
    run_inline(undo_id)

    assert [found.id for found in jobs_of_record(Applicant.__tablename__, uid)] == [undo_id, job.id]


def test_the_list_of_jobs_narrows_to_a_record(university: University, signed_in: SignedIn) -> None:
    one = create_selected(add(university))
    uid = students()[0].id
    other = imported(sheet([person()]))
    client = signed_in(*VIEWER)

    page = client.get(f"/panel/jobs/?record={Student.__tablename__}:{uid}").get_data(as_text=True)

    assert f"/panel/jobs/{one.id}/" in page
    assert f"/panel/jobs/{other.id}/" not in page
    assert "Only jobs that touched one record" in page
    for nonsense in ("portal_user:1", "x:y", "admissions_student:'", ":", "portal_job_row:1"):
        answer = client.get("/panel/jobs/", query_string={"record": nonsense})
        assert answer.status_code == 200


def test_the_key_of_another_table_is_another_record(university: University) -> None:
    create_selected(add(university))

    assert jobs_of_record(Applicant.__tablename__, students()[0].id) == []


def test_who_sees_only_own_jobs_sees_only_those_on_the_record(university: University) -> None:
    uid = add(university)
    create_selected(uid)

    with acting_as(Actor(user_id=9, name="Other", grants=frozenset({"portal.jobs.view"}))):
        assert jobs_of_record(Applicant.__tablename__, uid) == []
    with acting_as(Actor(user_id=9, name="Other")):
        assert list(jobs_of_record(Applicant.__tablename__, uid)) == []
