"""Deletes enrollments that have waited too long, with their course rows and all history of both."""

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select

from plugins.enrollments.api.rowsets import rowset
from plugins.enrollments.api.stamping import note
from plugins.enrollments.errors import InvalidRequest
from plugins.enrollments.models import (
    ProgramCourseEnrollment,
    ProgramCourseEnrollmentHistory,
    ProgramEnrollment,
    ProgramEnrollmentHistory,
)
from plugins.enrollments.models.columns import Key
from portal.sdk import db, utc_now

EXPIRATION_DAYS = 60
CHUNK_ROWS = 1_000
_TABLE: Any = ProgramEnrollment.__table__
_ROWS: Any = ProgramCourseEnrollment.__table__
_HISTORY: Any = ProgramEnrollmentHistory.__table__
_ROWS_HISTORY: Any = ProgramCourseEnrollmentHistory.__table__
_NUMBER = {"number": Key}


def expire_waiting_enrollments(expiration_days: int = EXPIRATION_DAYS, *, most: int | None = None) -> int:
    """Delete waiting enrollments that nothing has changed for so many days; return how many.

    Five statements per 1,000. Needs an open transaction; does not commit: give ``most`` and repeat in transactions of
    your own until it returns less.

    Raises:
        InvalidRequest: the days are negative.

    Source: program_enrollments of edx-platform, ``tasks.py``.
    """
    if expiration_days < 0:
        raise InvalidRequest(f"Days are a number from 0 on; got {expiration_days!r}.")
    db.session.flush()
    before = utc_now() - timedelta(days=min(expiration_days, 36_500))
    done = 0
    while most is None or done < most:
        wanted = CHUNK_ROWS if most is None else min(CHUNK_ROWS, most - done)
        numbers = db.session.scalars(
            select(_TABLE.c.id)
            .where(_TABLE.c.user_id.is_(None), _TABLE.c.modified_at < before)
            .order_by(_TABLE.c.modified_at)
            .limit(wanted)
            .with_for_update()
        ).all()
        if numbers:
            _delete(list(numbers))
        done += len(numbers)
        if len(numbers) < wanted:
            break
    if done:
        note("expire-waiting-enrollments", _TABLE.name, before.date(), {"expired": done})
        db.session.expire_all()
    return done


def _delete(numbers: list[int]) -> None:
    given = rowset("given", _NUMBER, [(number,) for number in numbers])
    chosen = select(given.c.number)
    # Course rows and waiting roles go with the enrollments.
    db.session.execute(delete(_TABLE).where(_TABLE.c.id.in_(chosen)))
    db.session.execute(delete(_HISTORY).where(_HISTORY.c.record_id.in_(chosen)))
    db.session.execute(delete(_ROWS_HISTORY).where(_ROWS_HISTORY.c.program_enrollment_id.in_(chosen)))
