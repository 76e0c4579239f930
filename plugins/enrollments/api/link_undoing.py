"""Takes links back: an enrollment waits again, or belongs to whom it belonged before."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import select

from plugins.enrollments.api.link_engine import Pair, link_pairs
from plugins.enrollments.api.rowsets import rowset
from plugins.enrollments.api.stamping import note
from plugins.enrollments.api.undoing import Kept
from plugins.enrollments.models import ProgramEnrollment
from plugins.enrollments.models.columns import Key
from portal.sdk import db

_TABLE: Any = ProgramEnrollment.__table__
_NUMBER = {"number": Key}


class Linked(NamedTuple):
    """A link that was made: the enrollment's number, its user, the user before (None: it waited), and its label."""

    id: int
    user_id: int
    user_id_before: int | None
    label: str


def check_undo_links(items: Sequence[Linked]) -> list[Kept | None]:
    """Return for each why it will be kept, or None. One statement; reads only."""
    owners = _owners(items)
    return [_kept(item, owners) for item in items]


def undo_links(items: Sequence[Linked]) -> list[Kept | None]:
    """Take the links back; return for each why it was kept, or None.

    Course enrollments end as :func:`unlink_program_enrollments` says. At most twelve statements. Needs an open
    transaction; does not commit.
    """
    owners = _owners(items)
    found = [_kept(item, owners) for item in items]
    free = [item for item, kept in zip(items, found, strict=True) if kept is None]
    problems = link_pairs([Pair(item.id, item.user_id_before, item.user_id) for item in free])
    if len(problems) < len(free):
        facts = {"taken_back": len(free) - len(problems), "kept": len(items) - len(free) + len(problems)}
        note("undo-links", _TABLE.name, free[0].id, facts)
        db.session.expire_all()
    return [
        kept or (Kept("link-refused", problems[item.id].text) if item.id in problems else None)
        for item, kept in zip(items, found, strict=True)
    ]


def _owners(items: Sequence[Linked]) -> dict[int, int | None]:
    given = rowset("given", _NUMBER, [(number,) for number in sorted(item.id for item in items)])
    statement = select(_TABLE.c.id, _TABLE.c.user_id).where(_TABLE.c.id.in_(select(given.c.number)))
    return dict(db.session.connection().execute(statement).all())


def _kept(item: Linked, owners: dict[int, int | None]) -> Kept | None:
    if item.id not in owners:
        return Kept("gone", f"{item.label} is not enrolled any more; there is nothing to take back.")
    if owners[item.id] != item.user_id:
        return Kept(
            "changed-since", f"{item.label} was unlinked or linked to another user since; it stays as it is."
        )
    return None
