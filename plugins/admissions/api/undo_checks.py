"""Decides which student records may be taken back: those that nobody has changed or used since. Reads only."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from plugins.admissions.api.student_rows import IDENTITY_PROVIDER
from plugins.admissions.errors import Refusal
from plugins.admissions.models import (
    Applicant,
    ApplicantState,
    Student,
    StudentFile,
    StudentHistory,
    StudyCourse,
)
from portal.sdk import AccountUse, account_uses, db, last_writes

CHANGED_SINCE = "changed-since"
STUDENT_MISSING = "student-missing"
APPLICATION_MISSING = "application-missing"
FILES_ADDED = "files-added"
COURSE_CHANGED = "study-course-changed"
#: Version that every record has right after its creation.
FIRST_VERSION = "1"
_NOBODY = uuid.UUID(int=0)


@dataclass(frozen=True, kw_only=True)
class CreationToUndo:
    """One student record to take back.

    Args:
        label: How people recognise it when the record is gone.
        version: Version that the record had after its creation.
        job_id: The job that made it, whose own entries in the audit record are no changes since.
    """

    student_uid: uuid.UUID
    label: str
    version: str
    job_id: uuid.UUID | None


@dataclass(kw_only=True)
class Candidate:
    """A student record as it is now; ``refusal`` says why it is kept."""

    student_uid: uuid.UUID
    student_id: str = ""
    user_id: int | None = None
    applicant_uid: uuid.UUID = _NOBODY
    applicant_id: str = ""
    refusal: Refusal | None = None


@dataclass(kw_only=True)
class _Known:
    """What the database says about the students of one chunk, by their key."""

    students: Mapping[uuid.UUID, Any]
    applicants: Mapping[uuid.UUID, Any]
    uses: Mapping[int, AccountUse]
    files: Mapping[uuid.UUID, Any]
    courses: Mapping[uuid.UUID, Any]
    lines: Mapping[uuid.UUID, Any]


def judge_creations(creations: Sequence[CreationToUndo], *, lock: bool = False) -> list[Candidate]:
    """Return one judgement per student, in order. A fixed number of statements for any number of students.

    Args:
        creations: 1 to 500, unique.
        lock: Keep students, applicants and accounts from changing until the transaction ends.
    """
    known = _load([item.student_uid for item in creations], lock=lock)
    judged = [_judged(item, known) for item in creations]
    _name_who(judged, creations)
    return judged


def _load(uids: Sequence[uuid.UUID], *, lock: bool) -> _Known:
    columns = (Student.id, Student.student_id, Student.version, Student.user_id, Student.applicant_uid)
    students = {row.id: row for row in _locked(select(*columns, Student.created_at), Student, uids, lock)}
    applicant_uids = [row.applicant_uid for row in students.values() if row.applicant_uid is not None]
    applicant = (Applicant.id, Applicant.applicant_id, Applicant.state, Applicant.student_id)
    user_ids = [row.user_id for row in students.values() if row.user_id is not None]
    return _Known(
        students=students,
        applicants={row.id: row for row in _locked(select(*applicant), Applicant, applicant_uids, lock)},
        uses=account_uses(user_ids, providers=(IDENTITY_PROVIDER,), lock=lock),
        files={row.uid: row for row in db.session.execute(_later_files(uids))},
        courses={row.uid: row for row in db.session.execute(_courses(uids))},
        lines={row.uid: row for row in db.session.execute(_later_lines(uids))},
    )


def _locked(statement: Any, model: Any, ids: Sequence[Any], lock: bool) -> Sequence[Any]:
    statement = statement.where(model.id.in_(ids)).order_by(model.id)
    return db.session.execute(statement.with_for_update() if lock else statement).all()


def _later_files(uids: Sequence[uuid.UUID]) -> Any:
    return (
        select(StudentFile.student_uid.label("uid"), func.min(StudentFile.name).label("name"))
        .join(Student, Student.id == StudentFile.student_uid)
        .where(StudentFile.student_uid.in_(uids), StudentFile.added_at != Student.created_at)
        .group_by(StudentFile.student_uid)
    )


def _courses(uids: Sequence[uuid.UUID]) -> Any:
    course = StudyCourse
    return (
        select(
            course.student_uid.label("uid"),
            func.count().label("count"),
            func.max(course.version).label("version"),
        )
        .where(course.student_uid.in_(uids))
        .group_by(course.student_uid)
    )


def _later_lines(uids: Sequence[uuid.UUID]) -> Any:
    line = StudentHistory
    return (
        select(line.student_uid.label("uid"), func.max(line.text).label("text"))
        .where(line.student_uid.in_(uids), line.transition.not_in(("create", "admit")))
        .group_by(line.student_uid)
    )


def _judged(creation: CreationToUndo, known: _Known) -> Candidate:
    found = Candidate(student_uid=creation.student_uid)
    student = known.students.get(creation.student_uid)
    if student is None:
        message = f"{creation.label}: the student record is not there any more."
        found.refusal = Refusal(code=STUDENT_MISSING, message=message)
        return found
    found.student_id, found.user_id = student.student_id, student.user_id
    applicant = known.applicants.get(student.applicant_uid)
    if applicant is not None:
        found.applicant_uid, found.applicant_id = applicant.id, applicant.applicant_id
    found.refusal = _application_refusal(student, applicant) or _use_refusal(creation, student, known)
    return found


def _application_refusal(student: Any, applicant: Any) -> Refusal | None:
    if applicant is None:
        return Refusal(
            code=APPLICATION_MISSING,
            message=f"Kept: the application that {student.student_id} was made from is removed.",
        )
    if applicant.state != ApplicantState.CREATED or applicant.student_id != student.student_id:
        return Refusal(
            code=APPLICATION_MISSING,
            message=f"Kept: {applicant.applicant_id} does not name {student.student_id} as its student any more.",
        )
    return None


def _use_refusal(creation: CreationToUndo, student: Any, known: _Known) -> Refusal | None:
    use = known.uses.get(student.user_id)
    if use is not None:
        return Refusal(code=use.code, message=f"Kept: {use.words}.")
    file = known.files.get(student.id)
    if file is not None:
        return Refusal(code=FILES_ADDED, message=f"Kept: the file {file.name} was added since.")
    course = known.courses.get(student.id)
    if course is not None and (course.count > 1 or str(course.version) != FIRST_VERSION):
        return Refusal(code=COURSE_CHANGED, message="Kept: the study course was changed since.")
    line = known.lines.get(student.id)
    if line is not None:
        return Refusal(code=CHANGED_SINCE, message=f"Kept: its history goes on: {line.text}.")
    if str(student.version) != creation.version:
        return Refusal(code=CHANGED_SINCE, message="Kept: edited since.")
    return None


def _name_who(judged: Sequence[Candidate], creations: Sequence[CreationToUndo]) -> None:
    """Say who has edited the students that are kept for it, from the audit record."""
    edited = {
        str(item.student_uid): item for item in judged if item.refusal and item.refusal.code == CHANGED_SINCE
    }
    jobs = {item.job_id for item in creations if item.job_id is not None}
    for record_id, write in last_writes(Student.__tablename__, list(edited), except_jobs=jobs).items():
        edited[record_id].refusal = Refusal(code=CHANGED_SINCE, message=f"Kept: edited by {write}.")
