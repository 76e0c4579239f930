"""Makes and changes users. Permission checks are the caller's; nothing here commits."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from portal.audit.recording import AuditRow, record, record_many
from portal.auth.identities import NewIdentity, link_identities_many, users_by_identity
from portal.auth.models import User, UserSession, new_uniquifier, normal_email, sign_in_key
from portal.auth.passwords import HashedPassword, hashed
from portal.auth.roles import (
    ADMINISTRATOR,
    assign_roles,
    ensure_roles,
    give_role_many,
    refuse_last_administrator,
)
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict, InvalidInput, NotFound

__all__ = [
    "ADMINISTRATOR",
    "NewIdentity",
    "NewUser",
    "assign_roles",
    "create_administrator",
    "create_many",
    "create_service",
    "create_user",
    "ensure_roles",
    "find_user_for_sign_in",
    "link_identities_many",
    "set_active",
    "set_password",
    "users_by_identity",
]

MAX_NAME = 80
MAX_EMAIL = 254
EMAIL_RULE = re.compile(r"[^@\s]+@[^@\s]+")


@dataclass(frozen=True, kw_only=True)
class NewUser:
    """A user to be made without a password."""

    sign_in_name: str
    display_name: str
    email: str | None = None


def create_user(
    sign_in_name: str,
    display_name: str,
    email: str | None = None,
    password: str | HashedPassword | None = None,
    roles: Iterable[str] = (),
) -> User:
    """Return a new, active user. Hash the password before with :func:`hashed`: doing it here holds the transaction.

    Needs an open transaction; does not commit.

    Raises:
        InvalidInput: ``sign-in-name-invalid``, ``email-invalid``, ``password-weak`` or ``role-unknown``.
        Conflict: code ``sign-in-name-taken``.
    """
    _refuse_taken([sign_in_name])
    _refuse_invalid_email(email)
    user = User(sign_in_name=sign_in_name, display_name=display_name.strip() or sign_in_name, email=email)
    user.password = hashed(password).value if password is not None else None
    db.session.add(user)
    db.session.flush()
    names = list(roles)
    if names:
        assign_roles(user.id, names)
    return user


def create_service(sign_in_name: str, display_name: str, roles: Iterable[str] = ()) -> User:
    """Return a new service account: a user without a password, for programs that call with API tokens.

    Needs an open transaction; does not commit. Raises as :func:`create_user`.
    """
    user = create_user(sign_in_name, display_name, roles=roles)
    user.is_service = True
    db.session.flush()
    return user


def create_many(users: Sequence[NewUser], roles: Iterable[str] = ()) -> list[int]:
    """Make 1 to 500 users without a password and return their ids in the same order.

    Three statements, two more per role. Needs an open transaction; does not commit.

    Raises:
        InvalidInput: ``sign-in-name-invalid``, ``email-invalid`` or ``role-unknown``.
        Conflict: code ``sign-in-name-taken``, naming them; also when two rows have the same.
    """
    if not users:
        return []
    _refuse_taken([user.sign_in_name for user in users])
    for user in users:
        _refuse_invalid_email(user.email)
    now = utc_now()
    created = db.session.execute(
        # Nulls are written out, so that users with and without an address go in one statement.
        insert(User).returning(User.id, User.sign_in_key).execution_options(render_nulls=True),
        [
            {
                "sign_in_name": user.sign_in_name.strip(),
                "sign_in_key": sign_in_key(user.sign_in_name),
                "display_name": user.display_name,
                "email": normal_email(user.email),
                "active": True,
                "is_service": False,
                "fs_uniquifier": new_uniquifier(),
                "created_at": now,
            }
            for user in users
        ],
    )
    by_key = {key: user_id for user_id, key in created}
    ids = [by_key[sign_in_key(user.sign_in_name)] for user in users]
    record_many([_made(user_id, user) for user_id, user in zip(ids, users, strict=True)])
    for role in roles:
        give_role_many(ids, role)
    return ids


def _made(user_id: int, user: NewUser) -> AuditRow:
    changes = {"sign_in_name": user.sign_in_name, "display_name": user.display_name, "email": user.email}
    return AuditRow(action="create", target=User.__tablename__, record_id=str(user_id), changes=changes)


def create_administrator(sign_in_name: str, password: str | HashedPassword) -> User:
    """Return a new user with the administrator role; the role is made when it is not there.

    Needs an open transaction; does not commit. Raises as :func:`create_user`.
    """
    ensure_roles([])
    return create_user(sign_in_name, sign_in_name, password=password, roles=[ADMINISTRATOR])


def set_active(user_id: int, active: bool) -> None:
    """Switch a user on or off; switching off ends all sign-ins at once. Needs an open transaction.

    Raises:
        NotFound: code ``user-not-found``.
        Conflict: code ``last-administrator``, or ``user-retired`` for what is left of a person who was erased.
    """
    user = get_user(user_id)
    if active and user.retired_at is not None:
        raise Conflict("user-retired", "This person was erased; the user cannot be switched on again.")
    if user.active and not active:
        refuse_last_administrator(user_id)
        end_sessions(user)
    user.active = active
    db.session.flush()


def set_password(user_id: int, password: str | HashedPassword) -> None:
    """Give the user a new password, which ends all sign-ins. Needs an open transaction; does not commit.

    Raises:
        NotFound: code ``user-not-found``.
        InvalidInput: code ``password-weak``.
    """
    user = get_user(user_id)
    user.password = hashed(password).value
    end_sessions(user)
    db.session.flush()
    record("set-password", User.__tablename__, str(user_id))


def end_sessions(user: User) -> None:
    """End all sign-ins of the user, whatever copies of the cookies there are."""
    user.fs_uniquifier = new_uniquifier()
    db.session.execute(
        delete(UserSession).where(UserSession.user_id == user.id).execution_options(synchronize_session=False)
    )


def get_user(user_id: int) -> User:
    """Return the user.

    Raises:
        NotFound: code ``user-not-found``.
    """
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound("user-not-found", f"There is no user {user_id}.")
    return user


def find_user_for_sign_in(name: str) -> User | None:
    """Return the user with this sign-in name, or else the only one with this e-mail address."""
    user = db.session.scalar(select(User).where(User.sign_in_key == sign_in_key(name)))
    email = normal_email(name)
    if user is not None or email is None or "@" not in email:
        return user
    matches = db.session.scalars(select(User).where(User.email == email).limit(2)).all()
    return matches[0] if len(matches) == 1 else None


def is_anybody_there() -> bool:
    """Say whether any user exists, so that a fresh installation can lead to its first administrator."""
    return db.session.scalar(select(User.id).limit(1)) is not None


def _refuse_taken(names: Sequence[str]) -> None:
    keys = [sign_in_key(name) for name in names]
    for name, key in zip(names, keys, strict=True):
        if not key or len(name.strip()) > MAX_NAME or len(key) > 2 * MAX_NAME:
            raise InvalidInput(
                "sign-in-name-invalid", f"A sign-in name has 1 to {MAX_NAME} characters; got {name!r}."
            )
    taken = set(db.session.scalars(select(User.sign_in_key).where(User.sign_in_key.in_(keys))))
    taken |= {key for key, count in Counter(keys).items() if count > 1}
    if taken:
        shown = sorted(name for name, key in zip(names, keys, strict=True) if key in taken)
        raise Conflict(
            "sign-in-name-taken",
            f"The sign-in name {', '.join(shown[:5])} is taken.",
            {"sign_in_names": shown},
        )


def _refuse_invalid_email(email: str | None) -> None:
    value = normal_email(email)
    if value is not None and (len(value) > MAX_EMAIL or not EMAIL_RULE.fullmatch(value)):
        raise InvalidInput("email-invalid", f"{email!r} is not an e-mail address.")
