"""Students' folders: rows in the database, written out as real directories or as one ZIP."""

import shutil
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import select

from plugins.admissions.models import Student, StudentFile
from portal.sdk import StoredFile, current_store, db, reading

PAGE_ROWS = 500


@dataclass(frozen=True, kw_only=True)
class FolderEntry:
    """One file of a student's folder; it is exported as ``<student_id>/<name>``."""

    student_id: str
    name: str
    kind: str
    sha256: str
    size_bytes: int
    media_type: str


_COLUMNS = (
    Student.student_id,
    StudentFile.name,
    StudentFile.kind,
    StudentFile.sha256,
    StoredFile.size_bytes,
    StoredFile.media_type,
)


def folder_of(student_uid: uuid.UUID) -> list[FolderEntry]:
    """Return the files of one student, by name."""
    found = db.session.execute(
        select(*_COLUMNS)
        .join(Student, Student.id == StudentFile.student_uid)
        .join(StoredFile, StoredFile.sha256 == StudentFile.sha256)
        .where(Student.id == student_uid)
        .order_by(StudentFile.name)
    )
    return [_entry(*row) for row in found]


def _entry(
    student_id: str, name: str, kind: str, sha256: str, size_bytes: int, media_type: str
) -> FolderEntry:
    return FolderEntry(
        student_id=student_id,
        name=name,
        kind=kind,
        sha256=sha256,
        size_bytes=size_bytes,
        media_type=media_type,
    )


def all_folders() -> Iterator[FolderEntry]:
    """Give the files of all students by number, read in pages, so that memory stays constant."""
    last = ""
    while True:
        numbers = select(Student.student_id).where(Student.student_id > last).order_by(Student.student_id)
        with reading():
            page = list(db.session.scalars(numbers.limit(PAGE_ROWS)))
            if not page:
                return
            found = db.session.execute(
                select(*_COLUMNS)
                .join(Student, Student.id == StudentFile.student_uid)
                .join(StoredFile, StoredFile.sha256 == StudentFile.sha256)
                .where(Student.student_id.in_(page))
                .order_by(Student.student_id, StudentFile.name)
            ).all()
        for row in found:
            yield _entry(*row)
        last = page[-1]


def write_zip(student_uid: uuid.UUID, target: IO[bytes]) -> int:
    """Write one student's folder as a ZIP and return the number of files."""
    entries = folder_of(student_uid)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for entry in entries:
            member = zipfile.ZipInfo(f"{entry.student_id}/{safe_name(entry.name)}")
            with current_store().open(entry.sha256) as source, archive.open(member, "w") as out:
                shutil.copyfileobj(source, out)
    return len(entries)


def export_folders(out: Path) -> tuple[int, int]:
    """Write every student's folder as a real directory below ``out`` and return how many students and files.

    A file that is there already with the right size is left alone, so an interrupted export goes on.
    """
    students: set[str] = set()
    count = 0
    for entry in all_folders():
        folder = out / entry.student_id
        if entry.student_id not in students:
            folder.mkdir(parents=True, exist_ok=True)
            students.add(entry.student_id)
        _write_file(folder / safe_name(entry.name), entry)
        count += 1
    return len(students), count


def _write_file(path: Path, entry: FolderEntry) -> None:
    if path.exists() and path.stat().st_size == entry.size_bytes:
        return
    unfinished = path.with_name(f".{path.name}.part")
    with current_store().open(entry.sha256) as source, unfinished.open("wb") as target:
        shutil.copyfileobj(source, target)
    unfinished.replace(path)


def safe_name(name: str) -> str:
    """Return a file name that stays inside its folder on every system."""
    kept = "".join("_" if letter in '/\\:*?"<>|' or ord(letter) < 32 else letter for letter in name).strip(
        ". "
    )
    return kept or "file"
