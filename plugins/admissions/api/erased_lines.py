"""Lines of history of people who are erased, and lines that name them as officers."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select, update

from plugins.admissions.api.transitions import STUDENT_TRANSITIONS, TRANSITIONS
from plugins.admissions.models import ApplicantHistory, StudentHistory
from portal.sdk import RetiredUser, db

ERASED_LINE = "A line with personal data was erased"
_histories: tuple[Any, ...] = (ApplicantHistory.__table__, StudentHistory.__table__)


def erase_lines(model: Any, owner: str, by_owner: Mapping[uuid.UUID, RetiredUser]) -> None:
    """Keep what happened and when; texts become those of the steps, the people's own names become tokens.

    Two statements for up to 500 records. Does not commit.

    Args:
        model: Of the lines.
        owner: Its column that says whose line it is.
        by_owner: Record → the user who is being erased.
    """
    table = model.__table__
    lines = db.session.execute(
        select(table.c.id, table.c[owner].label("owner"), table.c.transition, table.c.actor_name).where(
            table.c[owner].in_(by_owner)
        )
    ).all()
    if not lines:
        return
    texts = {step.id: step.text for step in STUDENT_TRANSITIONS.values()}
    texts |= {step.id: step.text for step in TRANSITIONS.values() if model is ApplicantHistory}
    db.session.execute(
        update(table)
        .where(table.c.id == bindparam("key"))
        .values(text=bindparam("line"), actor_name=bindparam("actor")),
        [
            {
                "key": line.id,
                "line": texts.get(line.transition, ERASED_LINE),
                "actor": _actor(line.actor_name, by_owner[line.owner]),
            }
            for line in lines
        ],
    )


def _actor(name: str, user: RetiredUser) -> str:
    return user.token if name in (user.name, user.sign_in_name) else name


def rename_officers(users: Sequence[RetiredUser]) -> None:
    """Put tokens in place of the names of officers, in the history of everybody: lines know them by name only.

    A name that somebody else has too stays, because the line may be the other's.
    """
    names = [
        {"officer": name, "token": user.token}
        for user in users
        if user.has_acted and not user.name_is_shared
        for name in user.names
    ]
    if not names:
        return
    for table in _histories:
        db.session.execute(
            update(table)
            .where(table.c.actor_name == bindparam("officer"))
            .values(actor_name=bindparam("token")),
            names,
        )
