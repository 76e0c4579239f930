"""External identities: what other systems, and the institution's numbers, call a user. Linked, unlinked, looked up."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, delete, func, insert, select, tuple_

from portal.audit.recording import AuditRow, record_many
from portal.auth.models import ExternalIdentity, User
from portal.hooks.events import IdentitiesLinked, LinkedIdentity
from portal.hooks.manager import emit_reaction
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict, InvalidInput
from portal.kernel.ids import new_id

MAX_PROVIDER = 60
MAX_EXTERNAL_ID = 200
MAX_REASON = 300


@dataclass(frozen=True, kw_only=True)
class NewIdentity:
    """``provider`` says who uses the id (``student-number``); one user per provider and external id."""

    provider: str
    external_id: str
    user_id: int

    @property
    def key(self) -> tuple[str, str]:
        return self.provider, self.external_id


def checked_identity(provider: str, external_id: str, user_id: int) -> NewIdentity:
    """Return an identity as it may be stored, without outer blanks.

    Raises:
        InvalidInput: ``provider-invalid`` or ``external-id-invalid``, with the rule.
    """
    provider, external_id = provider.strip(), external_id.strip()
    if not 1 <= len(provider) <= MAX_PROVIDER or not provider.isprintable():
        message = f"A system's name has 1 to {MAX_PROVIDER} visible characters; got {provider[:80]!r}."
        raise InvalidInput("provider-invalid", message, {"field": "provider"})
    if not 1 <= len(external_id) <= MAX_EXTERNAL_ID or not external_id.isprintable():
        message = f"A key has 1 to {MAX_EXTERNAL_ID} visible characters; got {external_id[:80]!r}."
        raise InvalidInput("external-id-invalid", message, {"field": "external_id"})
    return NewIdentity(provider=provider, external_id=external_id, user_id=user_id)


def link_identities_many(identities: Sequence[NewIdentity], reason: str = "") -> None:
    """Tie external ids to users, 1 to 500 at a time, and tell the plugins (``portal_identities_linked``).

    Three statements and those of the plugins. Needs an open transaction; does not commit.

    Args:
        identities: Unique by provider and external id.
        reason: Goes into the audit record.

    Raises:
        Conflict: code ``identity-taken``, naming the ids that belong to somebody already.
        PluginReactionFailed: a plugin refused; the transaction must roll back.
    """
    if not identities:
        return
    taken = sorted(external_id for _, external_id in owners_of(item.key for item in identities))
    if taken:
        shown = ", ".join(taken[:5])
        raise Conflict(
            "identity-taken", f"These ids belong to a user already: {shown}.", {"external_ids": taken}
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
    record_many([_audit("link-identity", identity, reason) for identity in identities])
    linked = tuple(
        LinkedIdentity(user_id=identity.user_id, provider=identity.provider, external_id=identity.external_id)
        for identity in identities
    )
    emit_reaction("portal_identities_linked", event=IdentitiesLinked(identities=linked))


def unlink_identities_many(identities: Sequence[NewIdentity], reason: str) -> list[NewIdentity]:
    """Untie external ids from these users, 1 to 500 at a time, and return those that were tied to them.

    What plugins keep for these ids stays. Three statements. Needs an open transaction; does not commit.

    Args:
        reason: Why; goes into the audit record.

    Raises:
        InvalidInput: code ``reason-missing``.
    """
    reason = required_reason(reason)
    owners = owners_of(item.key for item in identities)
    mine = [item for item in identities if owners.get(item.key) == item.user_id]
    if not mine:
        return []
    db.session.execute(
        delete(ExternalIdentity)
        .where(
            tuple_(ExternalIdentity.provider, ExternalIdentity.external_id).in_([item.key for item in mine])
        )
        .execution_options(synchronize_session=False)
    )
    record_many([_audit("unlink-identity", item, reason) for item in mine])
    db.session.expire_all()
    return mine


def required_reason(reason: str) -> str:
    """Return the reason as it is kept.

    Raises:
        InvalidInput: code ``reason-missing``.
    """
    reason = " ".join(reason.split())[:MAX_REASON]
    if not reason:
        raise InvalidInput(
            "reason-missing", "Say why, in a few words: it stays in the audit record.", {"field": "reason"}
        )
    return reason


def owners_of(keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return (provider, external id) → user id for those that are linked. One statement for at most 500."""
    rows = db.session.execute(
        select(ExternalIdentity.provider, ExternalIdentity.external_id, ExternalIdentity.user_id).where(
            tuple_(ExternalIdentity.provider, ExternalIdentity.external_id).in_(list(keys))
        )
    )
    return {(row.provider, row.external_id): row.user_id for row in rows}


def users_by_identity(provider: str, external_ids: Sequence[str]) -> dict[str, int]:
    """Return external id → user id for those that are linked. One statement for at most 500 ids."""
    rows = db.session.execute(
        select(ExternalIdentity.external_id, ExternalIdentity.user_id).where(
            ExternalIdentity.provider == provider, ExternalIdentity.external_id.in_(external_ids)
        )
    )
    return {row.external_id: row.user_id for row in rows}


def identities_by_user(user_ids: Sequence[int]) -> Mapping[int, list[ExternalIdentity]]:
    """Return user id → identities, by system and key; users without one are absent. One statement for at most 500."""
    found: dict[int, list[ExternalIdentity]] = {}
    rows = db.session.scalars(
        select(ExternalIdentity)
        .where(ExternalIdentity.user_id.in_(user_ids))
        .order_by(ExternalIdentity.provider, ExternalIdentity.external_id)
    )
    for identity in rows:
        found.setdefault(identity.user_id, []).append(identity)
    return found


def identity_of_user(identity_id: uuid.UUID, user_id: int) -> ExternalIdentity | None:
    """Return an identity if it is this user's."""
    found = db.session.get(ExternalIdentity, identity_id)
    return found if found is not None and found.user_id == user_id else None


def known_providers(most: int = 50) -> list[str]:
    """Return the systems that any user has a key of, in order. One statement; as many index look-ups as systems."""
    first = select(func.min(ExternalIdentity.provider).label("name")).cte("system", recursive=True)
    following = (
        select(func.min(ExternalIdentity.provider))
        .where(ExternalIdentity.provider > first.c.name)
        .scalar_subquery()
    )
    systems = first.union_all(select(following).where(first.c.name.is_not(None)))
    found = db.session.scalars(select(systems.c.name).where(systems.c.name.is_not(None)).limit(most))
    return sorted(found)


def with_external_id(external_id: str) -> Select[int]:
    """Return the SELECT of the ids of users whom any system knows under this id, for use in a condition."""
    return select(ExternalIdentity.user_id).where(ExternalIdentity.external_id == external_id)


def _audit(action: str, identity: NewIdentity, reason: str) -> AuditRow:
    changes = {"provider": identity.provider, "external_id": identity.external_id}
    if reason:
        changes["reason"] = reason
    return AuditRow(
        action=action, target=User.__tablename__, record_id=str(identity.user_id), changes=changes
    )
