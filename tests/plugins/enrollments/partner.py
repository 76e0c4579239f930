"""A small partner university to test on."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import func, select

from plugins.enrollments.models import (
    CourseEnrollment,
    CourseRun,
    Curriculum,
    IdentityProvider,
    Organization,
    Program,
    ProgramAuthor,
    ProgramCourseEnrollment,
    ProgramEnrollment,
)
from portal.sdk import ExternalIdentity, User, db, run_in_transaction, transaction
from portal.testing.people import make_user

ORGANIZATION, PROVIDER = "north", "north-saml"
PROGRAM = uuid.UUID("11111111-1111-4111-8111-111111111111")
#: Of the same organization.
SECOND = uuid.UUID("22222222-2222-4222-8222-222222222222")
CURRICULUM = uuid.UUID("aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa")
OTHER_CURRICULUM = uuid.UUID("bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb")
COURSES = tuple(f"course-v1:north+C{number}+2026" for number in range(1, 6))
COURSE = COURSES[0]


def found() -> None:
    """Make an organization with a provider, two programs with a curriculum each, and five course runs."""
    with transaction() as session:
        organization = Organization(short_name=ORGANIZATION)
        session.add_all([organization, IdentityProvider(slug=PROVIDER, organization=organization)])
        for uid, curriculum in ((PROGRAM, CURRICULUM), (SECOND, OTHER_CURRICULUM)):
            author = ProgramAuthor(position=0, organization_key=ORGANIZATION)
            session.add(Program(id=uid, authors=[author]))
            session.flush()
            session.add(Curriculum(id=curriculum, program_id=uid))
        session.add_all([CourseRun(course_key=key) for key in COURSES])


def written(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Call a function in a transaction of its own, as an entry point does."""
    return run_in_transaction(lambda: function(*arguments, **keywords))


def keys(count: int, prefix: str = "k") -> list[str]:
    return [f"{prefix}{number:06d}" for number in range(count)]


def requests(wanted: Sequence[str], status: str = "enrolled", **more: Any) -> list[dict[str, Any]]:
    """Return one request per key, as both kinds of write take them."""
    return [
        {"external_user_key": key, "status": status, "curriculum_uuid": str(CURRICULUM), **more}
        for key in wanted
    ]


def make_users(names: Sequence[str]) -> dict[str, int]:
    """Make users quickly; return name to id."""
    first = make_user(names[0])
    with transaction() as session:
        session.add_all(
            [User(sign_in_name=name, display_name=name, fs_uniquifier=uuid.uuid4().hex) for name in names[1:]]
        )
    found = dict(db.session.execute(select(User.sign_in_name, User.id).where(User.id >= first)).all())
    db.session.rollback()
    return {name: found[name] for name in names}


def identify(users: dict[str, int], provider: str = PROVIDER) -> None:
    """Let the provider know users by their names, without telling anybody."""
    with transaction() as session:
        session.add_all(
            [
                ExternalIdentity(provider=provider, external_id=name, user_id=user_id)
                for name, user_id in users.items()
            ]
        )


def count(model: type, **values: Any) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model).filter_by(**values)) or 0


def learner(key: str, program: uuid.UUID = PROGRAM) -> ProgramEnrollment:
    db.session.rollback()
    statement = select(ProgramEnrollment).filter_by(external_user_key=key, program_uuid=program)
    return db.session.scalars(statement).one()


def course_row(key: str, course_key: str = COURSE, program: uuid.UUID = PROGRAM) -> ProgramCourseEnrollment:
    statement = select(ProgramCourseEnrollment).filter_by(
        program_enrollment_id=learner(key, program).id, course_key=course_key
    )
    return db.session.scalars(statement).one()


def course_of(user_id: int, course_key: str = COURSE) -> tuple[str, bool] | None:
    """Return mode and activity of a user's course enrollment."""
    db.session.rollback()
    row = db.session.scalar(select(CourseEnrollment).filter_by(user_id=user_id, course_key=course_key))
    return (row.mode, row.is_active) if row is not None else None
