"""What admissions keeps about a person, for the export that a person may ask for."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import selectinload

from plugins.admissions.models import Applicant, Student
from portal.sdk import db

#: Columns that say nothing about the person.
_OURS = frozenset(
    {"id", "user_id", "applicant_uid", "container_id", "certificate_id", "student_uid", "version"}
)


def personal_data(user_ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return user id → the person's student record, study courses, applications, files and history. Eight statements.

    Args:
        user_ids: 1 to 500.
    """
    students = db.session.scalars(
        select(Student)
        .where(Student.user_id.in_(user_ids))
        .options(
            selectinload(Student.study_courses),
            selectinload(Student.files),
            selectinload(Student.history),
        )
    ).all()
    applicants = _applicants([student.student_id for student in students])
    return {student.user_id: _sections(student, applicants) for student in students if student.user_id}


def _applicants(student_ids: Sequence[str]) -> dict[str, list[Applicant]]:
    found: dict[str, list[Applicant]] = {}
    statement = (
        select(Applicant)
        .where(Applicant.student_id.in_(student_ids))
        .options(selectinload(Applicant.files), selectinload(Applicant.history))
    )
    for applicant in db.session.scalars(statement):
        found.setdefault(applicant.student_id or "", []).append(applicant)
    return found


def _sections(student: Student, applicants: Mapping[str, list[Applicant]]) -> dict[str, Any]:
    return {
        "student record": _columns(student),
        "study courses": [_columns(course) for course in student.study_courses],
        "files": _files(student),
        "history": _history(student),
        "applications": [
            {**_columns(item), "files": _files(item), "history": _history(item)}
            for item in applicants.get(student.student_id, [])
        ],
    }


def _columns(record: Any) -> dict[str, Any]:
    names = [column.key for column in inspect(record).mapper.column_attrs]
    return {name: _plain(getattr(record, name)) for name in names if name not in _OURS}


def _files(record: Any) -> list[dict[str, Any]]:
    return [
        {"name": file.name, "kind": file.kind, "sha256": file.sha256, "added": _plain(file.added_at)}
        for file in record.files
    ]


def _history(record: Any) -> list[dict[str, Any]]:
    return [{"at": _plain(line.at), "text": line.text} for line in record.history]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | date) else value
