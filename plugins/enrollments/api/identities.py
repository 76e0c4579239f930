"""Links what waits for learners whose external identities have just arrived, whoever brought them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, String, and_, select

from plugins.enrollments.api.catalog import first_author
from plugins.enrollments.api.inputs import current_settings, is_storable_key, normaliser
from plugins.enrollments.api.link_engine import ATTEMPTS, Pair, link_pairs, moved
from plugins.enrollments.api.rowsets import looked_up, rowset
from plugins.enrollments.api.stamping import note
from plugins.enrollments.errors import LinkingRefused
from plugins.enrollments.models import IdentityProvider, Organization, ProgramEnrollment
from plugins.enrollments.models.columns import Identifier
from portal.sdk import LinkedIdentity, db

_IDENTITY = {"provider": String(), "form": Identifier, "user_id": Integer()}


def link_identities(identities: Sequence[LinkedIdentity]) -> int:
    """Link every waiting enrollment of these identities and return how many were linked.

    Of all programs and curricula whose first authoring organization is the one of the identity's provider; other
    identities are none of ours. Twelve statements at most for up to 500 identities. Needs an open transaction; does
    not commit.

    Raises:
        LinkingRefused: an enrollment could not be linked; roll back. A sign-in goes on all the same: the portal keeps
            the identity as pending, shows the reason and tries again.

    Source: program_enrollments of edx-platform, ``signals.py`` (which broke the sign-in).
    """
    waiting, problems = _waiting(identities), {}
    for _ in range(ATTEMPTS):
        problems = link_pairs([Pair(number, user_id) for number, user_id, _ in waiting])
        if not moved(problems):
            break
        # Somebody else linked some of them meanwhile: they wait no longer.
        waiting = _waiting(identities)
    if problems:
        keys = {number: key for number, _, key in waiting}
        raise LinkingRefused({keys[number]: problem.text for number, problem in problems.items()})
    if not waiting:
        return 0
    facts = {"linked": len(waiting)}
    note("link-identities", ProgramEnrollment.__tablename__, waiting[0][0], facts)
    db.session.expire_all()
    return len(waiting)


def _waiting(identities: Sequence[LinkedIdentity]) -> list[tuple[int, int, str]]:
    """Return (enrollment number, user id, external key) of what waits for them. Three statements at most.

    One when no program's organization has one of these providers: new students of all others pass here too.
    """
    providers = {identity.provider for identity in identities}
    known = select(IdentityProvider.id).where(
        IdentityProvider.slug.in_(sorted(providers)), IdentityProvider.organization_id.is_not(None)
    )
    if db.session.scalar(known.limit(1)) is None:
        return []
    normalise = normaliser(current_settings())
    rows = [
        (identity.provider, normalise(identity.external_id), identity.user_id)
        for identity in identities
        if is_storable_key(identity.external_id, normalise)
    ]
    if not rows:
        return []
    given = rowset("given", _IDENTITY, rows)
    source = (
        looked_up(given, IdentityProvider, IdentityProvider.slug == given.c.provider)
        .outerjoin(Organization, Organization.id == IdentityProvider.organization_id)
        .outerjoin(
            ProgramEnrollment,
            and_(
                ProgramEnrollment.external_key == given.c.form,
                ProgramEnrollment.user_id.is_(None),
                first_author(ProgramEnrollment.program_uuid) == Organization.short_name,
            ),
        )
    )
    statement = (
        select(ProgramEnrollment.id, given.c.user_id, ProgramEnrollment.external_user_key)
        .select_from(source)
        .order_by(ProgramEnrollment.id)
    )
    found: dict[int, Any] = {
        row[0]: tuple(row) for row in db.session.execute(statement) if row[0] is not None
    }
    return list(found.values())
