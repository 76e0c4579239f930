"""The lists of admissions: they open, find, filter, and ask the database a fixed number of questions."""

from collections.abc import Callable

import pytest
from flask import Flask

from plugins.admissions import permissions
from plugins.admissions.admin import VIEWS
from plugins.admissions.admin.importing import ImportView
from plugins.admissions.models import Applicant, ApplicantState, Certificate
from portal.sdk import SYSTEM, acting_as, db, transaction
from portal.testing.clients import PortalClient
from portal.testing.statements import counted_statements
from tests.plugins.admissions.university import (
    University,
    add,
    add_many,
    create_selected,
    force,
    found,
    give_photo,
)

LISTS = [
    "section",
    "container",
    "applicant",
    "applicant-history",
    "applicant-file",
    "student",
    "study-course",
    "student-file",
    "student-history",
    "faculty",
    "department",
    "certificate",
]
VIEWING = (
    permissions.APPLICANTS_VIEW,
    permissions.STUDENTS_VIEW,
    permissions.CONTAINERS_VIEW,
    permissions.ACADEMICS_VIEW,
    permissions.APPLICANTS_IMPORT,
)


@pytest.fixture
def officer(university: University, signed_in: Callable[..., PortalClient]) -> PortalClient:
    return signed_in(*VIEWING)


def text_of(client: PortalClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


def test_all_declared_pages_are_tested_here() -> None:
    leading_elsewhere = [view for view in VIEWS if view.view is ImportView]
    assert len(LISTS) + len(leading_elsewhere) == len(VIEWS)


def test_each_list_needs_its_permission(
    university: University, officer: PortalClient, signed_in: Callable[..., PortalClient]
) -> None:
    stranger = signed_in("portal.jobs.view")

    for page in LISTS:
        assert officer.get(f"/panel/admissions/{page}/").status_code == 200, page
        assert stranger.get(f"/panel/admissions/{page}/").status_code == 403, page


def test_longer_lists_ask_no_more_questions(university: University, officer: PortalClient) -> None:
    def questions() -> dict[str, int]:
        numbers = {}
        for page in LISTS:
            with counted_statements() as statements:
                text_of(officer, f"/panel/admissions/{page}/")
            numbers[page] = len(statements)
        return numbers

    def fill(number: int) -> None:
        applicants = add_many(university, number)
        for applicant in applicants:
            give_photo(applicant)
        create_selected(*applicants)

    fill(2)
    questions()
    few = questions()
    fill(5)

    assert questions() == few
    assert max(few.values()) <= 10


@pytest.mark.both_engines
def test_searching_finds_names_without_their_accents(university: University, officer: PortalClient) -> None:
    add(university, firstname="Łukasz", lastname="Żółć")
    add(university, firstname="Bob", lastname="Brown")

    page = text_of(officer, "/panel/admissions/applicant/?search=lukasz+zolc")

    assert "Łukasz" in page
    assert "Brown" not in page


@pytest.mark.both_engines
def test_applicants_can_be_filtered_by_state_and_container(
    university: University, officer: PortalClient
) -> None:
    add(university, lastname="Submitted", state=ApplicantState.SUBMITTED)
    add(university, lastname="Admitted-One")
    page = text_of(officer, "/panel/admissions/applicant/?flt0_0=submitted")
    assert "Ada Submitted" in page
    assert "Admitted-One" not in page

    page = text_of(officer, f"/panel/admissions/applicant/?flt0_1={university.container}")
    assert "Ada Submitted" in page
    assert "Admitted-One" in page


@pytest.mark.both_engines
def test_students_can_be_filtered_by_certificate(university: University, officer: PortalClient) -> None:
    create_selected(
        add(university, lastname="Physicist"), add(university, lastname="Optician", course_admitted="CERT2")
    )

    page = text_of(officer, "/panel/admissions/student/?flt0_0=CERT2")

    assert "Optician" in page
    assert "Physicist" not in page


def test_a_certificate_removed_meanwhile_stays_displayed(
    app: Flask, signed_in: Callable[..., PortalClient]
) -> None:
    with acting_as(SYSTEM):
        university = found()
        applicant = add(university, course_admitted="CERT2")
        with transaction():
            db.session.delete(db.session.scalars(db.select(Certificate).filter_by(code="CERT2")).one())
    officer = signed_in(*VIEWING, permissions.APPLICANTS_EDIT)

    page = text_of(officer, f"/panel/admissions/applicant/details/?id={applicant}")
    form = text_of(officer, f"/panel/admissions/applicant/edit/?id={applicant}")

    assert "CERT2" in page
    assert "removed meanwhile" in page
    assert '<option selected value="CERT2">CERT2 – removed meanwhile</option>' in form


def test_the_overview_counts_by_state(university: University, officer: PortalClient) -> None:
    add_many(university, 3)
    force_state = add(university)
    force(Applicant, force_state, state="processed")

    page = text_of(officer, "/panel/admissions/section/")

    assert "General Studies 2026/2027" in page
    assert '<span class="figure-value">3</span>' in page
