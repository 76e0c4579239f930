"""The page of a student: record, folder, activation letter."""

import io
import re
import zipfile
from collections.abc import Callable

import pytest
from sqlalchemy import select

from plugins.admissions import permissions
from plugins.admissions.models import Student
from portal.sdk import current_store, db
from portal.sdk.jobs import Job, get_job, run_inline
from portal.testing.clients import PortalClient
from tests.plugins.admissions.university import (
    University,
    add,
    create_selected,
    give_file,
    give_photo,
    jpeg,
    students,
)

BASE = "/panel/admissions/student"
ALL = (
    permissions.STUDENTS_VIEW,
    permissions.STUDENTS_EDIT,
    permissions.FOLDERS_EXPORT,
    permissions.LETTERS_PRINT,
    permissions.APPLICANTS_VIEW,
    "portal.jobs.view",
)


@pytest.fixture
def student(university: University) -> Student:
    applicant = add(university, firstname="Zoë", lastname="Ibáñez")
    give_photo(applicant)
    give_file(applicant, "certificate.pdf", b"%PDF-1.7 certificate")
    create_selected(applicant)
    return students()[0]


@pytest.fixture
def registrar(student: Student, signed_in: Callable[..., PortalClient]) -> PortalClient:
    return signed_in(*ALL)


def page_of(student: Student) -> str:
    return f"{BASE}/details/?id={student.id}"


def test_the_page_shows_record_folder_account_and_history(student: Student, registrar: PortalClient) -> None:
    page = registrar.get(page_of(student)).get_data(as_text=True)

    for text in (
        "K1000000",
        "Zoë",
        "B.Sc. Physics",
        "application_slip.pdf",
        "passport.jpg",
        "certificate.pdf",
        "app2026_",
    ):
        assert text in page
    assert "Waits for the activation code" in page
    assert "Record created" in page


def test_a_file_opens_in_place_and_can_be_downloaded(student: Student, registrar: PortalClient) -> None:
    page = registrar.get(page_of(student)).get_data(as_text=True)
    (slip,) = re.findall(r'row-link" href="([^"]+)"><i[^>]*></i> application_slip.pdf', page)

    shown = registrar.get(slip)
    saved = registrar.get(f"{slip}?download=1")

    assert shown.data.startswith(b"%PDF")
    assert shown.headers["Content-Disposition"].startswith("inline")
    assert saved.headers["Content-Disposition"].startswith("attachment")


def test_a_file_of_unknown_type_is_never_shown_in_place(student: Student, registrar: PortalClient) -> None:
    page = registrar.get(page_of(student)).get_data(as_text=True)
    (path,) = re.findall(r'row-link" href="([^"]+)"><i[^>]*></i> certificate.pdf', page)

    assert registrar.get(path).headers["Content-Disposition"].startswith("attachment")


def test_the_folder_comes_as_a_zip(student: Student, registrar: PortalClient) -> None:
    answer = registrar.get(f"{BASE}/{student.id}/folder.zip", buffered=True)

    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert sorted(archive.namelist()) == [
        "K1000000/application_slip.pdf",
        "K1000000/certificate.pdf",
        "K1000000/passport.jpg",
    ]
    assert archive.read("K1000000/certificate.pdf") == b"%PDF-1.7 certificate"
    assert archive.read("K1000000/passport.jpg")[:3] == jpeg()[:3]


def test_files_need_the_permission_to_see_students(
    student: Student, signed_in: Callable[..., PortalClient]
) -> None:
    stranger = signed_in("admissions.academics.view")
    viewer = signed_in(permissions.STUDENTS_VIEW)

    assert stranger.get(f"{BASE}/files/{student.files[0].id}").status_code == 403
    assert stranger.get(page_of(student)).status_code == 403
    assert viewer.get(f"{BASE}/files/{student.files[0].id}").status_code == 200
    assert viewer.get(f"{BASE}/{student.id}/folder.zip").status_code == 403


def test_an_activation_letter_is_printed_by_a_job(student: Student, registrar: PortalClient) -> None:
    page = registrar.get(page_of(student)).get_data(as_text=True)
    token = re.search(r'name="form_token" value="([0-9a-f]{32})"', page)
    assert token

    data = {"id": str(student.id), "form_token": token.group(1)}
    answer = registrar.submit(f"{BASE}/letter", data, page=page_of(student))
    job = db.session.scalars(select(Job).where(Job.kind == "admissions.print_activation_letters")).one()
    run_inline(job.id)
    report = registrar.get(answer.location).get_data(as_text=True)

    assert get_job(job.id).state == "finished"
    (path,) = set(re.findall(r'href="(/panel/jobs/[^"]+/files/[^"]+)"', report))
    letters = registrar.get(path, buffered=True)
    assert letters.data.startswith(b"%PDF")
    assert letters.headers["Content-Disposition"].startswith("attachment")


def test_an_edit_raises_the_version_and_keeps_the_rules(student: Student, registrar: PortalClient) -> None:
    path = f"{BASE}/edit/?id={student.id}"
    form = {
        "firstname": "Zoé",
        "lastname": "Ibáñez",
        "sex": "f",
        "date_of_birth": "2004-03-31",
        "matric_number": "M1",
        "seen_version": str(student.version),
    }

    refused = registrar.submit(path, {**form, "phone": "none"}, follow_redirects=True)
    registrar.submit(path, form)

    assert "It is no telephone number" in refused.get_data(as_text=True)
    saved = students()[0]
    assert (saved.firstname, saved.matric_number) == ("Zoé", "M1")
    stale = registrar.submit(path, form, follow_redirects=True).get_data(as_text=True)
    assert "Somebody else changed this record" in stale


def test_a_blob_is_never_copied(student: Student) -> None:
    passport = student.passport
    applicant = student.applicant
    assert passport is not None
    assert applicant is not None
    assert applicant.passport is not None
    assert passport.sha256 == applicant.passport.sha256
    assert current_store().missing([passport.sha256]) == set()


def test_scanning_a_slip_leads_to_its_student_or_says_that_it_is_not_ours(
    student: Student, registrar: PortalClient, client: PortalClient
) -> None:
    found = registrar.get(f"{BASE}/slips/{student.student_id}")
    assert (found.status_code, str(student.id) in found.location) == (302, True)
    assert registrar.get(f"{BASE}/slips/K9999999").status_code == 404
    assert "/login" in client.get(f"{BASE}/slips/{student.student_id}").location
