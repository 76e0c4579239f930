"""What must hold when a creation has ended, however it was disturbed: counted from the database and the files."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace

from sqlalchemy import func, select

from plugins.admissions.api.integrity import broken_promises
from plugins.admissions.api.slip_facts import SlipWanted, slip_sources
from plugins.admissions.jobs.creating import SLIP
from plugins.admissions.models import ApplicantFile, FileKind, Student, StudentFile
from portal.documents.service import current_press, render_bulk, render_full
from portal.files.models import StoredFile
from portal.files.store import current_store
from portal.jobs.models import Job, JobRow
from portal.jobs.states import ENDED, RowState
from portal.kernel.db import db

CHUNK = 200


@dataclass(frozen=True, kw_only=True)
class Findings:
    """How many of each: ``students`` and ``blobs`` are as expected, everything else is a fault."""

    students: int = 0
    #: Rows that say done without a student of their applicant; students whose row does not say done.
    lost: int = 0
    #: Applicants with more than one student, numbers that two rows were given.
    doubled: int = 0
    #: Promises about students that do not hold, see ``portal admissions check``.
    half_made: int = 0
    #: Slips that differ from one drawn anew from the record; files that differ from their name.
    wrong_slips: int = 0
    wrong_photos: int = 0
    #: Rows without an outcome, jobs that have not ended, jobs whose counters are not those of their rows.
    unaccounted: int = 0

    @property
    def faults(self) -> dict[str, int]:
        return {name: count for name, count in asdict(self).items() if count and name != "students"}

    def __add__(self, other: "Findings") -> "Findings":
        return Findings(
            **{item.name: getattr(self, item.name) + getattr(other, item.name) for item in fields(self)}
        )


def findings(job_ids: Sequence[uuid.UUID], *, slips: bool = True) -> Findings:
    """Judge these ended jobs and everything they made; reads only.

    Args:
        slips: Draw every slip anew and compare (slow without compiled slips).
    """
    db.session.rollback()
    total = Findings(
        lost=_lost(job_ids),
        doubled=_doubled_applicants() + _doubled_numbers(job_ids),
        half_made=len(broken_promises(read_files=False)),
        unaccounted=sum(_unaccounted(job_id) for job_id in job_ids),
    )
    for students in _made(job_ids):
        total += Findings(
            students=len(students),
            wrong_slips=_wrong_slips(students) if slips else 0,
            wrong_photos=_wrong_photos(students),
        )
    db.session.rollback()
    return total


def _lost(job_ids: Sequence[uuid.UUID]) -> int:
    done = (JobRow.job_id.in_(job_ids), JobRow.state == RowState.DONE)
    told = {
        (subject, record_id)
        for subject, record_id in db.session.execute(select(JobRow.subject, JobRow.record_id).where(*done))
    }
    subjects = select(JobRow.subject).where(JobRow.job_id.in_(job_ids))
    asked = {uuid.UUID(subject) for subject in db.session.scalars(subjects) if subject}
    made = {
        (str(applicant), str(student))
        for applicant, student in db.session.execute(select(Student.applicant_uid, Student.id))
        if applicant in asked
    }
    return len(told ^ made)


def _doubled_applicants() -> int:
    twice = select(Student.applicant_uid).group_by(Student.applicant_uid).having(func.count() > 1)
    return len(db.session.scalars(twice).all())


def _doubled_numbers(job_ids: Sequence[uuid.UUID]) -> int:
    given = db.session.scalars(select(JobRow.reserved).where(JobRow.reserved.is_not(None)))
    numbers = Counter(str(reserved["student_id"]) for reserved in given if reserved)
    students = Counter(db.session.scalars(select(Student.student_id)))
    return sum(count > 1 for count in (*numbers.values(), *students.values()))


def _unaccounted(job_id: uuid.UUID) -> int:
    job = db.session.get(Job, job_id, populate_existing=True)
    if job is None or job.state not in ENDED:
        return 1
    rows = select(JobRow.state, func.count()).where(JobRow.job_id == job_id).group_by(JobRow.state)
    counted = {RowState(state): count for state, count in db.session.execute(rows)}
    told = {state: getattr(job, f"{state.value}_count") for state in RowState}
    wrong = sum(told[state] != counted.get(state, 0) for state in RowState)
    return wrong + counted.get(RowState.PENDING, 0) + (sum(counted.values()) != job.rows_count)


@dataclass(frozen=True, kw_only=True)
class _Made:
    applicant_uid: uuid.UUID
    wanted: SlipWanted
    slip: str | None
    photo: str | None


def _made(job_ids: Sequence[uuid.UUID]) -> Iterator[list[_Made]]:
    """Give the students that the jobs have made, in chunks."""
    statement = (
        select(Student.id, Student.student_id, Student.created_at, Student.applicant_uid)
        .where(Student.applicant_uid.is_not(None))
        .order_by(Student.id)
    )
    subjects = set(db.session.scalars(select(JobRow.subject).where(JobRow.job_id.in_(job_ids))))
    rows = [row for row in db.session.execute(statement) if str(row.applicant_uid) in subjects]
    for first in range(0, len(rows), CHUNK):
        chunk = rows[first : first + CHUNK]
        folders = _folders([row.id for row in chunk])
        yield [
            _Made(
                applicant_uid=row.applicant_uid,
                wanted=SlipWanted(
                    applicant_uid=row.applicant_uid, student_id=row.student_id, created_at=row.created_at
                ),
                slip=folders.get((row.id, FileKind.APPLICATION_SLIP.value)),
                photo=folders.get((row.id, FileKind.PASSPORT.value)),
            )
            for row in chunk
        ]


def _folders(uids: Sequence[uuid.UUID]) -> dict[tuple[uuid.UUID, str], str]:
    found = select(StudentFile.student_uid, StudentFile.kind, StudentFile.sha256)
    rows = db.session.execute(found.where(StudentFile.student_uid.in_(uids)))
    return {(uid, kind): sha256 for uid, kind, sha256 in rows}


def _wrong_slips(students: Sequence[_Made]) -> int:
    """Draw every slip anew from what the records say now; the bytes must be those that were stored.

    A slip may be drawn the compiled way or laid out for itself (the first of a new shape is), so either will do.
    """
    sources = slip_sources([student.wanted for student in students])
    # The record's history tells of the creation by now, and so does the line that a new slip is given: one too many.
    facts = [
        replace(source.facts, history=source.facts.history[:-1])
        for student in students
        if (source := sources[student.applicant_uid]).facts is not None
    ]
    current_press().prepare(SLIP, facts)
    wrong = 0
    for item, result, student in zip(facts, render_bulk(SLIP, facts), students, strict=True):
        drawn = _name(result.pdf)
        if drawn != student.slip and (result.fallback or _name(render_full(SLIP, item)) != student.slip):
            wrong += 1
    return wrong + _changed([student.slip for student in students])


def _name(pdf: bytes | None) -> str | None:
    return hashlib.sha256(pdf).hexdigest() if pdf is not None else None


def _wrong_photos(students: Sequence[_Made]) -> int:
    found = select(ApplicantFile.applicant_uid, ApplicantFile.sha256).where(
        ApplicantFile.applicant_uid.in_([student.applicant_uid for student in students]),
        ApplicantFile.kind == FileKind.PASSPORT,
    )
    applied = dict(iter(db.session.execute(found)))
    wrong = sum(applied.get(student.applicant_uid) != student.photo for student in students)
    return wrong + _changed([student.photo for student in students])


def _changed(names: Sequence[str | None]) -> int:
    store = current_store()
    return sum(hashlib.sha256(store.read(name)).hexdigest() != name for name in names if name is not None)


@dataclass(frozen=True, kw_only=True)
class Blobs:
    """Files in the store, and how many of them no record names."""

    files: int
    nameless: int


def blobs() -> Blobs:
    """Count the files of the store."""
    db.session.rollback()
    stored = set(db.session.scalars(select(StoredFile.sha256)))
    files = set(current_store().older_than(-60))
    db.session.rollback()
    return Blobs(files=len(files), nameless=len(files - stored))
