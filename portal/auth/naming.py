"""Finds users by what a sheet says of them: a sign-in name, an e-mail address or a number, never guessed which."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from portal.auth.models import User, normal_email, sign_in_key
from portal.kernel.db import db

#: PostgreSQL's integers end here; no user has a higher number.
MAX_USER_ID = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class NamedUser:
    """How a row names its user: exactly one of the three is not empty."""

    sign_in_name: str = ""
    email: str = ""
    user_id: str = ""

    def __str__(self) -> str:
        return self.sign_in_name or self.email or (f"number {self.user_id}" if self.user_id else "nobody")


@dataclass(frozen=True, kw_only=True)
class FoundUser:
    """The user that a row names, or the code and sentence that say why there is none."""

    user_id: int | None = None
    name: str = ""
    is_active: bool = True
    is_retired: bool = False
    code: str = ""
    message: str = ""


def find_users(named: Sequence[NamedUser]) -> list[FoundUser]:
    """Return what each name stands for, in order. At most three statements for up to 500 names; reads only."""
    by_key = _rows(User.sign_in_key, {sign_in_key(item.sign_in_name) for item in named if item.sign_in_name})
    by_email = _rows(User.email, {normal_email(item.email) for item in named if item.email})
    by_id = _rows(User.id, {number for item in named if (number := _number(item.user_id)) is not None})
    return [_found(item, by_key, by_email, by_id) for item in named]


class _Rows(dict[object, list[FoundUser]]):
    """Value of a column → the users that have it."""


def _rows(column: object, values: Iterable[object]) -> _Rows:
    found = _Rows()
    wanted = list(values)
    if not wanted:
        return found
    statement = select(column, User.id, User.display_name, User.active, User.retired_at).where(  # type: ignore[call-overload]
        column.in_(wanted)  # type: ignore[attr-defined]
    )
    for value, user_id, name, active, retired_at in db.session.execute(statement):
        user = FoundUser(user_id=user_id, name=name, is_active=active, is_retired=retired_at is not None)
        found.setdefault(value, []).append(user)
    return found


def _found(named: NamedUser, by_key: _Rows, by_email: _Rows, by_id: _Rows) -> FoundUser:
    if sum(map(bool, (named.sign_in_name, named.email, named.user_id))) != 1:
        return FoundUser(
            code="user-not-named",
            message="Fill exactly one of sign_in_name, email and user_id: a row that names nobody, or the same "
            "person in two ways, is not guessed at.",
        )
    if named.sign_in_name:
        users = by_key.get(sign_in_key(named.sign_in_name), [])
    elif named.email:
        users = by_email.get(normal_email(named.email), [])
    else:
        users = by_id.get(_number(named.user_id), [])
    if len(users) > 1:
        message = f"{len(users)} users have the address {named.email}. Name the one you mean by sign-in name."
        return FoundUser(code="user-ambiguous", message=message)
    if not users:
        return FoundUser(
            code="user-unknown", message=f"No user has {_words(named)}. Correct it, or make the user first."
        )
    return users[0]


def _words(named: NamedUser) -> str:
    if named.sign_in_name:
        return f"the sign-in name {named.sign_in_name!r}"
    if named.email:
        return f"the address {named.email!r}"
    return f"the number {named.user_id!r}"


def _number(text: str) -> int | None:
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        return None
    number = int(text)
    return number if number <= MAX_USER_ID else None
