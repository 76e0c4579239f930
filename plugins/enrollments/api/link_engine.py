"""Gives enrollments to users, and takes them away again: set-based, in a constant number of statements per chunk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Integer, update
from sqlalchemy.exc import IntegrityError

from plugins.enrollments.api import course_statements as statements
from plugins.enrollments.api.entries import refused_entries
from plugins.enrollments.api.link_facts import LearnerFact, RowFact, learner_facts, row_facts
from plugins.enrollments.api.masters_track import AUDIT, CourseState, is_entering, target_state
from plugins.enrollments.api.rowsets import rowset
from plugins.enrollments.api.stamping import stamp
from plugins.enrollments.errors import CourseEnrollmentException, EnrollmentsBusy, NonExistentCourseError
from plugins.enrollments.models import ProgramEnrollment
from plugins.enrollments.models.columns import Key
from plugins.enrollments.models.vocabulary import CourseEnrollmentStatus
from portal.sdk import db, savepoint

ATTEMPTS = 4
ACTIVE = CourseEnrollmentStatus.ACTIVE.value
_TABLE: Any = ProgramEnrollment.__table__
_OWNER = {"id": Key, "user_id": Integer(), "version": Integer()}

TAKEN_PLACE = "IntegrityError: the user is in this curriculum of the program already, under another key"
TAKEN_COURSE = "IntegrityError: the user is active in {course_key} through another program enrollment"
BUSY = "IntegrityError: others are changing the same enrollments"
GONE = "The enrollment no longer exists"
#: The caller may look again and decide anew.
MOVED = "IntegrityError: the enrollment was linked by somebody else meanwhile"


class Pair(NamedTuple):
    """An enrollment and the user that it shall get; None takes its user away.

    ``seen_user_id`` is whom it belonged to when the caller looked.
    """

    enrollment_id: int
    user_id: int | None
    seen_user_id: int | None = None


class Problem(NamedTuple):
    """Why a pair was left as it is: words, and the error where there is one."""

    text: str
    error: CourseEnrollmentException | None = None
    code: str = "link-refused"


@dataclass
class _Plan:
    learners: Mapping[int, LearnerFact]
    accepted: list[Pair] = field(default_factory=list)
    rows: dict[int, list[RowFact]] = field(default_factory=dict)
    problems: dict[int, Problem] = field(default_factory=dict)
    places: set[tuple[Any, Any, int]] = field(default_factory=set)
    active: set[tuple[int, str]] = field(default_factory=set)


def link_pairs(pairs: Sequence[Pair]) -> dict[int, Problem]:
    """Give enrollments their users with all course runs they wait for; return number to problem for those that failed.

    A pair is linked wholly or not at all. An enrollment that has another user is taken from it first. At most eight
    statements (ten where roles wait), two of them savepoints, for one chunk; the caller gives at most 2,000 pairs, each
    enrollment once. Needs an open transaction; does not commit.
    """
    if not pairs:
        return {}
    db.session.flush()
    for _ in range(ATTEMPTS):
        plan = _planned(pairs, lock=True)
        if not plan.accepted:
            return plan.problems
        try:
            with savepoint():
                _apply(plan)
            return plan.problems
        except (statements.Collision, IntegrityError):
            continue
    if len(pairs) == 1:
        return {pairs[0].enrollment_id: Problem(BUSY)}
    # Whoever keeps colliding must not cost the others their links.
    problems: dict[int, Problem] = {}
    for pair in pairs:
        problems |= link_pairs([pair])
    return problems


def check_pairs(pairs: Sequence[Pair]) -> dict[int, Problem]:
    """Return number to problem for those pairs that could not be linked now. Reads only; two statements."""
    return _planned(pairs, lock=False).problems if pairs else {}


def moved(problems: Mapping[int, Problem]) -> set[int]:
    """Return the enrollments that were linked by somebody else between the caller's look and the lock."""
    return {number for number, problem in problems.items() if problem.text == MOVED}


def unlink_enrollments(enrollment_ids: Sequence[int]) -> None:
    """Take enrollments from their users; one statement per table. Needs an open transaction; does not commit.

    A course enrollment made through them is switched off, and moves to audit where the course run offers that, unless
    another program's active row uses it. Staff roles of the users stay.

    Raises:
        EnrollmentsBusy: other writers were quicker too often.
    """
    problems = link_pairs([Pair(number, None) for number in dict.fromkeys(enrollment_ids)])
    if any(problem.text == BUSY for problem in problems.values()):
        raise EnrollmentsBusy


def _planned(pairs: Sequence[Pair], *, lock: bool) -> _Plan:
    wanted = [(pair.enrollment_id, pair.user_id) for pair in pairs]
    plan = _Plan(learner_facts(wanted, lock=lock))
    for fact in row_facts(wanted):
        plan.rows.setdefault(fact.enrollment_id, []).append(fact)
    refusals = refused_entries(
        (pair.user_id, fact.course_key)
        for pair in pairs
        if pair.user_id is not None
        for fact in plan.rows.get(pair.enrollment_id, ())
        if fact.course_exists and is_entering(fact.course_state)
    )
    for pair in pairs:
        problem = _problem(plan, pair, refusals)
        if problem is not None:
            plan.problems[pair.enrollment_id] = problem
            continue
        plan.accepted.append(pair)
        if pair.user_id is not None:
            learner = plan.learners[pair.enrollment_id]
            plan.places.add((learner.program_uuid, learner.curriculum_uuid, pair.user_id))
            plan.active.update(
                (pair.user_id, fact.course_key)
                for fact in plan.rows.get(pair.enrollment_id, ())
                if fact.status == ACTIVE
            )
    return plan


def _problem(
    plan: _Plan, pair: Pair, refusals: Mapping[tuple[int, str], CourseEnrollmentException]
) -> Problem | None:
    learner = plan.learners.get(pair.enrollment_id)
    if learner is None:
        return Problem(GONE)
    if pair.user_id is None:
        return None
    if learner.user_id != pair.seen_user_id:
        return Problem(MOVED)
    place = (learner.program_uuid, learner.curriculum_uuid, pair.user_id)
    if learner.rival_id is not None or place in plan.places:
        return Problem(TAKEN_PLACE)
    for fact in plan.rows.get(pair.enrollment_id, ()):
        if not fact.course_exists:
            error: CourseEnrollmentException = NonExistentCourseError(course_key=fact.course_key)
            return Problem(error.in_words, error)
        refusal = refusals.get((pair.user_id, fact.course_key))
        if refusal is not None:
            return Problem(refusal.in_words, refusal)
        is_taken = fact.rival_id is not None or (pair.user_id, fact.course_key) in plan.active
        if fact.status == ACTIVE and is_taken:
            return Problem(TAKEN_COURSE.format(course_key=fact.course_key))
    return None


def _apply(plan: _Plan) -> None:
    _give_owners(
        [
            (pair.enrollment_id, pair.user_id, plan.learners[pair.enrollment_id].version)
            for pair in plan.accepted
        ]
    )
    course_ids = statements.write_courses(_course_writes(plan))
    links, roles = [], []
    for pair in plan.accepted:
        for fact in plan.rows.get(pair.enrollment_id, ()):
            course_id = None
            if pair.user_id is not None:
                course_id = course_ids.get((pair.user_id, fact.course_key), fact.course_id)
                if fact.has_roles:
                    roles.append((fact.id, pair.user_id, fact.course_key))
            links.append(statements.LinkWrite(fact.id, course_id, pair.user_id, fact.version))
    statements.link_course_rows(links)
    if roles:
        statements.give_staff_roles((user_id, key) for _, user_id, key in roles)
        statements.drop_assignments(number for number, _, _ in roles)


def _give_owners(owners: Sequence[tuple[int, int | None, int]]) -> None:
    given = rowset("given", _OWNER, sorted(owners, key=lambda owner: owner[0]))
    done = db.session.connection().execute(
        update(_TABLE)
        .where(_TABLE.c.id == given.c.id, _TABLE.c.version == given.c.version)
        .values(user_id=given.c.user_id, version=_TABLE.c.version + 1, **stamp())
        # SQLite counts no rows of a statement that begins with WITH.
        .returning(_TABLE.c.id)
    )
    if len(done.all()) != len(owners):
        raise statements.Collision


def _course_writes(plan: _Plan) -> list[statements.CourseWrite]:
    """Return the course enrollments that change: those of old users end, those of new users begin."""
    states: dict[tuple[int, str], CourseState] = {}
    before: dict[tuple[int, str], tuple[CourseState | None, int | None]] = {}
    for pair in plan.accepted:
        for fact in plan.rows.get(pair.enrollment_id, ()):
            _end_old(fact, pair.user_id, states, before)
    for pair in plan.accepted:
        if pair.user_id is None:
            continue
        for fact in plan.rows.get(pair.enrollment_id, ()):
            place, now = (pair.user_id, fact.course_key), fact.course_state
            before.setdefault(place, (now, fact.course_version))
            states[place] = target_state(states.get(place, now), fact.status)
    return [
        statements.course_write(*place, state, before[place][1])
        for place, state in states.items()
        if state != before[place][0]
    ]


def _end_old(
    fact: RowFact,
    new_user_id: int | None,
    states: dict[tuple[int, str], CourseState],
    before: dict[tuple[int, str], tuple[CourseState | None, int | None]],
) -> None:
    if fact.user_id is None or fact.user_id == new_user_id or fact.old_mode is None:
        return
    if fact.old_rival_id is not None:
        return
    place = (fact.user_id, fact.course_key)
    before[place] = (CourseState(fact.old_mode, bool(fact.old_is_active)), fact.old_version)
    states[place] = CourseState(AUDIT if fact.offers_audit else fact.old_mode, is_active=False)
