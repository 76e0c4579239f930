"""Takes back accounts that were made in bulk and never used. Whoever has used an account keeps it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Integer, delete, select

from portal.audit.recording import AuditRow, record_many
from portal.auth.models import Activation, ExternalIdentity, User, UserRole
from portal.kernel.db import db
from portal.kernel.errors import Conflict
from portal.kernel.references import who_refers

_JUDGED = (
    Activation.__tablename__,
    ExternalIdentity.__tablename__,
    UserRole.__tablename__,
)


@dataclass(frozen=True, kw_only=True)
class AccountUse:
    """How an account was used: a stable code, and words that follow “kept:”."""

    code: str
    words: str


def account_uses(
    user_ids: Sequence[int], *, providers: Collection[str], lock: bool = False
) -> Mapping[int, AccountUse]:
    """Return user id → how the account was used since it was made; unused ones are absent.

    Used means: signed in, activated, switched off, given a role, known to a further system, or referred to by
    another record of the core (a sign-in, a token). What refers to it in plugins' tables does not count here. Five statements.

    Args:
        user_ids: At most 500.
        providers: Systems of the identities that every such account has from the start.
        lock: Keep the accounts from changing until the transaction ends.
    """
    # First, because whatever begins to refer to a locked account waits.
    accounts = _accounts(user_ids, lock=lock)
    uses: dict[int, AccountUse] = {}
    referring = who_refers(User.__tablename__, user_ids, Integer(), prefix="portal_", but=_JUDGED)
    for user_id, place in referring.items():
        words = f"{place.removeprefix('portal_').replace('_', ' ')} records refer to the account"
        uses[int(str(user_id))] = AccountUse(code="account-used", words=words)
    return uses | _identities(user_ids, providers) | _roles(user_ids) | _activations(user_ids) | accounts


def _identities(user_ids: Sequence[int], providers: Collection[str]) -> dict[int, AccountUse]:
    found = db.session.execute(
        select(ExternalIdentity.user_id, ExternalIdentity.provider).where(
            ExternalIdentity.user_id.in_(user_ids), ExternalIdentity.provider.not_in(providers)
        )
    )
    return {
        user_id: AccountUse(code="account-linked", words=f"the account is tied to {provider}")
        for user_id, provider in found
    }


def _roles(user_ids: Sequence[int]) -> dict[int, AccountUse]:
    found = db.session.scalars(select(UserRole.user_id).where(UserRole.user_id.in_(user_ids)))
    return {user_id: AccountUse(code="account-used", words="the account has a role") for user_id in found}


def _activations(user_ids: Sequence[int]) -> dict[int, AccountUse]:
    found = db.session.execute(
        select(Activation.user_id, Activation.used_at).where(
            Activation.user_id.in_(user_ids), Activation.used_at.is_not(None)
        )
    )
    return {
        user_id: AccountUse(code="account-activated", words=f"the account was activated on {_day(used_at)}")
        for user_id, used_at in found
    }


def _accounts(user_ids: Sequence[int], *, lock: bool) -> dict[int, AccountUse]:
    columns = (User.id, User.active, User.last_seen_at, User.password.is_not(None).label("has_password"))
    statement = select(*columns).where(User.id.in_(user_ids)).order_by(User.id)
    uses: dict[int, AccountUse] = {}
    for row in db.session.execute(statement.with_for_update() if lock else statement):
        if row.last_seen_at is not None:
            words = f"somebody signed in with the account, last on {_day(row.last_seen_at)}"
            uses[row.id] = AccountUse(code="account-signed-in", words=words)
        elif row.has_password:
            uses[row.id] = AccountUse(code="account-activated", words="the account has a password")
        elif not row.active:
            uses[row.id] = AccountUse(code="account-used", words="the account was switched off")
    return uses


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment is not None else "an unknown day"


def remove_users(user_ids: Sequence[int]) -> None:
    """Remove accounts that nobody used, with their identities and activations; the audit record stays.

    Five statements. Needs an open transaction; does not commit.

    Args:
        user_ids: At most 500; see :func:`account_uses`.

    Raises:
        Conflict: ``account-used`` when any record still refers to one of them: nothing goes by cascade unseen.
    """
    if not user_ids:
        return
    for model in (ExternalIdentity, Activation):
        db.session.execute(
            delete(model).where(model.user_id.in_(user_ids)).execution_options(synchronize_session=False)
        )
    left = who_refers(User.__tablename__, user_ids, Integer())
    if left:
        user_id, place = next(iter(left.items()))
        raise Conflict(
            "account-used",
            f"Kept: records in {place} refer to the account {user_id}. Remove them first.",
            {"user_ids": sorted(map(str, left)), "table": place},
        )
    db.session.execute(delete(User).where(User.id.in_(user_ids)).execution_options(synchronize_session=False))
    record_many(
        [AuditRow(action="delete", target=User.__tablename__, record_id=str(user_id)) for user_id in user_ids]
    )
