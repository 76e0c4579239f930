"""Loads what activation letters print, for many students in a fixed number of statements."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from plugins.admissions.api.slips import LetterFacts, certificate_text
from plugins.admissions.models import (
    Applicant,
    Certificate,
    Container,
    Department,
    Faculty,
    Student,
    StudyCourse,
    session_title,
)
from plugins.admissions.settings import AdmissionsSettings
from portal.sdk import (
    InstitutionSettings,
    activation_codes,
    current_config,
    db,
    get_settings,
    institution_logo,
    reading,
    utc_now,
)

#: Letters in one PDF.
PAGE_ROWS = 100
ACTIVATION_PATH = "/activate"


def students_of(
    *, student_uids: Sequence[uuid.UUID] = (), container: str | None = None
) -> Iterator[list[uuid.UUID]]:
    """Give the keys of the students meant, in pages of 100 by number: the named ones, a container's, or all."""
    last = ""
    while True:
        statement = select(Student.id, Student.student_id).where(Student.student_id > last)
        if student_uids:
            statement = statement.where(Student.id.in_(student_uids))
        if container is not None:
            statement = statement.join(Applicant, Applicant.id == Student.applicant_uid)
            statement = statement.join(Container, Container.id == Applicant.container_id).where(
                Container.code == container
            )
        with reading():
            page = db.session.execute(statement.order_by(Student.student_id).limit(PAGE_ROWS)).all()
        if not page:
            return
        yield [row.id for row in page]
        last = page[-1].student_id


def letter_facts(student_uids: Sequence[uuid.UUID]) -> list[LetterFacts]:
    """Return the letters of those students that have an unused, unexpired code, by number. Three statements.

    Args:
        student_uids: 1 to 500.
    """
    rows = db.session.execute(_students(student_uids)).all()
    codes = activation_codes([row.user_id for row in rows if row.user_id is not None])
    institution, address = get_settings(InstitutionSettings).name, current_config().public_url
    logo = institution_logo()
    days = get_settings(AdmissionsSettings).activation_valid_days
    return [
        LetterFacts(
            institution_name=institution,
            logo=logo,
            student_name=row.Student.display_fullname,
            student_number=row.Student.student_id,
            programme=f"{certificate_text(row.code, row.title)}, {row.faculty}",
            entry_session=session_title(row.entry_session),
            sign_in_name=row.Student.student_id,
            activation_code=codes[row.user_id],
            activation_address=f"{address}{ACTIVATION_PATH}",
            expires_on=f"{row.Student.created_at + timedelta(days=days):%Y-%m-%d}",
            printed_on=f"{utc_now():%Y-%m-%d}",
        )
        for row in rows
        if row.user_id in codes
    ]


def _students(student_uids: Sequence[uuid.UUID]) -> Any:
    return (
        select(
            Student,
            Student.user_id,
            StudyCourse.entry_session,
            Certificate.code,
            Certificate.title,
            Faculty.title.label("faculty"),
        )
        .join(StudyCourse, (StudyCourse.student_uid == Student.id) & StudyCourse.is_current)
        .join(Certificate, Certificate.id == StudyCourse.certificate_id)
        .join(Department, Department.id == Certificate.department_id)
        .join(Faculty, Faculty.id == Department.faculty_id)
        .where(Student.id.in_(student_uids))
        .order_by(Student.student_id)
    )
