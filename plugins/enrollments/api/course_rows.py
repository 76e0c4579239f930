"""Writes program-course enrollments set-based: any number of rows, a constant number of statements per chunk."""

import uuid
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy.exc import IntegrityError

from plugins.enrollments.api import course_statements as statements
from plugins.enrollments.api.course_facts import CourseFact, course_facts
from plugins.enrollments.api.entries import refused_entries
from plugins.enrollments.api.inputs import (
    Normalise,
    current_settings,
    duplicated_keys,
    external_keys,
    is_storable_key,
    normaliser,
    required_course_key,
    required_flags,
    required_uuid,
)
from plugins.enrollments.api.masters_track import CourseState, is_entering, switched_state, target_state
from plugins.enrollments.api.plans import (
    CHANGED_SINCE_PREVIEW,
    Action,
    CourseChange,
    RowPlan,
    refused,
    with_status,
)
from plugins.enrollments.api.stamping import note
from plugins.enrollments.errors import (
    CONFLICT,
    DUPLICATED,
    INVALID_KEY,
    INVALID_STATUS,
    NOT_FOUND,
    NOT_IN_PROGRAM,
    EnrollmentsBusy,
    NonExistentCourseError,
)
from plugins.enrollments.models.vocabulary import COURSE_STATUSES, CourseEnrollmentStatus
from portal.sdk import db, savepoint

CHUNK_ROWS = 5_000
ATTEMPTS = 6
ACTIVE = CourseEnrollmentStatus.ACTIVE.value
_ELSEWHERE = "The learner takes this course run in another program, or under another key."


class _Wanted(NamedTuple):
    place: int
    key: Hashable
    form: str
    status: str
    course_staff: Any


@dataclass(kw_only=True)
class _Batch:
    program: uuid.UUID
    course_key: str
    create: bool
    update: bool
    normalise: Normalise
    seen: Mapping[Hashable, int | None] | None
    plans: dict[int, RowPlan] = field(default_factory=dict)


@dataclass
class _Work:
    """What a chunk is about to write."""

    facts: Mapping[str, CourseFact]
    #: User to the course enrollment as it is after the rows planned so far.
    courses: dict[int, CourseState] = field(default_factory=dict)
    course_versions: dict[int, int | None] = field(default_factory=dict)
    rows: list[tuple[_Wanted, CourseFact]] = field(default_factory=list)
    active_users: set[int] = field(default_factory=set)


def write_course_requests(
    program_uuid: object,
    course_key: object,
    requests: Sequence[Mapping[str, Any]],
    *,
    create: bool,
    update: bool,
    apply: bool = True,
    seen: Mapping[Hashable, int | None] | None = None,
) -> list[RowPlan]:
    """Plan, and with ``apply`` write, rows of a program in one course run; return one plan per request, in order.

    Two statements to begin and end with, and five per 5,000 rows; up to four more per chunk where ``course_staff`` is
    given, and those of plugins that refuse entries. Needs an open transaction when it applies; does not commit.

    Args:
        requests: ``external_user_key``, ``status``, optionally ``course_staff`` (True gives, False takes the role).
        seen: External key to the version that a preview saw (None: no row); rows that differ now are refused.

    Raises:
        InvalidRequest, InvalidCourseKey, MissingField: the call makes no sense; nothing was read.
        NonExistentCourseError: a row would be created in a course run that does not exist.
        EnrollmentsBusy: other writers were quicker too often; repeat the transaction.
    """
    required_flags(create, update)
    keys = external_keys(requests)
    settings = current_settings()
    batch = _Batch(
        program=required_uuid(program_uuid),
        course_key=required_course_key(course_key, settings),
        create=create,
        update=update,
        normalise=normaliser(settings),
        seen=seen,
    )
    wanted = _checked(batch, keys, requests)
    if apply:
        db.session.flush()
    for first in range(0, len(wanted), CHUNK_ROWS):
        _write_chunk(batch, wanted[first : first + CHUNK_ROWS], apply=apply)
    plans = [batch.plans[place] for place in range(len(requests))]
    if apply:
        _note(batch, plans)
    return plans


def _checked(batch: _Batch, keys: Sequence[Hashable], requests: Sequence[Mapping[str, Any]]) -> list[_Wanted]:
    duplicated = duplicated_keys(keys, batch.normalise)
    wanted = []
    for place, (key, request) in enumerate(zip(keys, requests, strict=True)):
        form = batch.normalise(key) if isinstance(key, str) else None
        status = request.get("status")
        if (key if form is None else form) in duplicated:
            batch.plans[place] = refused(key, DUPLICATED)
        elif form is None or not is_storable_key(key, batch.normalise):
            batch.plans[place] = refused(key, INVALID_KEY)
        elif not isinstance(status, str) or status not in COURSE_STATUSES:
            batch.plans[place] = refused(key, INVALID_STATUS)
        else:
            wanted.append(_Wanted(place, key, form, str(status), request.get("course_staff")))
    return wanted


def _write_chunk(batch: _Batch, wanted: Sequence[_Wanted], *, apply: bool) -> None:
    for _ in range(ATTEMPTS):
        forms = [item.form for item in wanted]
        work = _Work(course_facts(batch.program, batch.course_key, forms, lock=apply))
        _plan(batch, wanted, work)
        if not apply or not work.rows:
            return
        try:
            with savepoint():
                _apply(batch, work)
            return
        except (statements.Collision, IntegrityError):
            # Another writer was quicker; what it did is visible now.
            continue
    raise EnrollmentsBusy


def _plan(batch: _Batch, wanted: Sequence[_Wanted], work: _Work) -> None:
    creations = [
        (item, fact)
        for item in wanted
        if (fact := work.facts.get(item.form)) is not None and _is_creation(batch, item, fact)
    ]
    if any(not fact.course_exists for _, fact in creations):
        raise NonExistentCourseError(course_key=batch.course_key)
    refusals = refused_entries(
        (fact.user_id, batch.course_key)
        for _, fact in creations
        if fact.user_id is not None and is_entering(fact.course_state)
    )
    for item in wanted:
        fact = work.facts.get(item.form)
        if fact is None:
            batch.plans[item.place] = refused(item.key, NOT_IN_PROGRAM)
            continue
        refusal = refusals.get((fact.user_id or 0, batch.course_key))
        if refusal is not None and _is_creation(batch, item, fact):
            plan = refused(item.key, refusal.row_code, refusal.message)
        else:
            plan = _planned(batch, item, fact, work)
        batch.plans[item.place] = plan
        if plan.action is not Action.REFUSE:
            _keep(batch, item, fact, work)


def _is_creation(batch: _Batch, item: _Wanted, fact: CourseFact) -> bool:
    return batch.create and fact.row_id is None and not _is_elsewhere(item, fact)


def _is_elsewhere(item: _Wanted, fact: CourseFact) -> bool:
    return item.status == ACTIVE and fact.is_active_elsewhere


def _planned(batch: _Batch, item: _Wanted, fact: CourseFact, work: _Work) -> RowPlan:
    if batch.seen is not None and batch.seen.get(item.key) != fact.row_version:
        return refused(item.key, CHANGED_SINCE_PREVIEW)
    if _is_elsewhere(item, fact) or (item.status == ACTIVE and fact.user_id in work.active_users):
        return refused(item.key, CONFLICT, _ELSEWHERE)
    if fact.row_id is None:
        if not batch.create:
            return refused(item.key, NOT_FOUND)
        return RowPlan(item.key, Action.CREATE, item.status, after=with_status(item.status))
    if not batch.update:
        return refused(item.key, CONFLICT, "The learner takes this course run already.")
    action = Action.UNCHANGED if fact.status == item.status else Action.UPDATE
    before, after = with_status(fact.status or ""), with_status(item.status)
    return RowPlan(item.key, action, item.status, "", fact.row_id, fact.row_version, before, after)


def _keep(batch: _Batch, item: _Wanted, fact: CourseFact, work: _Work) -> None:
    """Note what an accepted row changes, in the order of the requests."""
    work.rows.append((item, fact))
    user_id = fact.user_id
    if user_id is None:
        return
    if item.status == ACTIVE:
        work.active_users.add(user_id)
    current = work.courses.get(user_id, fact.course_state)
    if batch.plans[item.place].action is Action.CREATE:
        work.courses[user_id] = target_state(current, item.status)
    elif fact.status != item.status and current is not None and fact.has_course_enrollment:
        work.courses[user_id] = switched_state(current, item.status)
    work.course_versions[user_id] = fact.course_version


def _apply(batch: _Batch, work: _Work) -> None:
    before = {fact.user_id: fact.course_state for _, fact in work.rows}
    course_ids = statements.write_courses(
        [
            statements.course_write(user_id, batch.course_key, state, work.course_versions[user_id])
            for user_id, state in work.courses.items()
            if state != before[user_id]
        ]
    )
    numbers = statements.write_course_rows(
        [
            _row_write(batch, item, fact, course_ids)
            for item, fact in work.rows
            if batch.plans[item.place].action is not Action.UNCHANGED
        ]
    )
    for item, fact in work.rows:
        number = numbers.get(fact.enrollment_id, fact.row_id)
        plan = batch.plans[item.place]
        batch.plans[item.place] = RowPlan(*plan[:4], number, *plan[5:8], _course_change(fact, work))
    statements.set_staff(
        batch.course_key,
        [
            (item.course_staff, fact.user_id, batch.plans[item.place].record_id)
            for item, fact in work.rows
            if isinstance(item.course_staff, bool)
        ],
    )


def _row_write(
    batch: _Batch, item: _Wanted, fact: CourseFact, course_ids: Mapping[tuple[int, str], int]
) -> statements.RowWrite:
    return statements.RowWrite(
        fact.enrollment_id,
        course_ids.get((fact.user_id or 0, batch.course_key), fact.course_id),
        batch.course_key,
        item.status,
        fact.user_id,
        fact.external_key,
        fact.organization_key,
        (fact.row_version or 0) + 1,
    )


def _course_change(fact: CourseFact, work: _Work) -> CourseChange | None:
    after = work.courses.get(fact.user_id) if fact.user_id is not None else None
    if fact.user_id is None or after is None or after == fact.course_state:
        return None
    return CourseChange(fact.user_id, fact.course_state, after)


def _note(batch: _Batch, plans: Sequence[RowPlan]) -> None:
    created = sum(plan.action is Action.CREATE for plan in plans)
    changed = sum(plan.action is Action.UPDATE for plan in plans)
    written = sum(plan.action is not Action.REFUSE for plan in plans)
    if written:
        facts = {
            "course_key": batch.course_key,
            "created": created,
            "changed": changed,
            "refused": len(plans) - written,
        }
        note(
            "write-program-course-enrollments", "enrollments_program_course_enrollment", batch.program, facts
        )
        db.session.expire_all()
