"""Containers: their form, and creating all students of one or of the portal."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from plugins.admissions import permissions
from plugins.admissions.admin import FIRST_STEPS
from plugins.admissions.models import Certificate, Container, Faculty
from portal.sdk import db
from portal.sdk.jobs import Job, JobState
from portal.testing.clients import PortalClient
from tests.plugins.admissions.university import University, add, add_many, get

BASE = "/panel/admissions/container"
VIEW = (permissions.CONTAINERS_VIEW, permissions.APPLICANTS_VIEW)


@pytest.fixture
def registrar(university: University, signed_in: Callable[..., PortalClient]) -> PortalClient:
    return signed_in(
        *VIEW,
        permissions.CONTAINERS_EDIT,
        permissions.STUDENTS_CREATE_ALL,
        permissions.STUDENTS_CREATE,
        "portal.jobs.view",
    )


def token(client: PortalClient, page: str) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{32})"', client.get(page).get_data(as_text=True))
    assert found
    return found.group(1)


def details(university: University) -> str:
    return f"{BASE}/details/?id={university.container}"


def test_code_and_title_follow_from_type_and_year(registrar: PortalClient) -> None:
    form = {
        "prefix": "special",
        "year": "2027",
        "application_category": "basic",
        "mode": "create",
        "application_fee": "0",
    }

    registrar.submit(f"{BASE}/new/", {**form, "startdate": "2027-01-15T08:30", "enddate": "2027-06-30T18:00"})
    made = db.session.scalars(select(Container).where(Container.year == 2027)).one()

    assert (made.code, made.title) == ("special2027", "Special Application 2027/2028")
    assert made.startdate == datetime(2027, 1, 15, 8, 30, tzinfo=UTC)
    again = registrar.submit(f"{BASE}/new/", form).get_data(as_text=True)
    assert "There is a container special2027 already" in again


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "Give either the year of entrance or a container number"),
        ({"year": "1800"}, "The year must be between"),
        ({"container_number": "100"}, "between 1 and 99"),
        ({"year": "2027", "application_fee": "-1"}, "cannot be negative"),
        (
            {"year": "2027", "startdate": "2027-02-01T00:00", "enddate": "2027-01-01T00:00"},
            "ends before it starts",
        ),
    ],
)
def test_a_container_that_breaks_a_rule_is_refused(
    values: dict[str, str], words: str, registrar: PortalClient
) -> None:
    form = {
        "prefix": "app",
        "application_category": "basic",
        "mode": "create",
        "application_fee": "0",
        **values,
    }

    assert words in registrar.submit(f"{BASE}/new/", form).get_data(as_text=True)
    assert len(db.session.scalars(select(Container)).all()) == 1


def test_the_year_in_the_code_stays(university: University, registrar: PortalClient) -> None:
    form = {
        "year": "2027",
        "title": "Renamed",
        "application_category": "basic",
        "mode": "create",
        "application_fee": "0",
        "seen_version": "1",
    }

    page = registrar.submit(f"{BASE}/edit/?id={university.container}", form).get_data(as_text=True)
    assert "The year is part of the code app2026" in page
    registrar.submit(f"{BASE}/edit/?id={university.container}", {**form, "year": "2026"})

    assert get(Container, university.container).title == "Renamed"


def test_a_container_with_applicants_is_not_deleted(university: University, registrar: PortalClient) -> None:
    add(university)

    page = registrar.submit(
        f"{BASE}/delete/", {"id": str(university.container)}, page=f"{BASE}/", follow_redirects=True
    )

    assert "Other records refer to this one" in page.get_data(as_text=True)
    assert get(Container, university.container) is not None


def test_the_button_of_a_container_leads_to_the_warning_page(
    university: University, registrar: PortalClient
) -> None:
    add_many(university, 3)
    data = {"id": str(university.container), "form_token": token(registrar, details(university))}

    answer = registrar.submit(f"{BASE}/create-students", data, page=details(university))
    (job,) = db.session.scalars(select(Job))
    warning = registrar.get(answer.location).get_data(as_text=True)

    assert (job.state, job.params["scope"], job.params["container"]) == (
        JobState.PLANNED,
        "container",
        "app2026",
    )
    assert "Start: 3 rows" in warning
    assert re.search(r'name="close_portal" value="1" checked', warning), "ticked by default"


def test_the_button_of_the_section_is_for_the_whole_portal(
    university: University, registrar: PortalClient
) -> None:
    add_many(university, 2)
    page = "/panel/admissions/section/"
    data = {"form_token": token(registrar, page)}

    registrar.submit(f"{page}create-students", data, page=page)

    (job,) = db.session.scalars(select(Job))
    assert (job.params["scope"], job.rows_count) == ("portal", 2)


def test_without_admitted_applicants_no_job_is_made(university: University, registrar: PortalClient) -> None:
    data = {"id": str(university.container), "form_token": token(registrar, details(university))}

    answer = registrar.submit(
        f"{BASE}/create-students", data, page=details(university), follow_redirects=True
    )

    assert "Nobody in this container is admitted" in answer.get_data(as_text=True)
    assert db.session.scalars(select(Job)).all() == []


@pytest.mark.parametrize("path", [f"{BASE}/create-students", "/panel/admissions/section/create-students"])
def test_a_right_for_selections_is_none_for_a_container(
    path: str, university: University, signed_in: Callable[..., PortalClient]
) -> None:
    add(university)
    officer = signed_in(*VIEW, permissions.STUDENTS_CREATE)

    data = {"id": str(university.container), "form_token": "0" * 32}

    assert officer.submit(path, data, page="/account/password").status_code == 403
    assert "Create students" not in officer.get(details(university)).get_data(as_text=True)


def test_first_steps_are_done_one_after_the_other(university: University) -> None:
    done = {step.title: step.is_done() for step in FIRST_STEPS}

    assert done["Open a container"]
    assert not done["Import applicants"]
    add(university)
    assert {step.title for step in FIRST_STEPS if not step.is_done()} == {"Create the student records"}


def test_faculties_departments_and_certificates_are_added_and_changed(
    university: University, signed_in: Callable[..., PortalClient]
) -> None:
    dean = signed_in(permissions.ACADEMICS_VIEW, permissions.ACADEMICS_EDIT)
    certificate = get(Certificate, university.certificate)

    dean.submit("/panel/admissions/faculty/new/", {"code": "fac2", "title": "Arts"})
    form = {
        "code": "CERT1",
        "title": "B.Sc. Astrophysics",
        "department": str(certificate.department_id),
        "study_mode": "ug_ft",
        "start_level": "100",
        "application_category": "basic",
        "seen_version": str(certificate.version),
    }
    dean.submit(f"/panel/admissions/certificate/edit/?id={certificate.id}", form)
    looked_up = dean.get("/panel/admissions/certificate/ajax/lookup/?name=department&query=phys")

    assert db.session.scalars(select(Faculty).where(Faculty.code == "fac2")).one().title == "Arts"
    assert get(Certificate, university.certificate).title == "B.Sc. Astrophysics"
    assert looked_up.get_json() == [[str(certificate.department_id), "dep1 – Department of Physics"]]
