"""The page of an applicant and what officers do with one or with a selection."""

import io
import re
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import func, select

from plugins.admissions import permissions
from plugins.admissions.admin import creating
from plugins.admissions.models import Applicant, ApplicantState, Student
from portal.sdk import db
from portal.sdk.jobs import Job, JobState, get_job, list_rows, run_inline
from portal.testing.clients import PortalClient
from portal.testing.statements import counted_statements
from tests.plugins.admissions.university import (
    University,
    add,
    add_many,
    get,
    give_photo,
    jpeg,
)

BASE = "/panel/admissions/applicant"
OFFICER = (permissions.APPLICANTS_VIEW, permissions.CONTAINERS_VIEW, permissions.ACADEMICS_VIEW)
ALL = (
    *OFFICER,
    permissions.APPLICANTS_EDIT,
    permissions.APPLICANTS_TRANSITION,
    permissions.STUDENTS_CREATE,
    permissions.STUDENTS_VIEW,
    "portal.jobs.view",
)


def page_of(applicant: UUID) -> str:
    return f"{BASE}/details/?id={applicant}"


def form_token(client: PortalClient, page: str) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{32})"', client.get(page).get_data(as_text=True))
    assert found
    return found.group(1)


def jobs() -> list[Job]:
    db.session.rollback()
    return list(db.session.scalars(select(Job).order_by(Job.created_at)))


def student_count() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Student)) or 0


@pytest.fixture
def manager(university: University, signed_in: Callable[..., PortalClient]) -> PortalClient:
    return signed_in(*ALL)


def test_the_page_shows_state_history_photo_and_slip(university: University, manager: PortalClient) -> None:
    applicant = add(university, firstname="Zoë", lastname="Ibáñez")
    give_photo(applicant)

    page = manager.get(page_of(applicant)).get_data(as_text=True)
    picture = re.search(r'src="(/panel/admissions/applicant/files/[^"]+)"', page)
    slip = manager.get(f"{BASE}/{applicant}/slip")

    assert "Zoë Ibáñez" in page
    assert "Admitted</span>" in page or ">admitted</span>" in page
    assert 'sandbox=""' in page
    assert picture is not None
    answer = manager.get(picture.group(1))
    assert answer.mimetype == "image/jpeg"
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert "Ibáñez" in slip.get_data(as_text=True)
    assert "sandbox" in slip.headers["Content-Security-Policy"]
    assert "script-src" not in slip.headers["Content-Security-Policy"]


def test_a_slip_that_cannot_be_drawn_says_so_in_its_frame(
    university: University, manager: PortalClient
) -> None:
    applicant = add(university, middlename="\U00013000")

    slip = manager.get(f"{BASE}/{applicant}/slip")

    assert slip.status_code == 200
    assert "The slip cannot be shown" in slip.get_data(as_text=True)
    assert "sandbox" in slip.headers["Content-Security-Policy"]


def test_looking_at_an_applicant_writes_nothing(university: University, manager: PortalClient) -> None:
    applicant = add(university)
    manager.get(page_of(applicant))

    with counted_statements() as statements:
        manager.get(page_of(applicant))
        manager.get(f"{BASE}/{applicant}/slip")
        manager.get(f"{BASE}/edit/?id={applicant}")

    assert [text for text in statements if not text.lstrip().upper().startswith(("SELECT", "PRAGMA"))] == []


def test_the_page_says_what_stands_against_creating_the_student(
    university: University, manager: PortalClient
) -> None:
    page = manager.get(page_of(add(university, date_of_birth=None))).get_data(as_text=True)

    assert "field-missing: date_of_birth" in page


def test_a_transition_is_made_by_post_only(university: University, manager: PortalClient) -> None:
    applicant = add(university, state=ApplicantState.SUBMITTED)

    assert manager.get(f"{BASE}/transition?id={applicant}&transition=admit").status_code == 405
    data = {"id": str(applicant), "transition": "admit"}
    answer = manager.submit(f"{BASE}/transition", data, page=page_of(applicant), follow_redirects=True)

    assert "Applicant admitted" in answer.get_data(as_text=True)
    assert get(Applicant, applicant).state == ApplicantState.ADMITTED


def test_a_transition_that_does_not_fit_says_why(university: University, manager: PortalClient) -> None:
    applicant = add(university, state=ApplicantState.SUBMITTED, course_admitted=None)

    data = {"id": str(applicant), "transition": "admit"}
    answer = manager.submit(f"{BASE}/transition", data, page=page_of(applicant), follow_redirects=True)

    assert "has no admitted certificate" in answer.get_data(as_text=True)
    assert get(Applicant, applicant).state == ApplicantState.SUBMITTED


def test_posts_without_the_token_of_the_form_are_refused(
    university: University, manager: PortalClient
) -> None:
    applicant = add(university)

    for path in ("transition", "create-student", "photo"):
        assert manager.post(f"{BASE}/{path}", data={"id": str(applicant)}).status_code == 400
    assert student_count() == 0


@pytest.mark.parametrize("path", ["transition", "create-student", "photo"])
def test_each_button_needs_its_own_permission(
    path: str, university: University, signed_in: Callable[..., PortalClient]
) -> None:
    applicant = add(university)
    officer = signed_in(*OFFICER)

    answer = officer.submit(f"{BASE}/{path}", {"id": str(applicant)}, page=page_of(applicant))

    assert answer.status_code == 403


@pytest.mark.both_engines
def test_a_second_click_does_not_create_twice(
    university: University, manager: PortalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creating, "PATIENCE_SECONDS", 0.2)
    applicant = add(university)
    data = {"id": str(applicant), "form_token": form_token(manager, page_of(applicant))}

    first = manager.submit(f"{BASE}/create-student", data, page=page_of(applicant))
    (job,) = jobs()
    assert first.location.endswith(f"/panel/jobs/{job.id}/"), "no worker is there, so the progress is shown"
    run_inline(job.id)
    second = manager.submit(f"{BASE}/create-student", data, page=page_of(applicant))

    assert len(jobs()) == 1
    assert student_count() == 1
    assert "/panel/admissions/student/details/" in second.location
    assert "K1000000 created" in manager.get(second.location).get_data(as_text=True)


def test_a_refused_creation_leads_back_with_the_reason(
    university: University, manager: PortalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creating, "PATIENCE_SECONDS", 0.2)
    applicant = add(university, course_admitted=None)
    data = {"id": str(applicant), "form_token": form_token(manager, page_of(applicant))}

    manager.submit(f"{BASE}/create-student", data, page=page_of(applicant))
    run_inline(jobs()[0].id)
    answer = manager.submit(f"{BASE}/create-student", data, page=page_of(applicant), follow_redirects=True)

    assert "No study course provided" in answer.get_data(as_text=True)
    assert student_count() == 0


def test_a_selection_is_planned_and_warned_about_first(university: University, manager: PortalClient) -> None:
    good, bad = add_many(university, 12), add(university, date_of_birth=None)
    data = {
        "action": "create_students",
        "rowid": [str(uid) for uid in (*good, bad)],
        "form_token": form_token(manager, f"{BASE}/"),
    }

    answer = manager.submit(f"{BASE}/action/", data, page=f"{BASE}/")
    (job,) = jobs()
    warning = manager.get(answer.location).get_data(as_text=True)

    assert job.state == JobState.PLANNED
    assert student_count() == 0
    assert answer.location.endswith(f"/panel/jobs/{job.id}/")
    assert "field-missing: date_of_birth" in warning
    assert "Sample slip" in warning
    assert "Start: 12 rows" in warning


def test_the_report_links_each_refused_record(university: University, manager: PortalClient) -> None:
    bad = add(university, course_admitted=None)
    data = {"action": "create_students", "rowid": [str(bad)], "form_token": form_token(manager, f"{BASE}/")}

    page = manager.get(manager.submit(f"{BASE}/action/", data, page=f"{BASE}/").location).get_data(
        as_text=True
    )

    assert page_of(bad) in page


@pytest.mark.both_engines
def test_a_selection_is_admitted_and_the_rest_is_named(university: University, manager: PortalClient) -> None:
    good = add_many(university, 2, state=ApplicantState.SUBMITTED)
    bad = add(university, state=ApplicantState.STARTED)
    data = {"action": "admit", "rowid": [str(uid) for uid in (*good, bad)]}

    answer = manager.submit(f"{BASE}/action/", data, page=f"{BASE}/", follow_redirects=True)
    page = answer.get_data(as_text=True)

    assert "2 applicants are admitted" in page
    assert "needs submitted" in page
    assert {get(Applicant, uid).state for uid in good} == {ApplicantState.ADMITTED}
    assert get(Applicant, bad).state == ApplicantState.STARTED


def test_an_officer_without_the_right_sees_no_actions(
    university: University, signed_in: Callable[..., PortalClient]
) -> None:
    add(university)
    officer = signed_in(*OFFICER)

    page = officer.get(f"{BASE}/").get_data(as_text=True)
    answer = officer.submit(f"{BASE}/action/", {"action": "admit", "rowid": "x"}, page="/account/password")

    assert "Create students" not in page
    assert answer.status_code == 403


def test_a_picture_is_checked_before_it_replaces_the_old_one(
    university: University, manager: PortalClient
) -> None:
    applicant = add(university)

    def upload(data: bytes) -> str:
        form = {"id": str(applicant), "photo": (io.BytesIO(data), "photo.jpg")}
        answer = manager.submit(f"{BASE}/photo", form, page=page_of(applicant), follow_redirects=True)
        return answer.get_data(as_text=True)

    assert "neither JPEG nor PNG" in upload(b"no picture")
    assert get(Applicant, applicant).passport is None
    assert "The picture was replaced" in upload(jpeg())
    assert get(Applicant, applicant).passport is not None


def edit_form(applicant: UUID, **values: str) -> dict[str, str]:
    return {
        "firstname": "Ada",
        "lastname": "Okafor",
        "sex": "f",
        "date_of_birth": "2004-03-31",
        "course1": "CERT1",
        "course_admitted": "CERT1",
        "seen_version": str(get(Applicant, applicant).version),
        **values,
    }


def save(client: PortalClient, applicant: UUID, **values: str) -> str:
    path = f"{BASE}/edit/?id={applicant}"
    return client.submit(path, edit_form(applicant, **values), follow_redirects=True).get_data(as_text=True)


def test_an_edit_keeps_the_rules_of_the_import(university: University, manager: PortalClient) -> None:
    applicant = add(university)

    assert "It is no e-mail address" in save(manager, applicant, email="nobody")
    assert "offers only certificates of its category" in save(manager, applicant, course2="PGD1")
    assert "There is no certificate NONE" in save(manager, applicant, course2="NONE")
    save(manager, applicant, lastname="Ọkáfọ̀", email="ada@example.org", course2="CERT2", reg_number="")

    saved = get(Applicant, applicant)
    assert (saved.lastname, saved.email, saved.course2, saved.reg_number) == (
        "Ọkáfọ̀",
        "ada@example.org",
        "CERT2",
        None,
    )


def test_what_became_a_student_is_not_edited_any_more(university: University, manager: PortalClient) -> None:
    applicant = add(university, state=ApplicantState.CREATED)

    assert "is a student already" in save(manager, applicant, lastname="Other")
    assert "Other" not in get(Applicant, applicant).lastname


def test_an_officer_adds_an_application(university: University, manager: PortalClient) -> None:
    data = {
        "container": str(university.container),
        "firstname": "New",
        "lastname": "Person",
        "sex": "m",
        "course1": "CERT1",
    }

    manager.submit(f"{BASE}/new/", data)

    added = db.session.scalars(select(Applicant).where(Applicant.lastname == "Person")).one()
    assert added.applicant_id.startswith("app2026_")
    assert (added.state, added.date_of_birth) == (ApplicantState.INITIALIZED, None)
    assert [line.transition for line in added.history] == ["init"]


def test_a_row_of_a_finished_job_leads_to_the_student(university: University, manager: PortalClient) -> None:
    applicant = add(university)
    data = {
        "action": "create_students",
        "rowid": [str(applicant)],
        "form_token": form_token(manager, f"{BASE}/"),
    }
    location = manager.submit(f"{BASE}/action/", data, page=f"{BASE}/").location
    (job,) = jobs()

    manager.submit(f"/panel/jobs/{job.id}/start", {}, page=location)
    run_inline(job.id)
    page = manager.get(location).get_data(as_text=True)

    assert get_job(job.id).state == JobState.FINISHED
    assert f"/panel/admissions/student/details/?id={list_rows(job.id)[0].record_id}" in page
