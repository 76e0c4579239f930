"""Empties an organization of its enrollments, where a setting says that the portal is for trials."""

from typing import Any, ClassVar

from sqlalchemy import delete, func, select

from plugins.enrollments.api.inputs import current_settings
from plugins.enrollments.api.stamping import note
from plugins.enrollments.errors import BadOrganizationShortNameException
from plugins.enrollments.models import (
    CourseEnrollment,
    IdentityProvider,
    Organization,
    ProgramAuthor,
    ProgramCourseEnrollment,
    ProgramEnrollment,
)
from portal.sdk import ExternalIdentity, PortalError, db, unlink_identities
from portal.sdk import NewIdentity as Identity

CHUNK_ROWS = 500


class ResetForbidden(PortalError):
    """Resetting is not allowed in this portal."""

    status: ClassVar[int] = 501

    def __init__(self) -> None:
        super().__init__(
            "reset-forbidden",
            "Resetting is for trial portals. An administrator may allow it in the settings of enrollments.",
        )


def reset_organization(short_name: str) -> dict[str, int]:
    """Delete what an organization's programs and providers brought; return what → how many.

    The enrollments of all programs that it authors, the course enrollments made through them, and the identities of
    its providers. Accounts and the history stay. Needs an open transaction; does not commit.

    Raises:
        ResetForbidden: the setting ``allow_reset`` is off; asked first.
        BadOrganizationShortNameException: there is no such organization.

    Source: ``reset_enrollment_data`` and ``integration-reset`` of edx-platform, which removed accounts too.
    """
    require_reset_allowed()
    organization_id = db.session.scalar(select(Organization.id).where(Organization.short_name == short_name))
    if organization_id is None:
        raise BadOrganizationShortNameException(short_name)
    db.session.flush()
    programs = select(ProgramAuthor.program_id).where(ProgramAuthor.organization_key == short_name)
    learners = select(ProgramEnrollment.id).where(ProgramEnrollment.program_uuid.in_(programs))
    courses = select(ProgramCourseEnrollment.course_enrollment_id).where(
        ProgramCourseEnrollment.program_enrollment_id.in_(learners),
        ProgramCourseEnrollment.course_enrollment_id.is_not(None),
    )
    rows = func.count(ProgramCourseEnrollment.id)
    taken = db.session.scalar(select(rows).where(ProgramCourseEnrollment.program_enrollment_id.in_(learners)))
    removed = {
        "course_enrollments": _deleted(delete(CourseEnrollment).where(CourseEnrollment.id.in_(courses))),
        "program_course_enrollments": taken or 0,
        "program_enrollments": _deleted(
            delete(ProgramEnrollment).where(ProgramEnrollment.program_uuid.in_(programs))
        ),
        "identities": _forget_identities(organization_id, short_name),
    }
    note("reset-organization", ProgramEnrollment.__tablename__, short_name, removed)
    db.session.expire_all()
    return removed


def require_reset_allowed() -> None:
    """Refuse to go on in a portal that is not for trials.

    Raises:
        ResetForbidden: the setting ``allow_reset`` is off.
    """
    if not current_settings().allow_reset:
        raise ResetForbidden


def _deleted(statement: Any) -> int:
    result: Any = db.session.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)


def _forget_identities(organization_id: Any, short_name: str) -> int:
    providers = select(IdentityProvider.slug).where(IdentityProvider.organization_id == organization_id)
    statement = select(ExternalIdentity).where(ExternalIdentity.provider.in_(providers)).limit(CHUNK_ROWS)
    done = 0
    while found := db.session.scalars(statement).all():
        identities = [
            Identity(provider=item.provider, external_id=item.external_id, user_id=item.user_id)
            for item in found
        ]
        done += len(unlink_identities(identities, f"reset of {short_name}"))
    return done
