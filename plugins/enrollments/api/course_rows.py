"""Writes program-course enrollments set-based: any number of rows, a constant number of statements per chunk."""

import uuid
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy.exc import IntegrityError

from plugins.enrollments.api import course_statements as statements
from plugins.enrollments.api.course_facts import CourseFact, course_facts
from plugins.enrollments.api.entries import are_judged, refused_entries
from plugins.enrollments.api.inputs import (
    current_settings,
    external_keys,
    normaliser,
    required_course_key,
    required_flags,
    required_uuid,
)
from plugins.enrollments.api.masters_track import CourseState, switched_state, target_state
from plugins.enrollments.api.plans import (
    CHANGED_SINCE_PREVIEW,
    Action,
    CourseChange,
    Decision,
    RowPlan,
    action_counts,
    refused,
    with_status,
)
from plugins.enrollments.api.row_requests import RowRequest, row_requests
from plugins.enrollments.api.stamping import note
from plugins.enrollments.errors import (
    CONFLICT,
    NOT_FOUND,
    NOT_IN_PROGRAM,
    CourseEnrollmentException,
    EnrollmentsBusy,
    NonExistentCourseError,
)
from plugins.enrollments.models.vocabulary import COURSE_STATUSES, CourseEnrollmentStatus
from portal.sdk import db, savepoint

CHUNK_ROWS = 5_000
ATTEMPTS = 6
ACTIVE = CourseEnrollmentStatus.ACTIVE.value
_REFUSE, _UNCHANGED = Action.REFUSE, Action.UNCHANGED
_ELSEWHERE = "The learner takes this course run in another program, or under another key."


@dataclass(kw_only=True)
class _Batch:
    program: uuid.UUID
    course_key: str
    create: bool
    update: bool
    seen: Mapping[Hashable, int | None] | None
    plans: dict[int, RowPlan]
    #: Status asked for, status now (None: no row), and whether somebody else has the place, to what becomes of the row.
    decisions: dict[tuple[str, str | None, bool], Decision] = field(default_factory=dict)


@dataclass
class _Work:
    """What a chunk is about to write."""

    facts: Mapping[str, CourseFact]
    #: User to the course enrollment as it was, and as it is after the rows planned so far.
    before: dict[int, CourseState | None] = field(default_factory=dict)
    courses: dict[int, CourseState] = field(default_factory=dict)
    course_versions: dict[int, int | None] = field(default_factory=dict)
    rows: list[tuple[RowRequest, CourseFact, Decision]] = field(default_factory=list)
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
    program, course = required_uuid(program_uuid), required_course_key(course_key, settings)
    wanted, refusals = row_requests(keys, requests, normaliser(settings), COURSE_STATUSES, "course_staff")
    batch = _Batch(
        program=program, course_key=course, create=create, update=update, seen=seen, plans=refusals
    )
    if apply:
        db.session.flush()
    for first in range(0, len(wanted), CHUNK_ROWS):
        _write_chunk(batch, wanted[first : first + CHUNK_ROWS], apply=apply)
    plans = [batch.plans[place] for place in range(len(requests))]
    if apply:
        _note(batch, plans)
    return plans


def _write_chunk(batch: _Batch, wanted: Sequence[RowRequest], *, apply: bool) -> None:
    for _ in range(ATTEMPTS):
        forms = [item.form for item in wanted]
        work = _Work(course_facts(batch.program, batch.course_key, forms, lock=apply))
        _plan(batch, wanted, work)
        if not apply:
            _complete(batch, work, {})
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


def _plan(batch: _Batch, wanted: Sequence[RowRequest], work: _Work) -> None:
    refusals = _refused_entries(batch, wanted, work)
    find, seen = work.facts.get, batch.seen
    for item in wanted:
        fact = find(item.form)
        if fact is None:
            batch.plans[item.place] = refused(item.key, NOT_IN_PROGRAM)
            continue
        user_id = fact.user_id
        if user_id in refusals and _is_creation(batch, item, fact):
            refusal = refusals[user_id]
            batch.plans[item.place] = refused(item.key, refusal.row_code, refusal.message)
            continue
        if seen is not None and seen.get(item.key) != fact.row_version:
            batch.plans[item.place] = refused(item.key, CHANGED_SINCE_PREVIEW)
            continue
        decision = _decision(batch, item.status, fact, is_taken=user_id in work.active_users)
        if decision.action is _REFUSE:
            batch.plans[item.place] = refused(item.key, decision.code, decision.message)
            continue
        work.rows.append((item, fact, decision))
        if user_id is not None:
            _keep(user_id, item.status, fact, decision, work)


def _refused_entries(
    batch: _Batch, wanted: Sequence[RowRequest], work: _Work
) -> Mapping[int | None, CourseEnrollmentException]:
    """Ask the plugins whether the users who would enter the course run may; return user id to refusal."""
    creations = (
        fact
        for item in wanted
        if (fact := work.facts.get(item.form)) is not None and _is_creation(batch, item, fact)
    )
    # One course run, so one of the facts tells.
    if not all(fact.course_exists for fact in islice(work.facts.values(), 1)):
        if any(creations):
            raise NonExistentCourseError(course_key=batch.course_key)
        return {}
    if not are_judged():
        return {}
    # Who is active there already does not enter.
    users = [fact.user_id for fact in creations if fact.user_id is not None and not fact.is_active]
    refusals = refused_entries((user_id, batch.course_key) for user_id in users)
    return {user_id: refusal for (user_id, _), refusal in refusals.items()}


def _is_creation(batch: _Batch, item: RowRequest, fact: CourseFact) -> bool:
    return batch.create and fact.row_id is None and not (item.status == ACTIVE and fact.is_active_elsewhere)


def _decision(batch: _Batch, status: str, fact: CourseFact, *, is_taken: bool) -> Decision:
    is_elsewhere = status == ACTIVE and (
        is_taken or fact.rival_of_key is not None or fact.rival_of_user is not None
    )
    case = (status, fact.status, is_elsewhere)
    found = batch.decisions.get(case)
    if found is None:
        found = batch.decisions[case] = _decided(batch, *case)
    return found


def _decided(batch: _Batch, status: str, now: str | None, is_elsewhere: bool) -> Decision:
    if is_elsewhere:
        return Decision(Action.REFUSE, CONFLICT, _ELSEWHERE)
    if now is None:
        if not batch.create:
            return Decision(Action.REFUSE, NOT_FOUND)
        return Decision(Action.CREATE, status, after=with_status(status))
    if not batch.update:
        return Decision(Action.REFUSE, CONFLICT, "The learner takes this course run already.")
    action = Action.UNCHANGED if now == status else Action.UPDATE
    return Decision(action, status, before=with_status(now), after=with_status(status))


def _keep(user_id: int, status: str, fact: CourseFact, decision: Decision, work: _Work) -> None:
    """Note what an accepted row changes of its user's course enrollment, in the order of the requests."""
    if status == ACTIVE:
        work.active_users.add(user_id)
    before = work.before[user_id] = fact.course_state
    work.course_versions[user_id] = fact.course_version
    current = work.courses.get(user_id, before)
    if decision.action is Action.CREATE:
        work.courses[user_id] = target_state(current, status)
    elif fact.status != status and current is not None and fact.has_course_enrollment:
        work.courses[user_id] = switched_state(current, status)


def _apply(batch: _Batch, work: _Work) -> None:
    course_key, course_ids = batch.course_key, _course_ids(batch, work)
    numbers = statements.write_course_rows(
        [
            statements.RowWrite(
                fact.enrollment_id,
                course_ids.get(fact.user_id, fact.course_id),
                course_key,
                item.status,
                fact.user_id,
                fact.external_key,
                fact.organization_key,
                (fact.row_version or 0) + 1,
            )
            for item, fact, decision in work.rows
            if decision.action is not _UNCHANGED
        ]
    )
    _complete(batch, work, numbers)
    statements.set_staff(
        course_key,
        [
            (item.detail, fact.user_id, batch.plans[item.place].record_id)
            for item, fact, _ in work.rows
            if isinstance(item.detail, bool)
        ],
    )


def _course_ids(batch: _Batch, work: _Work) -> Mapping[int | None, int]:
    """Write the course enrollments that change; return user id to number."""
    written = statements.write_courses(
        [
            statements.course_write(user_id, batch.course_key, state, work.course_versions[user_id])
            for user_id, state in work.courses.items()
            if state != work.before[user_id]
        ]
    )
    return {user_id: number for (user_id, _), number in written.items()}


def _complete(batch: _Batch, work: _Work, numbers: Mapping[int, int]) -> None:
    """Put the plans of accepted rows into the batch, with the numbers and changes that applying brought."""
    changes = {
        user_id: CourseChange(user_id, work.before[user_id], state)
        for user_id, state in (work.courses.items() if numbers else ())
        if state != work.before[user_id]
    }
    plans = batch.plans
    for item, fact, (action, code, message, before, after) in work.rows:
        number = numbers.get(fact.enrollment_id, fact.row_id)
        change = changes.get(fact.user_id) if changes else None  # type: ignore[arg-type]
        plans[item.place] = RowPlan(
            item.key, action, code, message, number, fact.row_version, before, after, change
        )


def _note(batch: _Batch, plans: Sequence[RowPlan]) -> None:
    counts = action_counts(plans)
    created, changed = counts[Action.CREATE], counts[Action.UPDATE]
    written = len(plans) - counts[Action.REFUSE]
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
