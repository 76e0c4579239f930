"""External identities: what other systems, and the institution's numbers, call a user."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select, tuple_

from portal.audit.recording import record
from portal.auth.models import ExternalIdentity
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict
from portal.kernel.ids import new_id


@dataclass(frozen=True, kw_only=True)
class NewIdentity:
    """``provider`` says who uses the id (``student-number``); one user per provider and external id."""

    provider: str
    external_id: str
    user_id: int


def link_identities_many(identities: Sequence[NewIdentity]) -> None:
    """Tie external ids to users, 1 to 500 at a time. Three statements; needs an open transaction; does not commit.

    Raises:
        Conflict: code ``identity-taken``, naming the ids that belong to somebody already.
    """
    if not identities:
        return
    keys = [(identity.provider, identity.external_id) for identity in identities]
    taken = db.session.scalars(
        select(ExternalIdentity.external_id).where(
            tuple_(ExternalIdentity.provider, ExternalIdentity.external_id).in_(keys)
        )
    ).all()
    if taken:
        shown = ", ".join(sorted(taken)[:5])
        raise Conflict(
            "identity-taken", f"These ids belong to a user already: {shown}.", {"external_ids": list(taken)}
        )
    now = utc_now()
    db.session.execute(
        insert(ExternalIdentity),
        [
            {
                "id": new_id(),
                "provider": identity.provider,
                "external_id": identity.external_id,
                "user_id": identity.user_id,
                "created_at": now,
            }
            for identity in identities
        ],
    )
    linked = {identity.external_id: identity.user_id for identity in identities}
    record("link", ExternalIdentity.__tablename__, f"{len(linked)} identities", {"users": linked})


def users_by_identity(provider: str, external_ids: Sequence[str]) -> dict[str, int]:
    """Return external id → user id for those that are linked. One statement for at most 500 ids."""
    rows = db.session.execute(
        select(ExternalIdentity.external_id, ExternalIdentity.user_id).where(
            ExternalIdentity.provider == provider, ExternalIdentity.external_id.in_(external_ids)
        )
    )
    return {row.external_id: row.user_id for row in rows}
