"""``portal admissions check``: silent when all is well, and it finds every broken promise."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from plugins.admissions.api.integrity import broken_promises
from plugins.admissions.models import (
    Applicant,
    ApplicantHistory,
    NumberCounter,
    Student,
    StudentFile,
    StudentHistory,
    StudyCourse,
)
from portal.config import PortalConfig
from portal.sdk import User, transaction
from tests.plugins.admissions.university import (
    University,
    add_many,
    create_selected,
    give_photo,
    jpeg,
    students,
)


@pytest.fixture
def made(university: University) -> list[Student]:
    uids = add_many(university, 2)
    for number, uid in enumerate(uids):
        give_photo(uid, jpeg(number + 1))
    create_selected(*uids)
    return students()


def run(statement: Any) -> None:
    with transaction() as session:
        session.execute(statement.execution_options(synchronize_session=False))


@pytest.mark.both_engines
def test_after_a_creation_all_is_well(made: list[Student]) -> None:
    assert broken_promises() == []


BREAKS: dict[str, Callable[[Student, Student], Any]] = {
    "state created without their student": lambda one, two: delete(Student).where(Student.id == one.id),
    "with a student but not in state created": lambda one, two: (
        update(Applicant).where(Applicant.id == one.applicant_uid).values(state="admitted")
    ),
    "whose form is open": lambda one, two: (
        update(Applicant).where(Applicant.id == one.applicant_uid).values(locked=False)
    ),
    "without a study course": lambda one, two: delete(StudyCourse).where(StudyCourse.student_uid == one.id),
    "without their account": lambda one, two: (
        update(User).where(User.id == one.user_id).values(sign_in_name="somebody")
    ),
    "without exactly one slip": lambda one, two: delete(StudentFile).where(
        StudentFile.student_uid == one.id, StudentFile.kind == "application_slip"
    ),
    "that two students share": lambda one, two: (
        update(StudentFile)
        .where(StudentFile.student_uid == one.id, StudentFile.kind == "application_slip")
        .values(sha256=_slip(two))
    ),
    "whose passport is not their application's": lambda one, two: (
        update(StudentFile)
        .where(StudentFile.student_uid == one.id, StudentFile.kind == "passport")
        .values(sha256=_passport(two))
    ),
    "without the history of their creation": lambda one, two: delete(StudentHistory).where(
        StudentHistory.student_uid == one.id
    ),
    "without the history of it": lambda one, two: delete(ApplicantHistory).where(
        ApplicantHistory.applicant_uid == one.applicant_uid
    ),
    "number counter": lambda one, two: update(NumberCounter).values(issued_count=1),
}


def _slip(student: Student) -> str:
    assert student.application_slip is not None
    return student.application_slip.sha256


def _passport(student: Student) -> str:
    assert student.passport is not None
    return student.passport.sha256


@pytest.mark.parametrize("promise", BREAKS)
def test_a_broken_promise_is_found(made: list[Student], promise: str) -> None:
    run(BREAKS[promise](made[0], made[1]))

    assert any(promise in problem for problem in broken_promises(read_files=False))


def test_a_changed_or_missing_file_is_found(made: list[Student], config: PortalConfig) -> None:
    slip, passport = _slip(made[0]), _passport(made[1])
    _blob(config, slip).write_bytes(b"something else")
    _blob(config, passport).unlink()

    problems = "\n".join(broken_promises())

    assert "K1000000/application_slip.pdf is not the file that was stored" in problems
    assert f"without their bytes: {passport}" in problems
    assert "K1000001/passport.jpg cannot be read" in problems


def _blob(config: PortalConfig, sha256: str) -> Path:
    (path,) = config.blobs_dir.rglob(sha256)
    path.chmod(0o600)
    return path
