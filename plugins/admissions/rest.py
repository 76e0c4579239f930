"""``/api/v1/admissions/…``: applicants and students, read only; bulk work goes through ``/api/v1/jobs``."""

import uuid
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from plugins.admissions.models import Applicant, ApplicantState, Container, Student, StudyCourse
from plugins.admissions.permissions import APPLICANTS_VIEW, STUDENTS_VIEW
from portal.sdk.rest import (
    Listing,
    PageQuery,
    api_blueprint,
    api_route,
    from_record,
    get_visible,
    list_page,
    narrowed_select,
    order_of,
    tagged,
)

admissions = api_blueprint("admissions", "Admissions", "Applicants and the students made from them.")


class ApplicantOut(BaseModel):
    """An application."""

    id: uuid.UUID
    applicant_id: str = Field(description="Container code, underscore, application number.")
    container: str = Field(description="Code of the container.")
    state: ApplicantState
    firstname: str
    middlename: str
    lastname: str
    reg_number: str | None
    course1: str | None = Field(description="Code of the certificate of the first choice.")
    course2: str | None
    course_admitted: str | None
    student_id: str | None = Field(description="Number of the student made from it.")
    is_locked: bool
    application_date: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, applicant: Applicant) -> "ApplicantOut":
        """Return what an application looks like; its container is loaded."""
        return from_record(cls, applicant, container=applicant.container.code, is_locked=applicant.locked)


class StudentOut(BaseModel):
    """A student record."""

    id: uuid.UUID
    student_id: str = Field(description="The student number.")
    state: str
    firstname: str
    middlename: str
    lastname: str
    reg_number: str | None
    matric_number: str | None
    date_of_birth: date
    user_id: int | None
    certificate: str | None = Field(description="Code of what the student studies now.")
    entry_session: int | None
    created_at: datetime

    @classmethod
    def of(cls, student: Student) -> "StudentOut":
        """Return what a student looks like; the study courses are loaded."""
        course = student.study_course
        return from_record(
            cls,
            student,
            certificate=course.certificate.code if course is not None else None,
            entry_session=course.entry_session if course is not None else None,
        )


class ApplicantListOut(Listing[ApplicantOut]):
    """Applicants, oldest first."""


class StudentListOut(Listing[StudentOut]):
    """Students, oldest first."""


class ApplicantQuery(PageQuery):
    """Which applicants are listed."""

    state: ApplicantState | None = None
    container: str | None = Field(None, max_length=40, description="Code of a container.")


class StudentQuery(PageQuery):
    """Which students are listed."""

    state: str | None = Field(None, max_length=30)


@admissions.get("/applicants")
@api_route(APPLICANTS_VIEW, query=ApplicantQuery, answer=ApplicantListOut)
def list_applicants(query: ApplicantQuery) -> Any:
    """List applicants, oldest first."""
    statement = narrowed_select(Applicant, APPLICANTS_VIEW).options(joinedload(Applicant.container))
    if query.state is not None:
        statement = statement.where(Applicant.state == query.state)
    if query.container is not None:
        chosen = select(Container.id).where(Container.code == query.container).scalar_subquery()
        statement = statement.where(Applicant.container_id == chosen)
    return list_page(statement, order_of(Applicant), query, ApplicantOut.of)


@admissions.get("/applicants/<uuid:applicant_uid>")
@api_route(APPLICANTS_VIEW, answer=ApplicantOut, etag=True)
def show_applicant(applicant_uid: uuid.UUID) -> Any:
    """Show an application."""
    found: Applicant = get_visible(
        Applicant,
        APPLICANTS_VIEW,
        applicant_uid,
        code="applicant-missing",
        message="There is no such application, or you may not see it.",
    )
    return tagged(ApplicantOut.of(found), found)


@admissions.get("/students")
@api_route(STUDENTS_VIEW, query=StudentQuery, answer=StudentListOut)
def list_students(query: StudentQuery) -> Any:
    """List students, oldest first."""
    courses = selectinload(Student.study_courses).options(joinedload(StudyCourse.certificate))
    statement = narrowed_select(Student, STUDENTS_VIEW).options(courses)
    if query.state is not None:
        statement = statement.where(Student.state == query.state)
    return list_page(statement, order_of(Student), query, StudentOut.of)


@admissions.get("/students/<uuid:student_uid>")
@api_route(STUDENTS_VIEW, answer=StudentOut, etag=True)
def show_student(student_uid: uuid.UUID) -> Any:
    """Show a student record."""
    found: Student = get_visible(
        Student,
        STUDENTS_VIEW,
        student_uid,
        code="student-missing",
        message="There is no such student, or you may not see it.",
    )
    return tagged(StudentOut.of(found), found)
