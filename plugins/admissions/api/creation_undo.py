"""Takes back student records that were made from applicants and not used since. Nothing here commits."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, true, update

from plugins.admissions.api.history import HistoryLine, write_applicant_history
from plugins.admissions.api.undo_checks import FIRST_VERSION, Candidate, CreationToUndo, judge_creations
from plugins.admissions.errors import Refusal
from plugins.admissions.hooks import StudentsUndone, UndoneStudent
from plugins.admissions.models import (
    Applicant,
    ApplicantState,
    Student,
    StudentFile,
    StudentHistory,
    StudyCourse,
)
from portal.sdk import (
    AuditRow,
    Conflict,
    PluginError,
    db,
    emit_reaction,
    record_many,
    remove_users,
    savepoint,
    utc_now,
    who_refers,
)

#: Transition of the line of history that an undone creation leaves on its applicant.
UNDONE = "undo"
KEPT_BY_PLUGIN = "kept-by-plugin"

_applicants: Any = Applicant.__table__
_ADMITTED_AGAIN = (
    update(_applicants)
    .where(_applicants.c.id == bindparam("uid"))
    .values(state=ApplicantState.ADMITTED, student_id=None, version=_applicants.c.version + 1)
)


@dataclass(frozen=True, kw_only=True)
class Undone:
    """What became of one student: removed, or kept for a reason."""

    student_id: str
    refusal: Refusal | None = None


def check_creations(creations: Sequence[CreationToUndo]) -> list[Refusal | None]:
    """Return for each student, in order, why it would be kept, or None. Reads only; at most a dozen statements.

    What other plugins have to say is asked only when it is done.
    """
    return [item.refusal for item in judge_creations(creations)]


def undo_creations(creations: Sequence[CreationToUndo]) -> list[Undone]:
    """Remove these students with everything that creation added, and admit their applicants again; in order.

    Student, study course, history, file rows, account, identity and activation go; student numbers are not given
    again, the audit record stays. Whoever was changed or used since is kept whole. A fixed number of statements,
    and those of the plugins. Needs an open transaction; does not commit.

    Args:
        creations: 1 to 500, unique.

    Raises:
        Conflict: ``student-used`` or ``account-used`` when a record that nobody told about refers to one of them.
        PluginReactionFailed: a plugin could not remove what it had added.
    """
    judged = judge_creations(creations, lock=True)
    free = {item.student_uid: item for item in judged if item.refusal is None}
    kept = _tell_plugins(free)
    for uid, refusal in kept.items():
        free[uid].refusal = refusal
    _remove([item for item in judged if item.refusal is None])
    db.session.expire_all()
    return [Undone(student_id=item.student_id, refusal=item.refusal) for item in judged]


def _tell_plugins(free: Mapping[uuid.UUID, Candidate]) -> dict[uuid.UUID, Refusal]:
    """Let plugins remove what they added; return which students they keep, with everything of theirs in place."""
    kept: dict[uuid.UUID, Refusal] = {}
    while len(kept) < len(free):
        students = tuple(_undone(item) for uid, item in free.items() if uid not in kept)
        try:
            with savepoint():
                _ask(StudentsUndone(students=students, at=utc_now()))
        except _Kept as answer:
            kept |= answer.refusals
        else:
            break
    return kept


class _Kept(Exception):
    def __init__(self, refusals: dict[uuid.UUID, Refusal]) -> None:
        self.refusals = refusals


def _ask(event: StudentsUndone) -> None:
    asked = {student.student_uid for student in event.students}
    refusals: dict[uuid.UUID, Refusal] = {}
    for plugin, answer in emit_reaction("admissions_students_undone", event=event):
        if not isinstance(answer, Mapping):
            raise PluginError(
                "plugin-answer", f"The plugin {plugin} answers admissions_students_undone with {answer!r}."
            )
        for uid in asked.intersection(answer):
            refusals[uid] = Refusal(code=KEPT_BY_PLUGIN, message=f"Kept by {plugin}: {answer[uid]}.")
    if refusals:
        raise _Kept(refusals)


def _undone(item: Candidate) -> UndoneStudent:
    return UndoneStudent(
        student_uid=item.student_uid,
        student_id=item.student_id,
        user_id=item.user_id,
        applicant_uid=item.applicant_uid,
        applicant_id=item.applicant_id,
    )


def _remove(items: Sequence[Candidate]) -> None:
    if not items:
        return
    uids = [item.student_uid for item in items]
    # A study course that was changed a moment ago stays, and keeps its student.
    unchanged = StudyCourse.version == int(FIRST_VERSION)
    for model, condition in ((StudentHistory, true()), (StudentFile, true()), (StudyCourse, unchanged)):
        db.session.execute(
            delete(model)
            .where(model.student_uid.in_(uids), condition)
            .execution_options(synchronize_session=False)
        )
    left = who_refers(Student.__tablename__, uids, Student.__table__.c.id.type)
    if left:
        places = ", ".join(sorted(set(left.values())))
        raise Conflict("student-used", f"Kept: records in {places} refer to the student. Remove them first.")
    db.session.execute(
        delete(Student).where(Student.id.in_(uids)).execution_options(synchronize_session=False)
    )
    remove_users([item.user_id for item in items if item.user_id is not None])
    db.session.execute(_ADMITTED_AGAIN, [{"uid": item.applicant_uid} for item in items])
    now = utc_now()
    write_applicant_history(
        [
            HistoryLine(
                owner_uid=item.applicant_uid,
                at=now,
                text=f"Student record undone ({item.student_id})",
                transition=UNDONE,
            )
            for item in items
        ]
    )
    record_many([row for item in items for row in _audit(item)])


def _audit(item: Candidate) -> tuple[AuditRow, AuditRow]:
    return (
        AuditRow(
            action="delete",
            target=Student.__tablename__,
            record_id=str(item.student_uid),
            changes={"student_id": item.student_id, "applicant_id": item.applicant_id},
        ),
        AuditRow(
            action="update",
            target=_applicants.name,
            record_id=str(item.applicant_uid),
            changes={
                "state": [ApplicantState.CREATED.value, ApplicantState.ADMITTED.value],
                "student_id": [item.student_id, None],
            },
        ),
    )
