"""Loads what the creation checks look at, for many applicants in a fixed number of statements."""

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import and_, func, select, tuple_

from plugins.admissions.models import (
    Applicant,
    ApplicantFile,
    ApplicantState,
    Certificate,
    Container,
    FileKind,
    Student,
)
from portal.sdk import StoredFile, db


@dataclass(frozen=True, slots=True)
class CandidateFile:
    """A file in the applicant's folder."""

    kind: str
    name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """An applicant as the creation checks see it. ``certificate_id`` is None when the admitted one is gone."""

    uid: uuid.UUID
    applicant_id: str
    version: int
    state: str
    student_id: str | None
    reg_number: str | None
    firstname: str
    middlename: str
    lastname: str
    fullname: str
    sex: str
    date_of_birth: date | None
    email: str
    phone: str
    course_admitted: str | None
    entry_session: int | None
    certificate_id: uuid.UUID | None
    study_mode: str | None
    start_level: int | None
    files: tuple[CandidateFile, ...] = ()

    @property
    def passport(self) -> CandidateFile | None:
        return next((file for file in self.files if file.kind == FileKind.PASSPORT), None)


_COLUMNS = (
    Applicant.id,
    Applicant.applicant_id,
    Applicant.version,
    Applicant.state,
    Applicant.student_id,
    Applicant.reg_number,
    Applicant.firstname,
    Applicant.middlename,
    Applicant.lastname,
    Applicant.fullname,
    Applicant.sex,
    Applicant.date_of_birth,
    Applicant.email,
    Applicant.phone,
    Applicant.course_admitted,
    Container.year,
    Certificate.id.label("certificate_id"),
    Certificate.study_mode,
    Certificate.start_level,
)


def load_candidates(
    uids: Collection[uuid.UUID], *, lock: bool = False, with_files: bool = True
) -> dict[uuid.UUID, Candidate]:
    """Return the applicants that exist, by key. Two statements, one without files.

    Args:
        uids: At most a few hundred.
        lock: Keep the applicants from changing until the transaction ends. Rows are always locked in key order, so
            that no two chunks wait for each other in a circle. (A certificate that is removed meanwhile is refused
            by the database when the study course is written.)
        with_files: Load their folders too.
    """
    if not uids:
        return {}
    statement = (
        select(*_COLUMNS)
        .join(Container, Container.id == Applicant.container_id)
        .outerjoin(Certificate, Certificate.code == Applicant.course_admitted)
        .where(Applicant.id.in_(uids))
        .order_by(Applicant.id)
    )
    if lock:
        statement = statement.with_for_update(of=Applicant)
    rows = db.session.execute(statement).all()
    files = folders_of(uids) if with_files else {}
    return {row.id: _candidate(row, files.get(row.id, ())) for row in rows}


#: Columns come in the order of the fields, which no type checker can see.
_made: Callable[..., Candidate] = Candidate


def _candidate(row: Any, files: Sequence[CandidateFile]) -> Candidate:
    return _made(*row, tuple(files))


def folders_of(uids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, list[CandidateFile]]:
    """Return each applicant's files, by key. One statement."""
    found = db.session.execute(
        select(
            ApplicantFile.applicant_uid,
            ApplicantFile.kind,
            ApplicantFile.name,
            ApplicantFile.sha256,
            StoredFile.size_bytes,
        )
        .join(StoredFile, StoredFile.sha256 == ApplicantFile.sha256)
        .where(ApplicantFile.applicant_uid.in_(uids))
        .order_by(ApplicantFile.name)
    )
    files: dict[uuid.UUID, list[CandidateFile]] = {}
    for uid, kind, name, sha256, size_bytes in found:
        files.setdefault(uid, []).append(CandidateFile(kind, name, sha256, size_bytes))
    return files


def taken_numbers(candidates: Iterable[Candidate]) -> dict[str, str]:
    """Return registration number → student number, for those that a student has already. One statement."""
    numbers = {candidate.reg_number for candidate in candidates if candidate.reg_number}
    if not numbers:
        return {}
    found = db.session.execute(
        select(Student.reg_number, Student.student_id).where(Student.reg_number.in_(numbers))
    )
    return {str(reg_number): student_id for reg_number, student_id in found}


def namesakes(candidates: Sequence[Candidate]) -> dict[tuple[str, date | None], str]:
    """Return (folded name, date of birth) → who else has both: a student, or another admitted applicant.

    Two statements.
    """
    wanted = {(item.fullname, item.date_of_birth) for item in candidates if item.date_of_birth is not None}
    if not wanted:
        return {}
    applicants = db.session.execute(
        select(Applicant.fullname, Applicant.date_of_birth, func.min(Applicant.applicant_id))
        .where(
            and_(
                Applicant.state == ApplicantState.ADMITTED,
                tuple_(Applicant.fullname, Applicant.date_of_birth).in_(wanted),
            )
        )
        .group_by(Applicant.fullname, Applicant.date_of_birth)
        .having(func.count() > 1)
    )
    found: dict[tuple[str, date | None], str] = {
        (name, born): f"another admitted applicant (such as {applicant_id})"
        for name, born, applicant_id in applicants
    }
    students = db.session.execute(
        select(Student.fullname, Student.date_of_birth, func.min(Student.student_id))
        .where(tuple_(Student.fullname, Student.date_of_birth).in_(wanted))
        .group_by(Student.fullname, Student.date_of_birth)
    )
    found |= {(name, born): f"student {student_id}" for name, born, student_id in students}
    return found
