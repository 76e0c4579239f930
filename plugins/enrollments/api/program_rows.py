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
    duplicated_keys,
    external_keys,
    is_storable_key,
    normaliser,
    required_flags,
    uuid_or_none,
)
from plugins.enrollments.api.plans import CHANGED_SINCE_PREVIEW, Action, RowPlan, refused, with_status
from plugins.enrollments.api.program_statements import (
    NewEnrollment,
    change_statuses,
    insert_enrollments,
    user_places,
)
from plugins.enrollments.api.rowsets import looked_up, rowset, was_found
from plugins.enrollments.api.stamping import note
from plugins.enrollments.errors import (
    CONFLICT,
    DUPLICATED,
    ILLEGAL_OPERATION,
    INVALID_CURRICULUM,
    INVALID_KEY,
    INVALID_STATUS,
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


class _Existing(NamedTuple):
    id: int
    external_key: str
    curriculum_uuid: uuid.UUID
    status: str
    user_id: int | None
    version: int


class _Wanted(NamedTuple):
    place: int
    key: Hashable
    form: str
    status: Any
    curriculum: Any


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
    plans: dict[int, RowPlan] = field(default_factory=dict)
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
    batch = _Batch(
        program=uuid_or_none(program_uuid) or uuid.UUID(int=0),
        space=space,
        create=create,
        update=update,
        normalise=normaliser(settings),
        forbidden=frozenset(settings.forbidden_transitions),
        seen=seen,
    )
    wanted = _checked(batch, keys, requests)
    if apply:
        db.session.flush()
    for first in range(0, len(wanted), CHUNK_ROWS):
        _work(batch, wanted[first : first + CHUNK_ROWS], apply=apply)
    plans = [batch.plans[place] for place in range(len(requests))]
    if apply:
        _note(batch, plans)
    return plans


def _checked(batch: _Batch, keys: Sequence[Hashable], requests: Sequence[Mapping[str, Any]]) -> list[_Wanted]:
    """Answer the rows that need no look at the database, and return the others."""
    duplicated = duplicated_keys(keys, batch.normalise)
    wanted = []
    for place, (key, request) in enumerate(zip(keys, requests, strict=True)):
        form = batch.normalise(key) if isinstance(key, str) else None
        status = request.get("status")
        if (key if form is None else form) in duplicated:
            batch.plans[place] = refused(key, DUPLICATED)
        elif form is None or not is_storable_key(key, batch.normalise):
            batch.plans[place] = refused(key, INVALID_KEY)
        elif not isinstance(status, str) or status not in PROGRAM_STATUSES:
            batch.plans[place] = refused(key, INVALID_STATUS)
        else:
            wanted.append(_Wanted(place, key, form, str(status), request.get("curriculum_uuid")))
    return wanted


def _work(batch: _Batch, wanted: Sequence[_Wanted], *, apply: bool) -> None:
    for _ in range(ATTEMPTS):
        existing = _existing(batch, wanted, lock=apply)
        new = _planned(batch, wanted, existing)
        if not apply:
            return
        changes = [
            (plan.record_id, plan.code)
            for item in (wanted if existing else ())
            if (plan := batch.plans[item.place]).record_id is not None and plan.action is not Action.REFUSE
        ]
        if changes:
            change_statuses(changes)
        wanted = _inserted(batch, new)
        if not wanted:
            return
    raise EnrollmentsBusy


def _existing(batch: _Batch, wanted: Sequence[_Wanted], *, lock: bool) -> dict[str, _Existing]:
    """Return compared key to enrollment; of several curricula the one that was made last."""
    given = rowset("given", _FORM, [(item.form,) for item in wanted])
    is_wanted = and_(_TABLE.c.program_uuid == batch.program, _TABLE.c.external_key == given.c.form)
    statement = (
        select(
            _TABLE.c.id,
            _TABLE.c.external_key,
            _TABLE.c.curriculum_uuid,
            _TABLE.c.status,
            _TABLE.c.user_id,
            _TABLE.c.version,
        )
        .select_from(looked_up(given, _TABLE, is_wanted))
        .where(was_found(_TABLE.c.id))
        .order_by(_TABLE.c.id)
    )
    if lock:
        statement = statement.with_for_update(of=_TABLE)
    rows = db.session.connection().execute(statement).all()
    return {row[1]: _Existing._make(row) for row in rows}


def _planned(
    batch: _Batch, wanted: Sequence[_Wanted], existing: Mapping[str, _Existing]
) -> list[tuple[_Wanted, NewEnrollment]]:
    """Put a plan for every row into the batch; return those that are to be inserted."""
    unknown = [item for item in wanted if item.form not in existing]
    users, places = user_places(
        batch.program,
        batch.space.providers if batch.create else (),
        [(str(item.key), item.form) for item in unknown],
        batch.normalise,
    )
    new = []
    for item in wanted:
        row = existing.get(item.form)
        if batch.seen is not None and batch.seen.get(item.key) != (row.version if row else None):
            plan = refused(item.key, CHANGED_SINCE_PREVIEW)
        elif row is not None:
            plan = _change(batch, item, row)
        else:
            plan, enrollment = _creation(batch, item, users.get(item.key), places)
            if enrollment is not None:
                new.append((item, enrollment))
        batch.plans[item.place] = plan
    return new


def _change(batch: _Batch, item: _Wanted, row: _Existing) -> RowPlan:
    if not batch.update:
        return refused(item.key, CONFLICT, "The learner is enrolled in this program already.")
    if f"{row.status}>{item.status}" in batch.forbidden:
        return refused(item.key, ILLEGAL_OPERATION)
    action = Action.UNCHANGED if row.status == item.status else Action.UPDATE
    before, after = with_status(row.status), with_status(item.status)
    return RowPlan(item.key, action, item.status, "", row.id, row.version, before, after)


def _creation(
    batch: _Batch, item: _Wanted, user_id: int | None, places: set[tuple[int, uuid.UUID]]
) -> tuple[RowPlan, NewEnrollment | None]:
    if not batch.create:
        return refused(item.key, NOT_IN_PROGRAM), None
    found = _waiting(batch, item)
    if found is None:
        return refused(item.key, INVALID_CURRICULUM), None
    curriculum, after = found
    if user_id is not None:
        if (user_id, curriculum) in places:
            message = "The user of this key is in the curriculum already, under another key."
            return refused(item.key, CONFLICT, message), None
        places.add((user_id, curriculum))
        after = with_status(item.status, curriculum, user_id)
    plan = RowPlan(item.key, Action.CREATE, item.status, "", None, None, None, after)
    return plan, NewEnrollment(str(item.key), item.form, batch.program, curriculum, item.status, user_id)


def _waiting(batch: _Batch, item: _Wanted) -> tuple[uuid.UUID, Mapping[str, Any]] | None:
    """Return the curriculum of a new enrollment and its values while it waits; None without a curriculum."""
    given = item.curriculum
    if not isinstance(given, str | uuid.UUID):
        return None
    found = batch.waiting.get((item.status, given))
    if found is None and (curriculum := uuid_or_none(given)) is not None:
        found = batch.waiting[item.status, given] = curriculum, with_status(item.status, curriculum)
    return found


def _inserted(batch: _Batch, new: Sequence[tuple[_Wanted, NewEnrollment]]) -> list[_Wanted]:
    """Insert rows, complete their plans, and return those that another writer was quicker with."""
    numbers = insert_enrollments([enrollment for _, enrollment in new])
    missed = []
    for item, enrollment in new:
        number = numbers.get(enrollment.form)
        if number is None:
            missed.append(item)
        else:
            planned = batch.plans[item.place]
            batch.plans[item.place] = RowPlan(*planned[:4], number, *planned[5:])
    return missed


def _note(batch: _Batch, plans: Sequence[RowPlan]) -> None:
    created = sum(plan.action is Action.CREATE for plan in plans)
    changed = sum(plan.action in (Action.UPDATE, Action.UNCHANGED) for plan in plans)
    if created or changed:
        facts = {"created": created, "changed": changed, "refused": len(plans) - created - changed}
        note("write-program-enrollments", _TABLE.name, batch.program, facts)
        db.session.expire_all()
