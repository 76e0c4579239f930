"""The demo university: reproducible files, and the steps that bring them in through the real jobs."""

import csv
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from plugins.admissions.api.fields import FieldProblem, converted
from plugins.admissions.demo import CONTAINERS, add_university, demo_steps, write_university_files
from plugins.admissions.demo.files import FLAWS
from plugins.admissions.models import Applicant, ApplicantState, Certificate, Container, Student, StudentFile
from portal.sdk import SYSTEM, DemoContext, db, safe_image, transaction
from portal.sdk.jobs import counts_by_code, draft, get_job, run_inline, store_upload, submit

SIZE, SEED = 120, 7


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return write_university_files(tmp_path_factory.mktemp("demo"), 500, SEED)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_university_files(tmp_path / "a", 30, SEED)
    second = write_university_files(tmp_path / "b", 30, SEED)
    other = write_university_files(tmp_path / "c", 30, SEED + 1)

    assert digest(first.sheet) == digest(second.sheet)
    assert digest(first.photos) == digest(second.photos)
    assert digest(first.photos) != digest(other.photos)


def test_every_kind_of_flaw_is_in_the_sheet(files: Any) -> None:
    assert set(files.flaws) == set(FLAWS)
    assert 8 <= sum(files.flaws.values()) <= 20


def test_the_good_records_keep_the_rules_of_the_import(files: Any) -> None:
    problems = []
    for row in rows_of(files.sheet):
        for name in (
            "firstname",
            "middlename",
            "lastname",
            "sex",
            "date_of_birth",
            "email",
            "phone",
            "state",
        ):
            try:
                converted(name, row[name]) if row[name] else None
            except FieldProblem as problem:
                problems.append((name, row[name], str(problem)))

    assert {name for name, _, _ in problems} == {"date_of_birth"}
    assert len(problems) == files.flaws["date in the wrong form"]


def test_history_has_three_to_nine_lines(files: Any) -> None:
    lengths = {len(row["history"].splitlines()) for row in rows_of(files.sheet)}

    assert lengths == set(range(3, 10))


def test_photos_are_different_pictures_in_passport_size(files: Any) -> None:
    with zipfile.ZipFile(files.photos) as archive:
        names = archive.namelist()
        data = [archive.read(name) for name in names]

    assert len(set(data)) == len(data)
    whole = [item for item in data if len(item) > 4_000]
    assert all(10_000 < len(item) < 45_000 for item in whole)
    assert safe_image(whole[0]).width == 413
    assert {row["photo"] for row in rows_of(files.sheet) if row["photo"]} == set(names)


def test_a_sheet_without_flaws_is_possible_for_measuring(tmp_path: Path) -> None:
    clean = write_university_files(tmp_path, 60, SEED, state="admitted", flawed=False)

    assert clean.flaws == {}
    assert {row["state"] for row in rows_of(clean.sheet)} == {"admitted"}
    assert all(row["course_admitted"] and row["date_of_birth"] for row in rows_of(clean.sheet))


@pytest.mark.usefixtures("app", "as_system")
def test_the_university_has_forty_certificates_and_three_containers() -> None:
    with transaction():
        found = add_university()

    assert (found["certificates"], found["containers"]) == (40, 3)
    assert db.session.scalar(select(func.count()).select_from(Certificate)) == 40
    assert set(db.session.scalars(select(Container.code))) == {item.code for item in CONTAINERS}


def run_job(kind: str, params: Mapping[str, Any], files: Mapping[str, Path]) -> Mapping[str, Any]:
    """As the demo's own runner, in this process."""
    uploads = {}
    for name, path in files.items():
        with path.open("rb") as stream:
            uploads[name] = store_upload(stream, path.name)
    request = draft(kind, params, SYSTEM, files=uploads)
    with transaction():
        job_id = submit(request, apply=True, close_portal=False).id
    run_inline(job_id)
    job = get_job(job_id)
    assert job.state == "finished", job.error
    refused: dict[str, int] = {}
    for item in counts_by_code(job_id):
        if item.code:
            refused[item.code] = refused.get(item.code, 0) + item.count
    return {
        "job_id": str(job_id),
        "done": job.done_count,
        "refused": refused,
        "seconds": 1.0,
        "cpu_seconds": 1.0,
    }


@pytest.mark.usefixtures("app", "as_system")
def test_the_steps_make_students_and_leave_one_container(app: Flask, tmp_path: Path) -> None:
    context = DemoContext(size=SIZE, seed=SEED, folder=tmp_path, run_job=run_job)

    for step in sorted(demo_steps(SIZE, SEED), key=lambda step: step.order):
        context.facts.update(step.run(context))

    facts = context.facts
    assert facts["applicants"] == SIZE
    assert facts["imported"] + sum(facts["import_refused"].values()) == SIZE
    assert facts["students"] == facts["slips"] == db.session.scalar(select(func.count()).select_from(Student))
    assert db.session.scalar(select(func.count()).select_from(StudentFile)) > facts["students"]
    left = select(func.count()).select_from(Applicant).where(Applicant.state == ApplicantState.ADMITTED)
    assert facts["left_for_you"] >= 8
    assert (db.session.scalar(left) or 0) >= facts["left_for_you"]
    assert facts["refused"]
    with app.test_request_context():
        assert [title for title, _ in facts["links"]]
        assert all(path.startswith("/panel/") for _, path in facts["links"])
