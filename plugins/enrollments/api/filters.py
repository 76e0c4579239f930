"""The filters that reading functions share, and the checks of their arguments."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Select, Uuid, select

from plugins.enrollments.api.inputs import (
    current_settings,
    is_storable_key,
    normaliser,
    required_course_key,
    required_uuid,
)
from plugins.enrollments.api.rowsets import rowset
from plugins.enrollments.errors import EnrollmentNotFound, InvalidRequest, SeveralEnrollments
from plugins.enrollments.models import ProgramCourseEnrollment, ProgramEnrollment
from plugins.enrollments.models.columns import Identifier, Key
from portal.sdk import User, db

S = TypeVar("S", bound=Select[Any])
_EXCLUSIVE = "{} and {} are mutually exclusive; at most one of them may be passed in as True."


def some_learner(user: User | None, external_user_key: str | None) -> None:
    """Refuse a question about nobody."""
    if user is None and external_user_key is None:
        raise InvalidRequest("user and external_user_key are both None; at least one must be provided.")


def some_learners(users: Sequence[User] | None, external_user_keys: Sequence[str] | None) -> None:
    """Refuse a question about nobody."""
    if not users and not external_user_keys:
        raise InvalidRequest(
            "user list and external_user_key_list are both empty or None; "
            "At least one of the lists must be provided."
        )


def exclusive(**flags: bool) -> None:
    """Refuse two flags that exclude each other."""
    if all(flags.values()):
        raise InvalidRequest(_EXCLUSIVE.format(*flags))


def by_program(statement: S, program_uuid: object) -> S:
    """Keep the enrollments of a program."""
    return statement.where(ProgramEnrollment.program_uuid == required_uuid(program_uuid))


def by_uuids(statement: S, column: Any, values: Iterable[object] | None) -> S:
    """Keep rows whose column is one of these UUIDs."""
    if values is None:
        return statement
    return statement.where(_among(column, Uuid(), [required_uuid(value) for value in values]))


def by_user(statement: S, user: User | None) -> S:
    """Keep the enrollments of a user."""
    return statement if user is None else statement.where(ProgramEnrollment.user_id == user.id)


def by_users(statement: S, users: Iterable[User] | None) -> S:
    """Keep the enrollments of users."""
    if users is None:
        return statement
    kind = ProgramEnrollment.__table__.c.user_id.type
    return statement.where(_among(ProgramEnrollment.user_id, kind, [user.id for user in users]))


def by_key(statement: S, external_user_key: str | None) -> S:
    """Keep the enrollments of an external key."""
    return statement if external_user_key is None else by_keys(statement, [external_user_key])


def by_keys(statement: S, external_user_keys: Iterable[str] | None) -> S:
    """Keep the enrollments of external keys."""
    if external_user_keys is None:
        return statement
    normalise = normaliser(current_settings())
    forms = [normalise(key) for key in external_user_keys if is_storable_key(key, normalise)]
    return statement.where(_among(ProgramEnrollment.external_key, Identifier, forms))


def by_statuses(statement: S, statuses: Collection[str] | None) -> S:
    """Keep program enrollments of these statuses."""
    return statement if statuses is None else statement.where(ProgramEnrollment.status.in_(list(statuses)))


def by_realization(statement: S, *, realized_only: bool, waiting_only: bool) -> S:
    """Keep enrollments with a user, or those without."""
    if realized_only:
        statement = statement.where(ProgramEnrollment.user_id.is_not(None))
    if waiting_only:
        statement = statement.where(ProgramEnrollment.user_id.is_(None))
    return statement


def by_enrollments(statement: S, enrollments: Iterable[ProgramEnrollment] | None) -> S:
    """Keep the course rows of program enrollments."""
    if enrollments is None:
        return statement
    numbers = [enrollment.id for enrollment in enrollments]
    return statement.where(_among(ProgramEnrollment.id, Key, numbers))


def by_course(user: User, course_key: object) -> Select[str | None]:
    """Return the statement of the key under which a user takes a course run."""
    key = required_course_key(course_key, current_settings())
    row = ProgramCourseEnrollment
    return (
        select(ProgramEnrollment.external_user_key)
        .join(row, row.program_enrollment_id == ProgramEnrollment.id)
        .where(ProgramEnrollment.user_id == user.id, row.course_key == key)
        .order_by(row.status, row.created_at.desc(), row.id.desc())
        .limit(1)
    )


def one(statement: Select[Any], what: str) -> Any:
    """Return the only row.

    Raises:
        EnrollmentNotFound, SeveralEnrollments.
    """
    rows = db.session.scalars(statement).all()
    if not rows:
        raise EnrollmentNotFound(what)
    if len(rows) > 1:
        raise SeveralEnrollments(len(rows), what)
    return rows[0]


def _among(column: Any, kind: Any, values: Sequence[Any]) -> Any:
    """Return the condition that a column is one of any number of values."""
    given = rowset(f"wanted_{column.key}", {"value": kind}, [(value,) for value in values])
    return column.in_(select(given.c.value))
