"""Activation letters: printed for those without a password, as often as needed."""

import io
import zipfile
from typing import Any

import pytest
from sqlalchemy import update

from plugins.admissions.api import activation_letters
from plugins.admissions.jobs import letters
from plugins.admissions.jobs.letters import PDF_NAME, ZIP_NAME
from portal.auth.models import Activation
from portal.jobs.models import JobFile
from portal.sdk import SYSTEM, activation_codes, current_store, db, transaction, utc_now
from portal.sdk.jobs import Job, JobState, draft, get_job, run_inline, submit
from tests.plugins.admissions.university import University, add_many, create_selected, students


@pytest.fixture
def made(university: University) -> University:
    create_selected(*add_many(university, 3))
    return university


def print_letters(**params: Any) -> Job:
    request = draft("admissions.print_activation_letters", params, SYSTEM)
    with transaction():
        job_id = submit(request).id
    run_inline(job_id)
    return get_job(job_id)


def result_of(job: Job) -> tuple[str, bytes]:
    file = db.session.query(JobFile).filter_by(job_id=job.id, role="result").one()
    return file.name, current_store().read(file.sha256)


def test_few_letters_are_one_pdf(made: University) -> None:
    job = print_letters(container="app2026")

    assert job.result is not None
    assert (job.state, job.result["letters"]) == (JobState.FINISHED, 3)
    name, data = result_of(job)
    assert name == PDF_NAME
    assert data.startswith(b"%PDF")


def test_many_letters_are_a_zip_of_pdfs(made: University, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activation_letters, "PAGE_ROWS", 2)

    name, data = result_of(print_letters())

    assert name == ZIP_NAME
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert len(packed.namelist()) == 2


def test_who_has_a_password_gets_no_letter(made: University) -> None:
    first = students()[0]
    with transaction() as session:
        session.execute(
            update(Activation).where(Activation.user_id == first.user_id).values(used_at=utc_now())
        )

    job = print_letters(students=[str(student.id) for student in students()])

    assert job.result is not None
    assert (job.result["letters"], job.result["without_code"]) == (2, 1)


def test_nobody_to_print_for_is_said(university: University) -> None:
    job = print_letters()

    assert job.state == JobState.FAILED
    assert "Nothing was printed" in (job.error or "")


def test_the_letter_carries_the_code_and_the_slip_does_not(made: University) -> None:
    student = students()[0]
    assert student.user_id is not None
    code = activation_codes([student.user_id])[student.user_id]

    facts = letters.letter_facts([student.id])[0]

    assert (facts.activation_code, facts.sign_in_name) == (code, "K1000000")
    assert facts.programme == "CERT1 – B.Sc. Physics, Faculty of Science"
