"""``/api/v1/enrollments/…``: who is enrolled, with filters, search and what has changed since."""

import uuid
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import false, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from plugins.enrollments.api.inputs import current_settings, is_storable_key, normaliser
from plugins.enrollments.models import CourseEnrollment, ProgramCourseEnrollment, ProgramEnrollment
from plugins.enrollments.models.vocabulary import CourseEnrollmentStatus, ProgramEnrollmentStatus
from plugins.enrollments.permissions import ENROLLMENTS_VIEW
from plugins.enrollments.rest.blueprints import resources
from portal.sdk import User, sign_in_key
from portal.sdk.rest import (
    Listing,
    PageQuery,
    api_route,
    get_visible,
    list_page,
    narrowed_select,
    order_of,
    tagged,
)

#: Greater than every letter that a key may have.
_LAST = "\U0010ffff"


class EnrollmentOut(BaseModel):
    """A learner in a program."""

    id: int
    external_user_key: str | None
    program: uuid.UUID
    curriculum: uuid.UUID
    status: str
    user: str | None = Field(description="Sign-in name; null while the learner waits for an account.")
    version: int
    created_at: AwareDatetime
    modified_at: AwareDatetime
    changed_by: str
    changed_through: str

    @classmethod
    def of(cls, row: ProgramEnrollment) -> "EnrollmentOut":
        """Return what an enrollment looks like; its user is loaded."""
        return cls(
            id=row.id,
            external_user_key=row.external_user_key,
            program=row.program_uuid,
            curriculum=row.curriculum_uuid,
            status=row.status,
            user=row.user.sign_in_name if row.user is not None else None,
            version=row.version,
            created_at=row.created_at,
            modified_at=row.modified_at,
            changed_by=row.changed_by,
            changed_through=row.changed_through,
        )


class CourseRowOut(BaseModel):
    """A learner of a program takes a course run."""

    id: int
    program_enrollment: int
    external_user_key: str | None
    program: uuid.UUID
    course_key: str
    status: str
    is_realized: bool = Field(description="The learner has an account.")
    version: int
    created_at: AwareDatetime
    modified_at: AwareDatetime

    @classmethod
    def of(cls, row: ProgramCourseEnrollment) -> "CourseRowOut":
        """Return what a course row looks like; its program enrollment is loaded."""
        learner = row.program_enrollment
        return cls(
            id=row.id,
            program_enrollment=learner.id,
            external_user_key=learner.external_user_key,
            program=learner.program_uuid,
            course_key=row.course_key,
            status=row.status,
            is_realized=row.user_id is not None,
            version=row.version,
            created_at=row.created_at,
            modified_at=row.modified_at,
        )


class CourseEnrollmentOut(BaseModel):
    """A user is in a course run, through programs or otherwise."""

    id: int
    user: str
    course_key: str
    mode: str
    is_active: bool
    version: int
    modified_at: AwareDatetime

    @classmethod
    def of(cls, row: CourseEnrollment) -> "CourseEnrollmentOut":
        """Return what a course enrollment looks like; its user is loaded."""
        given = {name: getattr(row, name) for name in cls.model_fields if name != "user"}
        return cls(**given, user=row.user.sign_in_name)


class EnrollmentListOut(Listing[EnrollmentOut]):
    """Enrollments of programs, oldest first."""


class CourseRowListOut(Listing[CourseRowOut]):
    """Course rows, oldest first."""


class CourseEnrollmentListOut(Listing[CourseEnrollmentOut]):
    """Course enrollments, oldest first."""


class ChangesQuery(PageQuery):
    """What changed when."""

    changed_since: AwareDatetime | None = Field(
        None, description="Only what changed then or later; with its zone."
    )


class LearnerQuery(ChangesQuery):
    """Which learners are listed."""

    program: uuid.UUID | None = None
    waiting: bool | None = Field(None, description="true: without an account here; false: with one.")
    key: str | None = Field(None, max_length=255, description="External key, compared as the setting says.")


class EnrollmentQuery(LearnerQuery):
    """Which enrollments are listed."""

    curriculum: uuid.UUID | None = None
    status: ProgramEnrollmentStatus | None = None
    user: str | None = Field(None, max_length=255, description="Sign-in name.")
    search: str | None = Field(
        None,
        min_length=1,
        max_length=255,
        description="How the external key begins, or the whole sign-in name.",
    )


class CourseRowQuery(LearnerQuery):
    """Which course rows are listed."""

    course_key: str | None = Field(None, max_length=255)
    status: CourseEnrollmentStatus | None = None


class CourseEnrollmentQuery(ChangesQuery):
    """Which course enrollments are listed."""

    course_key: str | None = Field(None, max_length=255)
    user: str | None = Field(None, max_length=255, description="Sign-in name.")
    state: Literal["active", "inactive"] | None = None


@resources.get("/program-enrollments")
@api_route(ENROLLMENTS_VIEW, query=EnrollmentQuery, answer=EnrollmentListOut)
def list_enrollments(query: EnrollmentQuery) -> Any:
    """List enrollments of programs, oldest first."""
    row = ProgramEnrollment
    statement = narrowed_select(row, ENROLLMENTS_VIEW).options(joinedload(row.user))
    statement = _learners(_changed(statement, row, query), query)
    if query.curriculum is not None:
        statement = statement.where(row.curriculum_uuid == query.curriculum)
    if query.status is not None:
        statement = statement.where(row.status == query.status.value)
    if query.user is not None:
        statement = statement.where(row.user_id.in_(_named(query.user)))
    if query.search is not None:
        form = _form(query.search)
        begins = row.external_key.between(form, form + _LAST) if form else false()
        statement = statement.where(or_(begins, row.user_id.in_(_named(query.search))))
    return list_page(statement, order_of(row), query, EnrollmentOut.of)


@resources.get("/program-enrollments/<int:number>")
@api_route(ENROLLMENTS_VIEW, answer=EnrollmentOut, etag=True)
def show_enrollment(number: int) -> Any:
    """Show an enrollment of a program."""
    found: ProgramEnrollment = get_visible(
        ProgramEnrollment,
        ENROLLMENTS_VIEW,
        number,
        code="enrollment-not-found",
        message="There is no such enrollment, or you may not see it.",
    )
    return tagged(EnrollmentOut.of(found), found)


@resources.get("/program-course-enrollments")
@api_route(ENROLLMENTS_VIEW, query=CourseRowQuery, answer=CourseRowListOut)
def list_course_rows(query: CourseRowQuery) -> Any:
    """List learners of programs in course runs, oldest first."""
    row = ProgramCourseEnrollment
    statement = narrowed_select(row, ENROLLMENTS_VIEW).join(row.program_enrollment)
    statement = statement.options(contains_eager(row.program_enrollment))
    statement = _learners(_changed(statement, row, query), query)
    if query.course_key is not None:
        statement = statement.where(row.course_key == query.course_key)
    if query.status is not None:
        statement = statement.where(row.status == query.status.value)
    return list_page(statement, order_of(row), query, CourseRowOut.of)


@resources.get("/course-enrollments")
@api_route(ENROLLMENTS_VIEW, query=CourseEnrollmentQuery, answer=CourseEnrollmentListOut)
def list_course_enrollments(query: CourseEnrollmentQuery) -> Any:
    """List who is in course runs, oldest first."""
    row = CourseEnrollment
    statement = narrowed_select(row, ENROLLMENTS_VIEW).options(joinedload(row.user))
    statement = _changed(statement, row, query)
    if query.course_key is not None:
        statement = statement.where(row.course_key == query.course_key)
    if query.user is not None:
        statement = statement.where(row.user_id.in_(_named(query.user)))
    if query.state is not None:
        statement = statement.where(row.is_active.is_(query.state == "active"))
    return list_page(statement, order_of(row), query, CourseEnrollmentOut.of)


def _changed(statement: Any, row: Any, query: ChangesQuery) -> Any:
    if query.changed_since is None:
        return statement
    return statement.where(row.modified_at >= query.changed_since)


def _learners(statement: Any, query: LearnerQuery) -> Any:
    row = ProgramEnrollment
    if query.program is not None:
        statement = statement.where(row.program_uuid == query.program)
    if query.waiting is not None:
        statement = statement.where(row.user_id.is_(None) if query.waiting else row.user_id.is_not(None))
    if query.key is not None:
        statement = statement.where(row.external_key == _form(query.key))
    return statement


def _form(text: str) -> str:
    """Return a key as it is compared; what can be no key finds nothing."""
    normalise = normaliser(current_settings())
    return normalise(text) if is_storable_key(text, normalise) else ""


def _named(sign_in_name: str) -> Any:
    return select(User.id).where(User.sign_in_key == sign_in_key(sign_in_name))
