"""The statements about program enrollments: one each for any number of rows."""

import uuid
from collections.abc import Hashable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import String, Uuid, and_, literal, or_, select, true, update

from plugins.enrollments.api.inputs import Normalise, exact
from plugins.enrollments.api.rowsets import insert_into, looked_up, rowset, was_found
from plugins.enrollments.api.stamping import stamp
from plugins.enrollments.models import ProgramEnrollment
from plugins.enrollments.models.columns import Identifier, Key
from portal.sdk import ExternalIdentity, User, db

_TABLE: Any = ProgramEnrollment.__table__
_USER_ID = User.__table__.c.id.type
_KEYS = {"key": Identifier, "form": Identifier}
_CHANGE = {"id": Key, "status": String()}
_NEW = {
    "external_user_key": Identifier,
    "external_key": Identifier,
    "program_uuid": Uuid(),
    "curriculum_uuid": Uuid(),
    "status": String(),
    "user_id": _USER_ID,
}


class NewEnrollment(NamedTuple):
    """A program enrollment that is to be inserted; ``form`` is its key as it is compared."""

    external_user_key: str
    form: str
    program_uuid: uuid.UUID
    curriculum_uuid: uuid.UUID
    status: str
    user_id: int | None


def insert_enrollments(rows: Sequence[NewEnrollment]) -> dict[str, int]:
    """Insert rows that nothing stands against, each key once; return compared key to number.

    Rows whose key or user is in the curriculum already are left out. One statement. Needs an open transaction.
    """
    if not rows:
        return {}
    # In the order of keys, so that parallel writers of the same keys wait for each other and never in a circle.
    ordered = sorted(rows, key=attrgetter("form"))
    given = rowset("given", _NEW, ordered, joined=False)
    values = stamp()
    columns = {
        **{name: given.c[name] for name in _NEW},
        "version": literal(1),
        "created_at": literal(values["modified_at"], _TABLE.c.created_at.type),
        **{name: literal(value, _TABLE.c[name].type) for name, value in values.items()},
    }
    statement = (
        insert_into(ProgramEnrollment)
        .from_select(list(columns), select(*columns.values()).where(true()))
        .on_conflict_do_nothing()
        .returning(_TABLE.c.external_key, _TABLE.c.id)
    )
    return dict(db.session.connection().execute(statement).all())


def change_statuses(changes: Sequence[tuple[int, str]]) -> None:
    """Set the status of enrollments, (number, status) each, in one statement. Needs an open transaction."""
    given = rowset("given", _CHANGE, sorted(changes))
    db.session.connection().execute(
        update(_TABLE)
        .where(_TABLE.c.id == given.c.id)
        .values(status=given.c.status, version=_TABLE.c.version + 1, **stamp())
    )


def user_places(
    program_uuid: uuid.UUID, providers: Sequence[str], keys: Sequence[tuple[str, str]], normalise: Normalise
) -> tuple[dict[Hashable, int], set[tuple[int, uuid.UUID]]]:
    """Return key to user id, and the (user, curriculum) places that these users hold in the program. One statement.

    Args:
        providers: Of several that know a key the last one counts; none: nobody is looked up.
        keys: (key, compared key) each.
    """
    if not providers or not keys:
        return {}, set()
    given = rowset("given", _KEYS, keys)
    matches = ExternalIdentity.external_id == given.c.key
    if normalise is not exact:
        matches = or_(matches, ExternalIdentity.external_id == given.c.form)
    is_known = and_(ExternalIdentity.provider.in_(providers), matches)
    is_there = and_(_TABLE.c.user_id == ExternalIdentity.user_id, _TABLE.c.program_uuid == program_uuid)
    rows = db.session.connection().execute(
        select(given.c.key, ExternalIdentity.provider, ExternalIdentity.user_id, _TABLE.c.curriculum_uuid)
        .select_from(looked_up(given, ExternalIdentity, is_known).outerjoin(_TABLE, is_there))
        .where(was_found(ExternalIdentity.user_id))
    )
    rank = {provider: place for place, provider in enumerate(providers)}
    found: dict[Hashable, tuple[int, int]] = {}
    places = set()
    for key, provider, user_id, curriculum in rows.all():
        found[key] = max(found.get(key, (-1, 0)), (rank[provider], user_id))
        if curriculum is not None:
            places.add((user_id, curriculum))
    return {key: user_id for key, (_, user_id) in found.items()}, places
