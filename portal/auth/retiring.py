"""What is left of a user who is erased: a row with a token for a name, switched off, without any way to sign in."""

import base64
import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, bindparam, delete, select, update

from portal.audit.erasing import erase_changes, rename_actors, who_has_acted
from portal.auth.models import ApiToken, User, new_uniquifier, sign_in_key
from portal.auth.tokens import acting_name
from portal.config import current_config
from portal.hooks.events import RetiredUser
from portal.kernel.db import Base, db

PREFIX = "retired-"
_TOKEN_LETTERS = 12
#: What the audit record keeps of changes to a user who was erased.
KEPT_CHANGES = frozenset({"active", "is_service", "roles", "provider"})

_users: Any = User.__table__
_ERASE = (
    update(_users)
    .where(_users.c.id == bindparam("erased_id"))
    .values(
        sign_in_name=bindparam("token"),
        sign_in_key=bindparam("token_key"),
        display_name=bindparam("token"),
        email=None,
        password=None,
        active=False,
        fs_uniquifier=bindparam("uniquifier"),
        last_seen_at=None,
        retired_at=bindparam("at"),
    )
)

_tokens: Any = ApiToken.__table__
_SET_TOKEN_MAKER = (
    update(_tokens)
    .where(_tokens.c.created_by_name == bindparam("person"))
    .values(created_by_name=bindparam("token"))
)


def retirement_token(user_id: int) -> str:
    """Return what stands for a person who was erased: 20 characters, the same each time.

    Computed with the installation's secret, so nobody outside can tell which user it was.
    """
    digest = hmac.new(current_config().signing_key().encode(), f"retired:{user_id}".encode(), hashlib.sha256)
    return PREFIX + base64.b32encode(digest.digest()).decode().lower()[:_TOKEN_LETTERS]


def retiring(users: Sequence[User]) -> tuple[RetiredUser, ...]:
    """Return what plugins are told of these users, 1 to 500, before anything is erased. Three statements."""
    ids = [user.id for user in users]
    namesakes = set(
        db.session.scalars(
            select(User.display_name).where(
                User.display_name.in_([user.display_name for user in users]), User.id.not_in(ids)
            )
        )
    )
    acted = who_has_acted(ids)
    programs = defaultdict(list)
    for token in db.session.execute(select(ApiToken.user_id, ApiToken.name).where(ApiToken.user_id.in_(ids))):
        programs[token.user_id].append(token.name)
    return tuple(
        RetiredUser(
            user_id=user.id,
            token=retirement_token(user.id),
            name=user.display_name,
            sign_in_name=user.sign_in_name,
            email=user.email,
            name_is_shared=user.display_name in namesakes,
            has_acted=user.id in acted,
            token_names=tuple(acting_name(user.display_name, name) for name in programs[user.id]),
        )
        for user in users
    )


def erase_users(users: Sequence[RetiredUser], at: datetime) -> None:
    """Erase the people from their users' rows, from all that hangs on them, and from the audit record.

    Everything of the core that would vanish with a user's row vanishes now: sessions, codes, identities, roles,
    tokens. A fixed number of statements for up to 500. Needs an open transaction; does not commit.
    """
    ids = [user.user_id for user in users]
    erase_changes(User.__tablename__, [str(user_id) for user_id in ids], KEPT_CHANGES)
    for table, column in _hanging_on_users():
        _erase_hanging(table, column, ids)
    db.session.execute(
        _ERASE,
        [
            {
                "erased_id": user.user_id,
                "token": user.token,
                "token_key": sign_in_key(user.token),
                "uniquifier": new_uniquifier(),
                "at": at,
            }
            for user in users
        ],
    )
    rename_actors({user.user_id: user.token for user in users})
    # Tokens that they made for others know them by name only: a name that somebody else has too is left.
    by_name = tokens_by_name(users)
    if by_name:
        db.session.execute(_SET_TOKEN_MAKER, by_name)
    db.session.expire_all()


def tokens_by_name(users: Sequence[RetiredUser]) -> list[dict[str, str]]:
    """Return ``person`` and ``token`` for each name that is one person's only, for records that keep a name alone."""
    return [
        {"person": name, "token": user.token}
        for user in users
        if not user.name_is_shared
        for name in user.names
    ]


def shared_addresses(emails: Sequence[str], user_ids: Sequence[int]) -> frozenset[str]:
    """Return those of the addresses that other users have too. One statement for at most 500."""
    found = db.session.scalars(
        select(User.email).where(User.email.in_(list(emails)), User.id.not_in(user_ids))
    )
    return frozenset(item for item in found if item)


def _hanging_on_users() -> Iterator[tuple[Table, Any]]:
    """Give the core's tables whose rows belong to one user, with the column that says to whom."""
    for table in Base.metadata.sorted_tables:
        if not table.name.startswith("portal_"):
            continue
        for key in table.foreign_keys:
            if key.target_fullname == "portal_user.id" and key.ondelete == "CASCADE":
                yield table, key.parent


def _erase_hanging(table: Table, column: Any, user_ids: Sequence[int]) -> None:
    (first, *more) = table.primary_key.columns
    if not more and first is not column:
        keys = [str(key) for key in db.session.scalars(select(first).where(column.in_(user_ids)))]
        for start in range(0, len(keys), 500):
            erase_changes(table.name, keys[start : start + 500])
    db.session.execute(delete(table).where(column.in_(user_ids)).execution_options(synchronize_session=False))
