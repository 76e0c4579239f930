"""The hooks that admissions offers to other plugins, with the events they carry: plain, frozen data."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from portal.sdk import hookspec


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
