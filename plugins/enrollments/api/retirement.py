"""Retires learners: their keys are replaced by a token that stays the same, so that exports keep working."""

import hashlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update

from plugins.enrollments.api.rowsets import rowset
from plugins.enrollments.api.stamping import note, stamp
from plugins.enrollments.models import (
    ProgramCourseEnrollment,
    ProgramEnrollment,
    ProgramEnrollmentHistory,
)
from plugins.enrollments.models.columns import Identifier, Key
from portal.sdk import UsersRetired, db

RETIRED_PREFIX = "retired_external_key_"
_TABLE: Any = ProgramEnrollment.__table__
_ROWS: Any = ProgramCourseEnrollment.__table__
_HISTORY: Any = ProgramEnrollmentHistory.__table__
_RETIRED = {"id": Key, "token": Identifier}


def retire_learners(event: UsersRetired) -> int:
    """Replace the external keys of users who are being erased, in enrollments, course rows and history.

    Enrollments without key, and keys that are tokens already, stay. Returns how many enrollments changed. Five
    statements for up to 500 users. Needs an open transaction; does not commit.

    Source: program_enrollments of edx-platform, ``signals.py``.
    """
    tokens = {user.user_id: user.token for user in event.users}
    found = db.session.execute(
        select(_TABLE.c.id, _TABLE.c.user_id, _TABLE.c.external_user_key)
        .where(
            _TABLE.c.user_id.in_(list(tokens)),
            _TABLE.c.external_user_key.is_not(None),
            _TABLE.c.external_user_key.not_like(f"{RETIRED_PREFIX}%"),
        )
        .order_by(_TABLE.c.id)
        .with_for_update()
    ).all()
    if not found:
        return 0
    retired = {uid: retired_key(tokens[user_id], key) for uid, user_id, key in found}
    _replace(retired)
    facts = {"retired": len(retired)}
    note("retire-external-keys", _TABLE.name, found[0].id, facts)
    db.session.expire_all()
    return len(retired)


def retired_key(token: str, external_user_key: str) -> str:
    """Return what stands for a key from now on: the same for the same person and key, and nobody can turn it back."""
    digest = hashlib.sha256(f"{token}\n{external_user_key}".encode()).hexdigest()
    return RETIRED_PREFIX + digest[:40]


def _replace(retired: Mapping[int, str]) -> None:
    given = rowset("given", _RETIRED, sorted(retired.items()))
    db.session.execute(
        update(_TABLE)
        .where(_TABLE.c.id == given.c.id)
        .values(
            external_user_key=given.c.token,
            external_key=given.c.token,
            version=_TABLE.c.version + 1,
            **stamp(),
        )
    )
    db.session.execute(
        update(_ROWS)
        .where(_ROWS.c.program_enrollment_id == given.c.id)
        .values(external_key=given.c.token, version=_ROWS.c.version + 1, **stamp())
    )
    db.session.execute(
        update(_HISTORY)
        .where(_HISTORY.c.record_id == given.c.id, _HISTORY.c.external_user_key.is_not(None))
        .values(external_user_key=given.c.token)
    )
