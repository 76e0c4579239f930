"""What is left of students and their applications when the people are erased: records for statistics, without a person.

Kept, because the institution must account for whom it admitted: states, programme, sessions, levels, verdicts, sex,
year of birth, dates of the application and what happened when. Everything that names, describes or shows the person
goes; a token stands for name, student number and application id.
"""

import base64
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import bindparam, delete, or_, select, update

from plugins.admissions.api.erased_lines import erase_lines, rename_officers
from plugins.admissions.models import (
    Applicant,
    ApplicantFile,
    ApplicantHistory,
    Student,
    StudentFile,
    StudentHistory,
)
from plugins.admissions.models.names import folded_name
from portal.sdk import RetiredUser, UsersRetired, db, erase_audit, forget_mail, former_values

#: What the audit record keeps of changes to an applicant or a student.
KEPT_CHANGES = frozenset(
    {
        "state", "locked", "suspended", "sex", "certificate", "certificate_id", "entry_session", "entry_mode",
        "current_session", "current_level", "current_verdict", "previous_verdict", "course1", "course2",
        "course_admitted", "container_id", "special_application", "kind",
    }
)  # fmt: skip
_NUMBER_LETTERS = 6

_applicants: Any = Applicant.__table__
_students: Any = Student.__table__
_QUIET = {"synchronize_session": False}


@dataclass(frozen=True, kw_only=True)
class Erased:
    """Keys of what was erased, by which other rooms find what they keep of it.

    Args:
        keys: By which rows of import jobs name these applicants.
    """

    student_uids: tuple[uuid.UUID, ...] = ()
    applicant_uids: tuple[uuid.UUID, ...] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Person:
    """A record of one person: the user it belongs to and the columns that are needed."""

    user: RetiredUser
    row: Any


def erase_people(event: UsersRetired) -> Erased:
    """Pseudonymise the students of these users and the applications they were made from, and return their keys.

    A fixed number of statements for up to 500 users. Needs an open transaction; does not commit. Photos, slips and
    other files lose their names here; the bytes go with the next sweep.
    """
    db.session.flush()
    users = {user.user_id: user for user in event.users}
    students = _students_of(users)
    applicants = _applicants_of(students)
    rename_officers(event.users)
    if not students:
        return Erased()
    _forget_mail(students, applicants)
    _erase_files(students, applicants)
    erase_lines(ApplicantHistory, "applicant_uid", {person.row.id: person.user for person in applicants})
    erase_lines(StudentHistory, "student_uid", {person.row.id: person.user for person in students})
    if applicants:
        db.session.execute(_ERASE_APPLICANT, _applicant_values(applicants))
    db.session.execute(_ERASE_STUDENT, [_student_values(person) for person in students])
    _erase_audit(students, applicants)
    db.session.expire_all()
    return Erased(
        student_uids=tuple(person.row.id for person in students),
        applicant_uids=tuple(person.row.id for person in applicants),
        keys=tuple(_import_keys([*students, *applicants])),
    )


def _students_of(users: Mapping[int, RetiredUser]) -> list[_Person]:
    rows = db.session.execute(
        select(_students).where(_students.c.user_id.in_(users)).order_by(_students.c.id).with_for_update()
    )
    return [_Person(user=users[row.user_id], row=row) for row in rows]


def _applicants_of(students: Sequence[_Person]) -> list[_Person]:
    """Return the applications that the students were made from, by key or by the number that they carry."""
    by_uid = {person.row.applicant_uid: person.user for person in students if person.row.applicant_uid}
    by_number = {person.row.student_id: person.user for person in students}
    if not by_number:
        return []
    rows = db.session.execute(
        select(_applicants)
        .where(or_(_applicants.c.id.in_(by_uid), _applicants.c.student_id.in_(by_number)))
        .order_by(_applicants.c.id)
        .with_for_update()
    )
    return [_Person(user=by_uid.get(row.id) or by_number[row.student_id], row=row) for row in rows]


_ERASE_STUDENT = (
    update(_students)
    .where(_students.c.id == bindparam("key"))
    .values(
        student_id=bindparam("token"),
        firstname="",
        middlename="",
        lastname=bindparam("token"),
        fullname=bindparam("folded"),
        date_of_birth=bindparam("born"),
        reg_number=None,
        matric_number=None,
        email="",
        phone="",
        parents_email="",
        adm_code="",
        suspended_comment="",
        flash_notice="",
        nationality="",
        clr_code="",
        officer_comment="",
        employer="",
        perm_address="",
        version=_students.c.version + 1,
    )
)
_ERASE_APPLICANT = (
    update(_applicants)
    .where(_applicants.c.id == bindparam("key"))
    .values(
        application_number=bindparam("number"),
        applicant_id=bindparam("known_as"),
        student_id=bindparam("token"),
        firstname="",
        middlename="",
        lastname=bindparam("token"),
        fullname=bindparam("folded"),
        date_of_birth=bindparam("born"),
        reg_number=None,
        email="",
        phone="",
        notice="",
        locked=True,
        version=_applicants.c.version + 1,
    )
)


def _student_values(person: _Person) -> dict[str, Any]:
    token = person.user.token
    return {
        "key": person.row.id,
        "token": token,
        "folded": folded_name("", "", token),
        "born": _year_only(person.row.date_of_birth),
    }


def _applicant_values(people: Sequence[_Person]) -> list[dict[str, Any]]:
    numbers = _free_numbers(people)
    return [
        {
            "key": person.row.id,
            "token": person.user.token,
            "known_as": f"{person.user.token}-{numbers[person.row.id]}",
            "folded": folded_name("", "", person.user.token),
            "born": _year_only(person.row.date_of_birth),
            "number": numbers[person.row.id],
        }
        for person in people
    ]


def _free_numbers(people: Sequence[_Person]) -> dict[uuid.UUID, str]:
    """Return a number for each application that is free in its container; it begins with a letter, as no real one."""
    found: dict[uuid.UUID, str] = {}
    waiting, step = list(people), 0
    while waiting:
        wanted = {person.row.id: _number(person, step) for person in waiting}
        taken = {
            (row.container_id, row.application_number)
            for row in db.session.execute(
                select(_applicants.c.container_id, _applicants.c.application_number).where(
                    _applicants.c.container_id.in_({person.row.container_id for person in waiting}),
                    _applicants.c.application_number.in_(wanted.values()),
                )
            )
        }
        mine = {
            (person.row.container_id, found[person.row.id]) for person in people if person.row.id in found
        }
        again = []
        for person in waiting:
            place = (person.row.container_id, wanted[person.row.id])
            if place in taken or place in mine:
                again.append(person)
            else:
                found[person.row.id] = wanted[person.row.id]
                mine.add(place)
        waiting, step = again, step + 1
    return found


def _number(person: _Person, step: int) -> str:
    digest = hashlib.sha256(f"{person.user.token} {person.row.id} {step}".encode()).digest()
    return "R" + base64.b32encode(digest).decode()[: _NUMBER_LETTERS - 1]


def _year_only(born: date | None) -> date | None:
    return date(born.year, 1, 1) if born is not None else None


def _erase_files(students: Sequence[_Person], applicants: Sequence[_Person]) -> None:
    for model, column, people in (
        (StudentFile, StudentFile.student_uid, students),
        (ApplicantFile, ApplicantFile.applicant_uid, applicants),
    ):
        owners = [person.row.id for person in people]
        keys = [str(key) for key in db.session.scalars(select(model.id).where(column.in_(owners)))]
        for start in range(0, len(keys), 500):
            erase_audit(model.__tablename__, keys[start : start + 500], KEPT_CHANGES)
        db.session.execute(delete(model).where(column.in_(owners)).execution_options(**_QUIET))


def _forget_mail(students: Sequence[_Person], applicants: Sequence[_Person]) -> None:
    """Remove mail that went to the addresses on the records; of an address that others have, only theirs."""
    people = [*students, *applicants]
    emails = {person.row.email for person in people if person.row.email}
    for table, own in ((_students, students), (_applicants, applicants)):
        emails |= former_values(table.name, [str(person.row.id) for person in own], "email")
    parents = {person.row.parents_email for person in students if person.row.parents_email}
    shared = set(parents)
    for table, own in ((_students, students), (_applicants, applicants)):
        shared |= set(
            db.session.scalars(
                select(table.c.email).where(
                    table.c.email.in_(emails), table.c.id.not_in([person.row.id for person in own])
                )
            )
        )
    names = {person.user.name for person in people} | {person.row.student_id for person in people}
    forget_mail(sorted(emails - shared), shared=sorted(shared), names=sorted(filter(None, names)))


def _erase_audit(students: Sequence[_Person], applicants: Sequence[_Person]) -> None:
    for table, people in ((_students, students), (_applicants, applicants)):
        if people:
            erase_audit(table.name, [str(person.row.id) for person in people], KEPT_CHANGES)


def _import_keys(people: Sequence[_Person]) -> set[str]:
    keys = {f"reg_number {person.row.reg_number}" for person in people if person.row.reg_number}
    return keys | {person.row.applicant_id for person in people if getattr(person.row, "applicant_id", None)}
