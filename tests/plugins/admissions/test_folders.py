"""Students' folders as real directories and as ZIP."""

import io
import zipfile
from pathlib import Path

import pytest

from plugins.admissions.api.folders import export_folders, safe_name, write_zip
from plugins.admissions.models import Applicant
from portal.sdk import current_store, transaction
from tests.plugins.admissions.university import (
    University,
    add,
    create_selected,
    get,
    give_file,
    give_photo,
    students,
)


@pytest.fixture
def made(university: University) -> University:
    uid = add(university)
    give_photo(uid)
    give_file(uid, "..\\..:evil/name?.pdf", b"%PDF-1.4 more")
    create_selected(uid, add(university))
    return university


def test_folders_are_written_as_directories(made: University, tmp_path: Path) -> None:
    counts = export_folders(tmp_path / "out")

    assert counts == (2, 4)
    first = tmp_path / "out" / "K1000000"
    assert sorted(path.name for path in first.iterdir()) == [
        "_.._evil_name_.pdf",
        "application_slip.pdf",
        "passport.jpg",
    ]
    slip = students()[0].application_slip
    assert slip is not None
    assert (first / "application_slip.pdf").read_bytes() == current_store().read(slip.sha256)


def test_an_interrupted_export_goes_on(made: University, tmp_path: Path) -> None:
    export_folders(tmp_path)
    kept = tmp_path / "K1000000" / "passport.jpg"
    before = kept.stat().st_mtime_ns
    (tmp_path / "K1000000" / "application_slip.pdf").write_bytes(b"half")

    export_folders(tmp_path)

    assert kept.stat().st_mtime_ns == before
    assert (tmp_path / "K1000000" / "application_slip.pdf").read_bytes().startswith(b"%PDF")


def test_one_folder_as_zip(made: University) -> None:
    target = io.BytesIO()

    assert write_zip(students()[0].id, target) == 3

    with zipfile.ZipFile(target) as packed:
        assert packed.testzip() is None
        assert "K1000000/passport.jpg" in packed.namelist()
        assert all(".." not in name.split("/") for name in packed.namelist())


def test_the_slip_survives_the_applicant(made: University) -> None:
    student = students()[0]
    uid = student.applicant_uid
    with transaction() as session:
        session.delete(session.get(Applicant, uid))

    student = students()[0]
    assert (student.applicant_uid, get(Applicant, uid)) == (None, None)  # type: ignore[arg-type]
    assert student.application_slip is not None


@pytest.mark.parametrize(
    ("name", "safe"), [("", "file"), ("..", "file"), ("a/b", "a_b"), ("x\x00y.pdf", "x_y.pdf")]
)
def test_names_stay_inside_their_folder(name: str, safe: str) -> None:
    assert safe_name(name) == safe
