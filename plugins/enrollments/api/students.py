"""Enrolls students of the institution in the programs that their certificates stand for, and takes that back."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import and_, delete, exists, select

from plugins.enrollments.api.inputs import current_settings, normaliser
from plugins.enrollments.api.link_engine import Pair, link_pairs
from plugins.enrollments.api.program_statements import NewEnrollment, insert_enrollments
from plugins.enrollments.api.rowsets import looked_up, rowset
from plugins.enrollments.api.stamping import note
from plugins.enrollments.errors import LinkingRefused
from plugins.enrollments.models import (
    Curriculum,
    ProgramCourseEnrollment,
    ProgramEnrollment,
    ProgramEnrollmentHistory,
    ProgramEnrollmentStatus,
)
from plugins.enrollments.models.columns import Identifier, Key
from plugins.enrollments.models.stamps import changing_through
from portal.sdk import db

CHANNEL = "admissions"
_TABLE: Any = ProgramEnrollment.__table__
_PLACE = {
    "form": Identifier,
    "curriculum": _TABLE.c.curriculum_uuid.type,
    "user_id": _TABLE.c.user_id.type,
}
_NUMBER = {"number": Key}


class NewStudent(Protocol):
    """What is to know about a new student; admissions' event has it."""

    @property
    def student_id(self) -> str: ...
    @property
    def user_id(self) -> int: ...
    @property
    def certificate_code(self) -> str: ...


class GoneStudent(Protocol):
    """What is to know about a student who is being removed."""

    @property
    def student_uid(self) -> uuid.UUID: ...
    @property
    def user_id(self) -> int | None: ...


def enroll_students(students: Sequence[NewStudent]) -> int:
    """Enroll students, by student number, in the active curriculum that carries their certificate's code.

    Students of other certificates are left alone. An enrollment that waits for the number already is linked. Returns
    how many were enrolled or linked. At most twelve statements for up to 500 students. Needs an open transaction; does
    not commit.

    Raises:
        LinkingRefused: an enrollment that waits cannot be linked.
    """
    codes = {student.certificate_code for student in students if student.certificate_code}
    curricula = {
        code: (program, curriculum)
        for code, program, curriculum in db.session.execute(
            select(Curriculum.certificate_code, Curriculum.program_id, Curriculum.id).where(
                Curriculum.certificate_code.in_(codes), Curriculum.is_active
            )
        )
    }
    if not curricula:
        return 0
    normalise = normaliser(current_settings())
    rows = [
        NewEnrollment(
            student.student_id,
            normalise(student.student_id),
            *curricula[student.certificate_code],
            ProgramEnrollmentStatus.ENROLLED.value,
            student.user_id,
        )
        for student in students
        if student.certificate_code in curricula
    ]
    if not rows:
        return 0
    with changing_through(CHANNEL):
        made = insert_enrollments(rows)
        left = [row for row in rows if row.form not in made]
        linked = _link(left)
        note("enroll-students", _TABLE.name, len(rows), {"enrolled": len(made), "linked": linked})
    db.session.expire_all()
    return len(made) + linked


def withdraw_students(students: Sequence[GoneStudent]) -> Mapping[uuid.UUID, str]:
    """Remove what :func:`enroll_students` made and nobody has touched since; return who must stay, and why.

    Three statements for up to 500 students. Needs an open transaction; does not commit.
    """
    by_user = {student.user_id: student.student_uid for student in students if student.user_id is not None}
    if not by_user:
        return {}
    courses = exists().where(ProgramCourseEnrollment.program_enrollment_id == _TABLE.c.id)
    found = db.session.execute(
        select(
            _TABLE.c.id, _TABLE.c.user_id, _TABLE.c.version, _TABLE.c.changed_through, courses.label("used")
        )
        .where(_TABLE.c.user_id.in_(list(by_user)))
        .with_for_update()
    ).all()
    kept: dict[uuid.UUID, str] = {}
    for row in found:
        if row.used:
            kept[by_user[row.user_id]] = "takes course runs of a program"
        elif row.version > 1 or row.changed_through != CHANNEL:
            kept.setdefault(by_user[row.user_id], "has a program enrollment that was changed since")
    gone = [row.id for row in found if by_user[row.user_id] not in kept]
    if gone:
        given = rowset("given", _NUMBER, [(number,) for number in gone])
        chosen = select(given.c.number)
        db.session.execute(delete(_TABLE).where(_TABLE.c.id.in_(chosen)))
        db.session.execute(
            delete(ProgramEnrollmentHistory).where(ProgramEnrollmentHistory.record_id.in_(chosen))
        )
        note("withdraw-students", _TABLE.name, gone[0], {"removed": len(gone)})
        db.session.expire_all()
    return kept


def _link(rows: Sequence[NewEnrollment]) -> int:
    """Link enrollments that wait for these keys; return how many."""
    if not rows:
        return 0
    given = rowset("given", _PLACE, [(row.form, row.curriculum_uuid, row.user_id) for row in rows])
    is_waiting = and_(
        _TABLE.c.external_key == given.c.form,
        _TABLE.c.curriculum_uuid == given.c.curriculum,
        _TABLE.c.user_id.is_(None),
    )
    found = db.session.execute(
        select(_TABLE.c.id, given.c.user_id).select_from(looked_up(given, _TABLE, is_waiting))
    )
    waiting = [(number, user_id) for number, user_id in found if number is not None]
    problems = link_pairs([Pair(number, user_id) for number, user_id in waiting])
    if problems:
        raise LinkingRefused({str(number): problem.text for number, problem in problems.items()})
    return len(waiting)
