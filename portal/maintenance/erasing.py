"""Takes the names of people who are erased out of the history of maintenance windows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, update

from portal.auth.retiring import tokens_by_name
from portal.hooks.events import RetiredUser
from portal.kernel.db import db
from portal.maintenance.models import MaintenanceWindow

_windows: Any = MaintenanceWindow.__table__
_SET_STARTER = (
    update(_windows)
    .where(_windows.c.started_by_user_id == bindparam("person_id"))
    .values(started_by_name=bindparam("token"))
)
_SET_ENDER = (
    update(_windows)
    .where(_windows.c.ended_by_name == bindparam("person"))
    .values(ended_by_name=bindparam("token"))
)


def rename_people(users: Sequence[RetiredUser]) -> None:
    """Put tokens in place of the names of people who closed or opened the portal. Two statements.

    Who opened it is known by name only: a name that somebody else has too is left.
    """
    if not users:
        return
    db.session.execute(_SET_STARTER, [{"person_id": user.user_id, "token": user.token} for user in users])
    by_name = tokens_by_name(users)
    if by_name:
        db.session.execute(_SET_ENDER, by_name)
