"""Writes the rows that a new student consists of: Core inserts, one statement per table for a whole chunk."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, insert, update

from plugins.admissions.api.creation import Accepted
from plugins.admissions.api.history import HistoryLine, write_applicant_history, write_student_history
from plugins.admissions.api.transitions import STUDENT_TRANSITIONS, TRANSITIONS
from plugins.admissions.models import (
    Applicant,
    ApplicantState,
    FileKind,
    Student,
    StudentFile,
    StudentState,
    StudyCourse,
)
from plugins.admissions.models.names import display_name
from plugins.admissions.models.vocabulary import SLIP_NAME
from plugins.admissions.settings import AdmissionsSettings
from portal.sdk import (
    AuditRow,
    NewIdentity,
    NewUser,
    create_users,
    db,
    get_settings,
    issue_activations,
    link_identities,
    new_id,
    record_many,
    register_files,
    utc_now,
)

IDENTITY_PROVIDER = "student-number"
LONGEST_DISPLAY_NAME = 200

_applicants: Any = Applicant.__table__
_students: Any = Student.__table__
_courses: Any = StudyCourse.__table__
_files: Any = StudentFile.__table__

_APPLICANT_CREATED = (
    update(_applicants)
    .where(_applicants.c.id == bindparam("uid"))
    .values(
        state=ApplicantState.CREATED,
        locked=True,
        student_id=bindparam("number"),
        version=_applicants.c.version + 1,
    )
)


def creation_text(student_id: str) -> str:
    """Return the line of an applicant's history that tells of the student record; the slip shows it too."""
    return f"{TRANSITIONS['create'].text} ({student_id})"


def write_students(accepted: Sequence[Accepted]) -> list[int]:
    """Insert everything that these students consist of and return their users' ids, in order.

    Needs an open transaction; does not commit. A fixed number of statements for any number of students.
    """
    register_files([item.slip.file for item in accepted])
    user_ids = _accounts(accepted)
    db.session.execute(
        insert(_students), [_student(item, user_id) for item, user_id in zip(accepted, user_ids, strict=True)]
    )
    db.session.execute(insert(_courses), [_course(item) for item in accepted])
    db.session.execute(insert(_files), [row for item in accepted for row in _folder(item)])
    _history(accepted)
    db.session.execute(
        _APPLICANT_CREATED, [{"uid": item.candidate.uid, "number": item.slip.student_id} for item in accepted]
    )
    record_many([row for item in accepted for row in _audit(item)])
    return user_ids


def _accounts(accepted: Sequence[Accepted]) -> list[int]:
    user_ids = create_users(
        [
            NewUser(
                sign_in_name=item.slip.student_id,
                display_name=_display_name(item)[:LONGEST_DISPLAY_NAME],
                email=item.candidate.email or None,
            )
            for item in accepted
        ]
    )
    days = get_settings(AdmissionsSettings).activation_valid_days
    issue_activations(user_ids, utc_now() + timedelta(days=days))
    link_identities(
        [
            NewIdentity(provider=IDENTITY_PROVIDER, external_id=item.slip.student_id, user_id=user_id)
            for item, user_id in zip(accepted, user_ids, strict=True)
        ]
    )
    return user_ids


def _display_name(item: Accepted) -> str:
    candidate = item.candidate
    return display_name(candidate.firstname, candidate.middlename, candidate.lastname)


def _student(item: Accepted, user_id: int) -> dict[str, Any]:
    candidate = item.candidate
    return {
        "id": item.student_uid,
        "student_id": item.slip.student_id,
        "state": StudentState.ADMITTED,
        "user_id": user_id,
        "applicant_uid": candidate.uid,
        "created_at": item.slip.created_at,
        "firstname": candidate.firstname,
        "middlename": candidate.middlename,
        "lastname": candidate.lastname,
        "fullname": candidate.fullname,
        "sex": candidate.sex,
        "date_of_birth": candidate.date_of_birth,
        "reg_number": candidate.reg_number or None,
        "email": candidate.email,
        "phone": candidate.phone,
        "version": 1,
    }


def _course(item: Accepted) -> dict[str, Any]:
    candidate = item.candidate
    return {
        "id": new_id(),
        "student_uid": item.student_uid,
        "is_current": True,
        "certificate_id": candidate.certificate_id,
        "entry_mode": candidate.study_mode,
        "entry_session": candidate.entry_session,
        "current_session": candidate.entry_session,
        "current_level": candidate.start_level,
        "current_verdict": "0",
        "previous_verdict": "0",
        "version": 1,
    }


def _folder(item: Accepted) -> list[dict[str, Any]]:
    """Return the file rows: the slip, and the very blobs that are in the applicant's folder."""
    entries = [(FileKind.APPLICATION_SLIP.value, SLIP_NAME, item.slip.file.sha256)]
    entries += [
        (file.kind, file.name, file.sha256) for file in item.candidate.files if file.name != SLIP_NAME
    ]
    return [
        {
            "id": new_id(),
            "student_uid": item.student_uid,
            "kind": kind,
            "name": name,
            "sha256": sha256,
            "added_at": item.slip.created_at,
        }
        for kind, name, sha256 in entries
    ]


def _history(accepted: Sequence[Accepted]) -> None:
    create, admit = STUDENT_TRANSITIONS["create"], STUDENT_TRANSITIONS["admit"]
    write_student_history(
        [
            HistoryLine(
                owner_uid=item.student_uid, at=item.slip.created_at, text=step.text, transition=step.id
            )
            for item in accepted
            for step in (create, admit)
        ]
    )
    write_applicant_history(
        [
            HistoryLine(
                owner_uid=item.candidate.uid,
                at=item.slip.created_at,
                text=creation_text(item.slip.student_id),
                transition="create",
            )
            for item in accepted
        ]
    )


def _audit(item: Accepted) -> tuple[AuditRow, AuditRow]:
    candidate = item.candidate
    return (
        AuditRow(
            action="create",
            target=_students.name,
            record_id=str(item.student_uid),
            changes={
                "student_id": item.slip.student_id,
                "applicant_id": candidate.applicant_id,
                "certificate": candidate.course_admitted,
                "entry_session": candidate.entry_session,
                "slip": item.slip.file.sha256,
            },
        ),
        AuditRow(
            action="update",
            target=_applicants.name,
            record_id=str(candidate.uid),
            changes={
                "state": [candidate.state, ApplicantState.CREATED.value],
                "student_id": [None, item.slip.student_id],
            },
        ),
    )
