"""Identities that arrive with a sign-in: tied to the user at once, or kept as pending; never a failed sign-in."""

import logging
import uuid
from collections.abc import Sequence

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from portal.auth.identities import NewIdentity, checked_identity, link_identities_many, owners_of
from portal.auth.models import PendingIdentity, User
from portal.hooks.events import IdentitiesLinked
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict, PortalError
from portal.kernel.ids import new_id
from portal.kernel.transaction import savepoint, transaction

log = logging.getLogger(__name__)

MAX_PROBLEM = 500


def attach_at_sign_in(user: User, provider: str, external_id: str) -> bool:
    """Tie an external id to the user who is signing in and say whether it is tied now. Never raises.

    A plugin that refuses, or an id that belongs to somebody else, leaves a pending identity with the reason: shown on
    the user's page and tried again by the job ``portal.attach_identities``. Opens its own transaction.
    """
    user_id = user.id
    try:
        with transaction():
            return attach(checked_identity(provider, external_id, user_id))
    except (PortalError, SQLAlchemyError):
        # The border to somebody else's sign-in: whatever is wrong here, the person comes in.
        log.exception("the identity %s of user %s was not attached at sign-in", provider, user_id)
        return False


def attach(identity: NewIdentity) -> bool:
    """Tie one external id to its user, or note why that did not work; say whether it is tied.

    Needs an open transaction; does not commit. What failed is undone to a savepoint.
    """
    owner = owners_of([identity.key]).get(identity.key)
    if owner == identity.user_id:
        settle([(*identity.key, identity.user_id)])
        return True
    try:
        with savepoint():
            _refuse_owner(owner)
            link_identities_many([identity], reason="arrived with a sign-in")
    except Exception as error:
        # The border to the plugins' reactions: a bug there must not cost a sign-in.
        log.warning("identity of user %s is pending: %s", identity.user_id, error, exc_info=error)
        _note(identity, _problem(error))
        return False
    return True


def attach_many(identities: Sequence[NewIdentity]) -> list[bool]:
    """Tie 1 to 500 external ids to their users and say for each, in order, whether it is tied.

    All free ones at once; only when that fails one by one. Needs an open transaction; does not commit.
    """
    owners = owners_of([identity.key for identity in identities])
    free = {identity.key: identity for identity in identities if identity.key not in owners}
    tied: set[NewIdentity] = set()
    try:
        with savepoint():
            link_identities_many(list(free.values()), reason="arrived with a sign-in")
        tied = set(free.values())
    except Exception as error:  # noqa: BLE001
        # The border to the plugins' reactions; which of them is refused shows one by one.
        log.info("pending identities are tried one by one: %s", error)
    return [identity in tied or attach(identity) for identity in identities]


def _refuse_owner(owner: int | None) -> None:
    if owner is not None:
        raise Conflict("linked-to-other", f"It belongs to the user with the number {owner}.")


def _problem(error: Exception) -> str:
    if isinstance(error, PortalError):
        return f"{error.code}: {error.message}"[:MAX_PROBLEM]
    return f"An unexpected error ({type(error).__name__}); the log has the details."


def _note(identity: NewIdentity, problem: str) -> None:
    insert = postgresql.insert if db.session().get_bind().dialect.name == "postgresql" else sqlite.insert
    now = utc_now()
    statement = insert(PendingIdentity).values(
        id=new_id(),
        user_id=identity.user_id,
        provider=identity.provider,
        external_id=identity.external_id,
        problem=problem,
        attempts_count=1,
        created_at=now,
        tried_at=now,
    )
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["user_id", "provider", "external_id"],
            set_={
                "problem": problem,
                "tried_at": now,
                "attempts_count": PendingIdentity.attempts_count + 1,
            },
        )
    )


def settle(links: Sequence[tuple[str, str, int]]) -> None:
    """Forget pending identities that are tied now: (provider, external id, user id), 1 to 500. One statement."""
    columns = tuple_(PendingIdentity.provider, PendingIdentity.external_id, PendingIdentity.user_id)
    db.session.execute(
        delete(PendingIdentity).where(columns.in_(list(links))).execution_options(synchronize_session=False)
    )


def settle_linked(event: IdentitiesLinked) -> None:
    """Forget what waited for ids that are linked now, whoever linked them."""
    settle([(item.provider, item.external_id, item.user_id) for item in event.identities])


def discard_pending(pending_id: uuid.UUID, user_id: int) -> bool:
    """Forget one pending identity of a user; say whether there was one. Needs an open transaction."""
    done = db.session.execute(
        delete(PendingIdentity)
        .where(PendingIdentity.id == pending_id, PendingIdentity.user_id == user_id)
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def pending_of(user_id: int) -> Sequence[PendingIdentity]:
    """Return what waits to be tied to the user, oldest first."""
    return db.session.scalars(
        select(PendingIdentity).where(PendingIdentity.user_id == user_id).order_by(PendingIdentity.created_at)
    ).all()
