"""The commands: thin, and honest about what they did."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from plugins.admissions.commands import check, create_students, import_applicants, write_folders
from plugins.admissions.models import Applicant, Student
from portal.sdk import db
from portal.sdk.jobs import Job
from tests.plugins.admissions.university import (
    University,
    add,
    add_many,
    archive,
    create_selected,
    force,
    get,
    jpeg,
    person,
    sheet,
    students,
)


def run(command: object, *arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(command, arguments, input=answer)  # type: ignore[arg-type]


def test_a_sheet_is_imported_with_photos(university: University, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(sheet([person(), person(reg_number="2", sex="x")]))
    (tmp_path / "p.zip").write_bytes(archive({"00471.jpg": jpeg()}))

    result = run(
        import_applicants, str(tmp_path / "a.csv"), "--photos", str(tmp_path / "p.zip"), "--yes", "--inline"
    )

    assert result.exit_code == 0, result.output
    assert "done 1" in result.output
    assert "field-invalid: sex" in result.output
    assert db.session.scalars(select(Applicant)).one().passport is not None


def test_students_of_a_container_are_created(university: University) -> None:
    add_many(university, 3)

    result = run(create_students, "--container", "app2026", "--keep-open", "--yes", "--inline")

    assert result.exit_code == 0, result.output
    assert "done 3" in result.output
    assert len(students()) == 3


def test_a_selection_by_applicant_id(university: University) -> None:
    uid, other = add(university), add(university)

    run(create_students, "--applicant", get(Applicant, uid).applicant_id, "--yes", "--inline")

    assert [student.applicant_uid for student in students()] == [uid]
    assert get(Applicant, other).state == "admitted"


@pytest.mark.parametrize("arguments", [("--dry-run",), ()])
def test_a_dry_run_or_a_no_does_nothing_and_leaves_no_job(
    university: University, arguments: tuple[str, ...]
) -> None:
    add(university)
    add(university, course_admitted=None)

    result = run(create_students, "--all", "--inline", *arguments, answer="n\n")

    assert "no-certificate" in result.output
    assert "Nothing was done" in result.output
    assert students() == []
    assert db.session.scalar(select(func.count()).select_from(Job)) == 0


@pytest.mark.parametrize(
    "arguments", [(), ("--all", "--container", "app2026"), ("--applicant", "x", "--all")]
)
def test_exactly_one_scope_is_needed(university: University, arguments: tuple[str, ...]) -> None:
    result = run(create_students, *arguments)

    assert result.exit_code == 2
    assert "--container" in result.output


def test_folders_are_exported(university: University, tmp_path: Path) -> None:
    create_selected(add(university))

    result = run(write_folders, "--out", str(tmp_path / "out"))

    assert "1 files of 1 students" in result.output
    assert (tmp_path / "out" / "K1000000" / "application_slip.pdf").exists()


def test_check_is_silent_or_fails_with_a_list(university: University) -> None:
    create_selected(add(university))
    assert run(check).exit_code == 0

    force(Student, students()[0].id, applicant_uid=None)
    result = run(check, "--quick")

    assert result.exit_code == 1
    assert "Applicants in state created without their student" in result.output
