"""Empties an organization of its enrollments and identities, where a setting says that the portal is for trials."""

from typing import Any

from sqlalchemy import select

from plugins.enrollments.api.resetting import require_reset_allowed
from plugins.enrollments.api.resetting_programs import reset_programs
from plugins.enrollments.errors import BadOrganizationShortNameException
from plugins.enrollments.models import IdentityProvider, Organization, ProgramAuthor
from portal.sdk import ExternalIdentity, db, unlink_identities
from portal.sdk import NewIdentity as Identity

CHUNK_ROWS = 500


def reset_organization(short_name: str) -> dict[str, int]:
    """Delete what an organization's programs and providers brought; return what → how many.

    The enrollments of all programs that it authors, the course enrollments made through them alone, and the identities
    of its providers. Accounts stay. Seven statements, and four per 500 identities. Needs an open transaction; does not
    commit.

    Raises:
        ResetForbidden: the setting ``allow_reset`` is off; asked first.
        BadOrganizationShortNameException: there is no such organization.

    Source: ``integration-reset`` of edx-platform, which removed accounts too.
    """
    require_reset_allowed()
    organization_id = db.session.scalar(select(Organization.id).where(Organization.short_name == short_name))
    if organization_id is None:
        raise BadOrganizationShortNameException(short_name)
    written = select(ProgramAuthor.program_id).where(ProgramAuthor.organization_key == short_name)
    done = reset_programs(list(db.session.scalars(written)))
    return {
        "program_enrollments": done.enrollments,
        "course_enrollments": done.courses,
        "identities": _forget_identities(organization_id, short_name),
    }


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
