"""Builds the actor of a user: the union of what its roles grant."""

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal.auth.models import User
from portal.kernel.actor import ANONYMOUS, Actor
from portal.kernel.db import db


def actor_of(user: User) -> Actor:
    """Return the actor of a loaded user; one that is switched off may do nothing."""
    if not user.active:
        return Actor(user_id=user.id, name=user.display_name)
    return Actor(
        user_id=user.id,
        name=user.display_name,
        grants=frozenset(str(permission) for role in user.roles for permission in role.permissions),
        is_administrator=any(role.is_administrator for role in user.roles),
    )


def actor_for_user(user_id: int | None) -> Actor:
    """Return the actor of a user as it is now, for jobs and commands; ANONYMOUS when there is no such user.

    Two statements.
    """
    if user_id is None:
        return ANONYMOUS
    user = db.session.scalar(select(User).where(User.id == user_id).options(selectinload(User.roles)))
    return actor_of(user) if user is not None else ANONYMOUS
