"""Checks every promise about students and their applications against the database and the blob store. Reads only."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Select, and_, case, exists, func, or_, select

from plugins.admissions.api.creation_undo import UNDONE
from plugins.admissions.api.folders import all_folders
from plugins.admissions.api.numbers import FIRST
from plugins.admissions.models import (
    Applicant,
    ApplicantFile,
    ApplicantHistory,
    ApplicantState,
    FileKind,
    NumberCounter,
    Student,
    StudentFile,
    StudentHistory,
    StudyCourse,
)
from portal.sdk import NotFound, StoredFile, User, current_store, db, reading

#: Records named per broken promise.
SHOWN = 20

Rule = tuple[str, Callable[[], Select[Any]]]


def broken_promises(
    *, read_files: bool = True, looked_at: Callable[[int], object] = lambda count: None
) -> list[str]:
    """Return one line for each promise that does not hold, naming records; an empty list means all is well.

    Args:
        read_files: Read every file of every folder and compare its hash (slow with many students).
        looked_at: Told, outside any transaction, how many promises and files were looked at so far.
    """
    problems: list[str] = []
    for number, (title, rule) in enumerate(_RULES):
        with reading():
            problems += _applied(title, rule())
        looked_at(number)
    with reading():
        problems += _missing_blobs()
        problems += _counter()
    if read_files:
        problems += list(_changed_files(looked_at))
    return problems


def _applied(title: str, statement: Select[Any]) -> list[str]:
    found = [str(value) for value in db.session.scalars(statement.limit(SHOWN + 1))]
    if not found:
        return []
    more = ", …" if len(found) > SHOWN else ""
    return [f"{title}: {', '.join(found[:SHOWN])}{more}"]


def _doubled() -> Select[Any]:
    return (
        select(Student.applicant_uid)
        .where(Student.applicant_uid.is_not(None))
        .group_by(Student.applicant_uid)
        .having(func.count() > 1)
    )


def _without_student() -> Select[Any]:
    made = exists().where(Student.applicant_uid == Applicant.id, Student.student_id == Applicant.student_id)
    return select(Applicant.applicant_id).where(Applicant.state == ApplicantState.CREATED, ~made)


def _half_made_applicant() -> Select[Any]:
    made = exists().where(Student.applicant_uid == Applicant.id)
    return select(Applicant.applicant_id).where(Applicant.state != ApplicantState.CREATED, made)


def _unlocked() -> Select[Any]:
    return select(Applicant.applicant_id).where(Applicant.state == ApplicantState.CREATED, ~Applicant.locked)


def _number_without_creation() -> Select[Any]:
    return select(Applicant.applicant_id).where(
        Applicant.state != ApplicantState.CREATED, Applicant.student_id.is_not(None)
    )


def _without_course() -> Select[Any]:
    course = exists().where(StudyCourse.student_uid == Student.id, StudyCourse.is_current)
    return select(Student.student_id).where(~course)


def _without_account() -> Select[Any]:
    account = exists().where(User.id == Student.user_id, User.sign_in_name == Student.student_id)
    return select(Student.student_id).where(Student.user_id.is_not(None), ~account)


def _one_slip() -> Select[Any]:
    slips = (
        select(func.count())
        .where(StudentFile.student_uid == Student.id, StudentFile.kind == FileKind.APPLICATION_SLIP)
        .scalar_subquery()
    )
    # The slips of people who were erased went with them.
    erased = exists().where(User.id == Student.user_id, User.retired_at.is_not(None))
    return select(Student.student_id).where(Student.applicant_uid.is_not(None), slips != 1, ~erased)


def _shared_slip() -> Select[Any]:
    return (
        select(StudentFile.sha256)
        .where(StudentFile.kind == FileKind.APPLICATION_SLIP)
        .group_by(StudentFile.sha256)
        .having(func.count() > 1)
    )


def _own_photo() -> Select[Any]:
    """Students made from an application whose passport differs from the application's, or is absent on one side."""
    theirs = (
        select(func.min(StudentFile.sha256))
        .where(StudentFile.student_uid == Student.id, StudentFile.kind == FileKind.PASSPORT)
        .scalar_subquery()
    )
    applied = (
        select(func.min(ApplicantFile.sha256))
        .where(ApplicantFile.applicant_uid == Student.applicant_uid, ApplicantFile.kind == FileKind.PASSPORT)
        .scalar_subquery()
    )
    differs = or_(theirs != applied, and_(theirs.is_(None), applied.is_not(None)))
    return select(Student.student_id).where(Student.applicant_uid.is_not(None), differs)


def _student_history() -> Select[Any]:
    lines = (
        select(func.count())
        .where(StudentHistory.student_uid == Student.id, StudentHistory.transition.in_(("create", "admit")))
        .scalar_subquery()
    )
    return select(Student.student_id).where(Student.applicant_uid.is_not(None), lines != 2)


def _applicant_history() -> Select[Any]:
    """Created applicants whose history does not tell of one creation more than were undone."""
    change = case((ApplicantHistory.transition == "create", 1), else_=-1)
    lines = (
        select(func.coalesce(func.sum(change), 0))
        .where(
            ApplicantHistory.applicant_uid == Applicant.id,
            ApplicantHistory.transition.in_(("create", UNDONE)),
        )
        .scalar_subquery()
    )
    return select(Applicant.applicant_id).where(Applicant.state == ApplicantState.CREATED, lines != 1)


_RULES: tuple[Rule, ...] = (
    ("Applicants with two students", _doubled),
    ("Applicants in state created without their student", _without_student),
    ("Applicants with a student but not in state created", _half_made_applicant),
    ("Created applicants whose form is open", _unlocked),
    ("Applicants with a student number but not in state created", _number_without_creation),
    ("Students without a study course", _without_course),
    ("Students without their account", _without_account),
    ("Students without exactly one slip", _one_slip),
    ("Slips that two students share", _shared_slip),
    ("Students whose passport is not their application's", _own_photo),
    ("Students without the history of their creation", _student_history),
    ("Created applicants without the history of it", _applicant_history),
)


def _missing_blobs() -> list[str]:
    names = list(db.session.scalars(select(StoredFile.sha256)))
    missing = sorted(current_store().missing(names))
    return [f"Stored files without their bytes: {', '.join(missing[:SHOWN])}"] if missing else []


def _counter() -> list[str]:
    """The counter is not behind the students whose numbers came from it one after the other."""
    issued = db.session.scalar(select(NumberCounter.issued_count)) or 0
    made = (
        db.session.scalar(select(func.count()).select_from(Student).where(Student.applicant_uid.is_not(None)))
        or 0
    )
    if issued < made:
        return [
            f"The number counter stands at {FIRST + issued}, but {made} students were made from applications."
        ]
    return []


def _changed_files(looked_at: Callable[[int], object]) -> Iterator[str]:
    for number, entry in enumerate(all_folders()):
        looked_at(len(_RULES) + number)
        try:
            data = current_store().read(entry.sha256)
        except (OSError, NotFound) as error:
            yield f"{entry.student_id}/{entry.name} cannot be read: {error}"
            continue
        if hashlib.sha256(data).hexdigest() != entry.sha256 or len(data) != entry.size_bytes:
            yield f"{entry.student_id}/{entry.name} is not the file that was stored"
