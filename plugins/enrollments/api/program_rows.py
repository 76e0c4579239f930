"""Writes program enrollments set-based: any number of rows, a constant number of statements per chunk."""

import uuid
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import and_, select

from plugins.enrollments.api.catalog import KeySpace, key_space
from plugins.enrollments.api.inputs import (
    Normalise,
    current_settings,
    external_keys,
    normaliser,
    required_flags,
    uuid_or_none,
)
from plugins.enrollments.api.plans import (
    CHANGED_SINCE_PREVIEW,
    Action,
    Decision,
    RowPlan,
    action_counts,
    refused,
    with_status,
)
from plugins.enrollments.api.program_statements import (
    NewEnrollment,
    change_statuses,
    insert_enrollments,
    user_places,
)
from plugins.enrollments.api.row_requests import RowRequest, row_requests
from plugins.enrollments.api.rowsets import looked_up, rowset, was_found
from plugins.enrollments.api.stamping import note
from plugins.enrollments.errors import (
    CONFLICT,
    ILLEGAL_OPERATION,
    INVALID_CURRICULUM,
    NOT_IN_PROGRAM,
    EnrollmentsBusy,
)
from plugins.enrollments.models import ProgramEnrollment
from plugins.enrollments.models.columns import Identifier
from plugins.enrollments.models.vocabulary import PROGRAM_STATUSES
from portal.sdk import db

CHUNK_ROWS = 5_000
#: How often a chunk is planned anew because another writer was quicker.
ATTEMPTS = 6

_TABLE: Any = ProgramEnrollment.__table__
_FORM = {"form": Identifier}
_CREATE, _REFUSE = Action.CREATE, Action.REFUSE


class _Existing(NamedTuple):
    id: int
    status: str
    version: int


class _New(NamedTuple):
    """A row that is to be inserted, and the values that it will have."""

    request: RowRequest
    enrollment: NewEnrollment
    after: Mapping[str, Any]


@dataclass(kw_only=True)
class _Batch:
    """What one call is about, and what it has found out."""

    program: uuid.UUID
    space: KeySpace
    create: bool
    update: bool
    normalise: Normalise
    forbidden: frozenset[str]
    seen: Mapping[Hashable, int | None] | None
    plans: dict[int, RowPlan]
    #: Status now and status asked for, to what becomes of the row.
    changes: dict[tuple[str, str], Decision] = field(default_factory=dict)
    #: Status and curriculum as given, to the curriculum and what becomes of a waiting learner: few of them, many rows.
    waiting: dict[tuple[str, Any], tuple[uuid.UUID, Mapping[str, Any]]] = field(default_factory=dict)


def write_rows(
    program_uuid: object,
    requests: Sequence[Mapping[str, Any]],
    *,
    create: bool,
    update: bool,
    apply: bool = True,
    seen: Mapping[Hashable, int | None] | None = None,
) -> list[RowPlan]:
    """Plan, and with ``apply`` write, rows of a program; return one plan per request, in order.

    Three statements to begin and end with, and four per 5,000 rows. Needs an open transaction when it applies; does
    not commit.

    Args:
        requests: ``external_user_key``, ``status`` and for new rows ``curriculum_uuid``.
        seen: External key to the version that a preview saw (None: no row); rows that differ now are refused.

    Raises:
        InvalidRequest, MissingField: the call makes no sense; nothing was read.
        ProgramDoesNotExistException, OrganizationDoesNotExistException: see :func:`key_space`.
        EnrollmentsBusy: other writers were quicker too often; repeat the transaction.
    """
    required_flags(create, update)
    keys = external_keys(requests)
    settings = current_settings()
    space = key_space(program_uuid)
    normalise = normaliser(settings)
    wanted, refusals = row_requests(keys, requests, normalise, PROGRAM_STATUSES, "curriculum_uuid")
    batch = _Batch(
        program=uuid_or_none(program_uuid) or uuid.UUID(int=0),
        space=space,
        create=create,
        update=update,
        normalise=normalise,
        forbidden=frozenset(settings.forbidden_transitions),
        seen=seen,
        plans=refusals,
    )
    if apply:
        db.session.flush()
    for first in range(0, len(wanted), CHUNK_ROWS):
        _work(batch, wanted[first : first + CHUNK_ROWS], apply=apply)
    plans = [batch.plans[place] for place in range(len(requests))]
    if apply:
        _note(batch, plans)
    return plans


def _work(batch: _Batch, wanted: Sequence[RowRequest], *, apply: bool) -> None:
    for _ in range(ATTEMPTS):
        existing = _existing(batch, [item.form for item in wanted], lock=apply)
        new, changes = _planned(batch, wanted, existing)
        if not apply:
            _complete(batch, new, {})
            return
        if changes:
            change_statuses(changes)
        numbers = insert_enrollments([item.enrollment for item in new])
        _complete(batch, new, numbers)
        if len(numbers) == len(new):
            return
        # Another writer was quicker with these.
        wanted = [item.request for item in new if item.enrollment.form not in numbers]
    raise EnrollmentsBusy


def _existing(batch: _Batch, forms: Sequence[str], *, lock: bool) -> dict[str, _Existing]:
    """Return compared key to enrollment; of several curricula the one that was made last."""
    given = rowset("given", _FORM, [(form,) for form in forms])
    is_wanted = and_(_TABLE.c.program_uuid == batch.program, _TABLE.c.external_key == given.c.form)
    statement = (
        select(_TABLE.c.external_key, _TABLE.c.id, _TABLE.c.status, _TABLE.c.version)
        .select_from(looked_up(given, _TABLE, is_wanted))
        .where(was_found(_TABLE.c.id))
        .order_by(_TABLE.c.id)
    )
    if lock:
        statement = statement.with_for_update(of=_TABLE)
    rows = db.session.connection().execute(statement).all()
    return {form: _Existing(number, status, version) for form, number, status, version in rows}


def _planned(
    batch: _Batch, wanted: Sequence[RowRequest], existing: Mapping[str, _Existing]
) -> tuple[list[_New], list[tuple[int, str]]]:
    """Put a plan for every row but the new ones into the batch; return those, and (number, status) of the others."""
    unknown = [item for item in wanted if item.form not in existing]
    users, places = user_places(
        batch.program,
        batch.space.providers if batch.create else (),
        [(str(item.key), item.form) for item in unknown],
        batch.normalise,
    )
    new: list[_New] = []
    changes: list[tuple[int, str]] = []
    for item in wanted:
        row = existing.get(item.form)
        if batch.seen is not None and batch.seen.get(item.key) != (row.version if row else None):
            batch.plans[item.place] = refused(item.key, CHANGED_SINCE_PREVIEW)
        elif row is None:
            found = _creation(batch, item, users.get(item.key), places)
            if isinstance(found, _New):
                new.append(found)
            else:
                batch.plans[item.place] = found
        else:
            action, code, message, before, after = _change(batch, row.status, item.status)
            if action is _REFUSE:
                batch.plans[item.place] = refused(item.key, code, message)
            else:
                changes.append((row.id, item.status))
                batch.plans[item.place] = RowPlan(
                    item.key, action, code, message, row.id, row.version, before, after
                )
    return new, changes


def _change(batch: _Batch, now: str, wanted: str) -> Decision:
    found = batch.changes.get((now, wanted))
    if found is None:
        found = batch.changes[now, wanted] = _judged(batch, now, wanted)
    return found


def _judged(batch: _Batch, now: str, wanted: str) -> Decision:
    if not batch.update:
        message = "The learner is enrolled in this program already."
        return Decision(Action.REFUSE, CONFLICT, message)
    if f"{now}>{wanted}" in batch.forbidden:
        return Decision(Action.REFUSE, ILLEGAL_OPERATION)
    action = Action.UNCHANGED if now == wanted else Action.UPDATE
    return Decision(action, wanted, before=with_status(now), after=with_status(wanted))


def _creation(
    batch: _Batch, item: RowRequest, user_id: int | None, places: set[tuple[int, uuid.UUID]]
) -> _New | RowPlan:
    if not batch.create:
        return refused(item.key, NOT_IN_PROGRAM)
    found = _waiting(batch, item)
    if found is None:
        return refused(item.key, INVALID_CURRICULUM)
    curriculum, after = found
    if user_id is not None:
        if (user_id, curriculum) in places:
            message = "The user of this key is in the curriculum already, under another key."
            return refused(item.key, CONFLICT, message)
        places.add((user_id, curriculum))
        after = with_status(item.status, curriculum, user_id)
    enrollment = NewEnrollment(str(item.key), item.form, batch.program, curriculum, item.status, user_id)
    return _New(item, enrollment, after)


def _waiting(batch: _Batch, item: RowRequest) -> tuple[uuid.UUID, Mapping[str, Any]] | None:
    """Return the curriculum of a new enrollment and its values while it waits; None without a curriculum."""
    given = item.detail
    if not isinstance(given, str | uuid.UUID):
        return None
    found = batch.waiting.get((item.status, given))
    if found is None and (curriculum := uuid_or_none(given)) is not None:
        found = batch.waiting[item.status, given] = curriculum, with_status(item.status, curriculum)
    return found


def _complete(batch: _Batch, new: Sequence[_New], numbers: Mapping[str, int]) -> None:
    """Put the plans of new rows into the batch, with the numbers that inserting brought."""
    plans = batch.plans
    for (place, key, form, status, _), _, after in new:
        plans[place] = RowPlan(key, _CREATE, status, "", numbers.get(form), None, None, after)


def _note(batch: _Batch, plans: Sequence[RowPlan]) -> None:
    counts = action_counts(plans)
    created, changed = counts[Action.CREATE], counts[Action.UPDATE] + counts[Action.UNCHANGED]
    if created or changed:
        facts = {"created": created, "changed": changed, "refused": counts[Action.REFUSE]}
        note("write-program-enrollments", _TABLE.name, batch.program, facts)
        db.session.expire_all()
