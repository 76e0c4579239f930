"""Takes back what a job wrote: removes what was new, sets what was changed to its status from before."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, exists, select

from plugins.enrollments.api.program_statements import change_statuses
from plugins.enrollments.api.rowsets import rowset
from plugins.enrollments.api.stamping import note
from plugins.enrollments.models import ProgramCourseEnrollment, ProgramEnrollment
from plugins.enrollments.models.columns import Key
from portal.sdk import db

_TABLE: Any = ProgramEnrollment.__table__
_ROWS: Any = ProgramCourseEnrollment.__table__
_NUMBER = {"number": Key}


class Written(NamedTuple):
    """An enrollment that was written.

    Args:
        id: Its number.
        version: That it got by being written; with another one it was changed since.
        status: From before; None: it was made.
        label: How people know it.
    """

    id: int
    version: int
    status: str | None
    label: str


class Kept(NamedTuple):
    """Why a write is not taken back."""

    code: str
    message: str


class _Now(NamedTuple):
    id: int
    version: int
    has_courses: bool


def check_undo_program_rows(items: Sequence[Written]) -> list[Kept | None]:
    """Return for each why it will be kept, or None. One statement; reads only."""
    return _problems(items, _now(items, lock=False))


def undo_program_rows(items: Sequence[Written]) -> list[Kept | None]:
    """Take the writes back; return for each why it was kept, or None.

    Enrollments that were changed since, or in which course runs were taken since, are kept. At most four statements.
    Needs an open transaction; does not commit.
    """
    problems = _problems(items, _now(items, lock=True))
    free = [item for item, problem in zip(items, problems, strict=True) if problem is None]
    made = [item.id for item in free if item.status is None]
    changed = [(item.id, item.status) for item in free if item.status is not None]
    if made:
        given = rowset("given", _NUMBER, [(number,) for number in sorted(made)])
        db.session.execute(delete(_TABLE).where(_TABLE.c.id.in_(select(given.c.number))))
    if changed:
        change_statuses(changed)
    if free:
        facts = {"removed": len(made), "restored": len(changed), "kept": len(items) - len(free)}
        note("undo-program-enrollments", _TABLE.name, free[0].id, facts)
        db.session.expire_all()
    return problems


def _now(items: Sequence[Written], *, lock: bool) -> dict[int, _Now]:
    given = rowset("given", _NUMBER, [(number,) for number in sorted(item.id for item in items)])
    has_courses = exists().where(_ROWS.c.program_enrollment_id == _TABLE.c.id)
    statement = (
        select(_TABLE.c.id, _TABLE.c.version, has_courses)
        .where(_TABLE.c.id.in_(select(given.c.number)))
        .order_by(_TABLE.c.id)
    )
    if lock:
        statement = statement.with_for_update(of=_TABLE)
    return {row[0]: _Now._make(row) for row in db.session.connection().execute(statement)}


def _problems(items: Sequence[Written], now: dict[int, _Now]) -> list[Kept | None]:
    return [_problem(item, now.get(item.id)) for item in items]


def _problem(item: Written, now: _Now | None) -> Kept | None:
    if now is None:
        message = f"{item.label} is not enrolled any more; there is nothing to take back."
        return Kept("gone", message)
    if now.version != item.version:
        message = f"The enrollment of {item.label} was changed or linked since; it stays as it is."
        return Kept("changed-since", message)
    if item.status is None and now.has_courses:
        message = (
            f"{item.label} takes course runs by this enrollment; withdraw them first, or set its status."
        )
        return Kept("has-courses", message)
    return None
