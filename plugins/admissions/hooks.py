"""The hooks that admissions offers to other plugins, with the events they carry: plain, frozen data."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.sdk import hookspec


@dataclass(frozen=True, kw_only=True)
class NumberWanted:
    """One applicant who is about to become a student and needs a student number."""

    applicant_uid: uuid.UUID
    applicant_id: str
    #: The number that the examination board gave, if any.
    reg_number: str | None
    certificate_code: str
    #: First year of the session: 2026 means 2026/2027.
    entry_session: int


@dataclass(frozen=True, kw_only=True)
class NumbersWanted:
    """1 to 500 applicants that passed every check, unique, in the order of the job."""

    applicants: tuple[NumberWanted, ...]


@hookspec
def admissions_allocate_student_numbers(event: NumbersWanted) -> Sequence[str] | None:
    """Applicants need student numbers; give them by your institution's own rule.

    Called inside the transaction that claims a chunk of the job, once per
    chunk. What you answer is kept with the rows: a retry, also after a crash,
    uses the same numbers, and what your plugin writes meanwhile (a counter) is
    committed with them. The first plugin that answers wins and the others are
    not asked; the portal's own series comes last.

    Args:
        event: 1 to 500 applicants; see :class:`NumbersWanted`.

    Returns:
        One number for each applicant, in the same order: 1 to 20 letters
        a-z, digits, dots, hyphens and underscores, beginning with a letter or
        digit, never given before, different also when letter case is left
        out. A number is the sign-in name too, and names the student's folder.
        None: not mine, ask the next.

    Raises:
        PortalError: the job stops with your message; no number of the chunk is
            used, and the job can be resumed.

    Order: portal, then plugins by REQUIRES and name; the first answer wins.
    Do not: commit, use the network, loop queries per applicant, give a number twice.
    First user: tests/external_plugin. Since: 1.0.
    """


@dataclass(frozen=True, kw_only=True)
class CreatedStudent:
    """One new student: keys of the records, and what other plugins need to act without looking anything up."""

    student_uid: uuid.UUID
    #: The student number, such as K1000000; also the sign-in name.
    student_id: str
    user_id: int
    applicant_uid: uuid.UUID
    applicant_id: str
    certificate_code: str
    #: First year of the session: 2026 means 2026/2027.
    entry_session: int


@dataclass(frozen=True, kw_only=True)
class StudentsCreated:
    """1 to 500 students that now exist, in insertion order."""

    students: tuple[CreatedStudent, ...]
    at: datetime


@hookspec
def admissions_students_created(event: StudentsCreated) -> None:
    """Students now exist; add what your plugin keeps for each of them.

    Called inside the transaction that inserted them, once per chunk, after
    the rows are flushed (their ids are valid) and before the commit.

    Args:
        event: 1 to 500 new students in insertion order; see :class:`StudentsCreated`.

    Raises:
        PortalError: rolls the chunk back; the job marks or retries its rows.

    Order: portal, then plugins by REQUIRES and name.
    Do not: commit, use the network, loop queries per student.
    First user: plugins.enrollments. Since: 1.0.
    """


@dataclass(frozen=True, kw_only=True)
class UndoneStudent:
    """One student whose creation is being undone."""

    student_uid: uuid.UUID
    #: The student number; nobody gets it again.
    student_id: str
    #: The account; None when it was removed before.
    user_id: int | None
    applicant_uid: uuid.UUID
    applicant_id: str


@dataclass(frozen=True, kw_only=True)
class StudentsUndone:
    """1 to 500 students that are about to be removed, unique, any order."""

    students: tuple[UndoneStudent, ...]
    at: datetime


@hookspec
def admissions_students_undone(event: StudentsUndone) -> Mapping[uuid.UUID, str] | None:
    """Students are about to be removed; remove what your plugin added for each of them, or keep a student.

    The counterpart of ``admissions_students_created``. Called inside the
    transaction that removes them, once per chunk, while their records, files
    and accounts are still there. A student that any plugin keeps stays whole:
    the call is rolled back for everybody and made again without that student,
    so an answer must not depend on how often it was asked.

    Args:
        event: 1 to 500 students nobody has used yet; see :class:`StudentsUndone`.

    Returns:
        ``student_uid`` to the reason, for the students that must stay: words
        that follow "kept:", such as "has a score in Physics I". Do not remove
        anything of theirs. None or an empty mapping: all may go.

    Raises:
        PortalError: rolls the chunk back; the job tries its students one by one.

    Order: portal, then plugins by REQUIRES and name.
    Do not: commit, use the network, loop queries per student, delete the students or their accounts.
    First user: plugins.enrollments. Since: 1.0.
    """
