"""Linking waiting enrollments to users, and unlinking them. Nothing here commits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Integer, String, select
from sqlalchemy.orm import aliased

from plugins.enrollments.api.inputs import (
    Normalise,
    current_settings,
    is_storable_key,
    normaliser,
    required_uuid,
)
from plugins.enrollments.api.link_engine import (
    ATTEMPTS,
    Pair,
    Problem,
    check_pairs,
    link_pairs,
    moved,
    unlink_enrollments,
)
from plugins.enrollments.api.rowsets import rowset
from plugins.enrollments.api.stamping import note
from plugins.enrollments.errors import EnrollmentConflict, InvalidRequest
from plugins.enrollments.models import ProgramEnrollment
from plugins.enrollments.models.columns import Identifier
from portal.sdk import User, db, sign_in_key

CHUNK_ROWS = 2_000
_PAIR = {"place": Integer(), "form": Identifier, "name_key": String(), "name": String()}
Items = Sequence[tuple[Any, Any]]
#: Of a key that belongs to the user already.
LINKED_ALREADY = "linked-already"


class LinkRow(NamedTuple):
    """What became, or would become, of one key.

    Args:
        pair: The enrollment and its user, when it was linked; ``seen_user_id`` is whom it belonged to.
        problem: Why it was not; its code is ``linked-already`` when there was nothing to do.
        owner: Sign-in name of whom it belonged to, if anybody.
    """

    key: Any
    pair: Pair | None
    problem: Problem | None
    owner: str | None


@dataclass
class _Found:
    """What one look at (key, name) pairs has found."""

    pairs: list[tuple[Any, Pair]]
    problems: dict[Any, Problem]
    owners: dict[Any, str | None]


class _Target(NamedTuple):
    new_user_id: int | None
    id: int | None
    user_id: int | None
    username: str | None


def link_program_enrollments(
    program_uuid: object, external_keys_to_usernames: Mapping[Any, Any], *, relink: bool = False
) -> dict[Any, str]:
    """Link enrollments of a program to users; return external key to what went wrong, for those that failed.

    Each pair is linked wholly, with every course run that waits, or not at all. Judged in this order: no such user, no
    such enrollment, linked already (to this or to a different account), then what linking itself meets: the name of an
    error with its words, such as ``CourseFullError: …`` or ``IntegrityError: …``. Statuses are not looked at. Of a key
    in several curricula the enrollment that was made last is linked.

    Needs an open transaction; does not commit. At most twelve statements for up to 2,000 pairs.

    Args:
        program_uuid: UUID or its text; the catalog is not asked.
        external_keys_to_usernames: External key to sign-in name; names are exact.
        relink: Take an enrollment from a different account instead of refusing; see :func:`unlink_program_enrollment`.

    Raises:
        InvalidRequest: the program is no UUID, or a key is None (a ``ValueError``); nothing was read.

    Source: program_enrollments of edx-platform, ``api/linking.py``.
    """
    program = required_uuid(program_uuid)
    if any(key is None for key in external_keys_to_usernames):
        raise InvalidRequest("An external key is None; every key must be given.")
    items = list(external_keys_to_usernames.items())
    errors: dict[Any, str] = {}
    if not items:
        return errors
    normalise = normaliser(current_settings())
    db.session.flush()
    for first in range(0, len(items), CHUNK_ROWS):
        chunk = items[first : first + CHUNK_ROWS]
        problems = _link(program, chunk, normalise, relink=relink).problems
        errors |= {key: problems[key].text for key, _ in chunk if key in problems}
    _note(program, len(items) - len(errors), len(errors), relink=relink)
    return errors


def link_rows(
    program_uuid: object, pairs: Items, *, relink: bool = False, apply: bool = True
) -> list[LinkRow]:
    """Plan, and with ``apply`` link, (external key, sign-in name) pairs; return one row each, in order.

    The same rules as :func:`link_program_enrollments`. At most twelve statements for up to 2,000 pairs, four to plan.
    Needs an open transaction when it applies; does not commit.

    Args:
        pairs: At most 2,000, each key once.

    Raises:
        InvalidRequest: the program is no UUID.
    """
    program = required_uuid(program_uuid)
    normalise = normaliser(current_settings())
    if not pairs:
        return []
    if apply:
        db.session.flush()
        found = _link(program, pairs, normalise, relink=relink)
    else:
        found = _pairs(program, pairs, normalise, relink=relink)
        failed = check_pairs([pair for _, pair in found.pairs])
        found.problems |= {
            key: failed[pair.enrollment_id] for key, pair in found.pairs if pair.enrollment_id in failed
        }
    linked = {key: pair for key, pair in found.pairs if key not in found.problems}
    if apply:
        _note(program, len(linked), len(pairs) - len(linked), relink=relink)
    return [LinkRow(key, linked.get(key), found.problems.get(key), found.owners.get(key)) for key, _ in pairs]


def _note(program: Any, linked: int, failed: int, *, relink: bool) -> None:
    if linked:
        facts = {"linked": linked, "failed": failed, "relink": relink}
        note("link-program-enrollments", ProgramEnrollment.__tablename__, program, facts)
        db.session.expire_all()


def link_program_enrollment_to_lms_user(program_enrollment: ProgramEnrollment, user: User) -> None:
    """Link one enrollment, with every course run that waits. Needs an open transaction; does not commit.

    Raises:
        CourseEnrollmentException: a course run is gone, or a plugin refused; nothing was written.
        EnrollmentConflict: it is linked to somebody else, or the user is enrolled through another key.

    Source: program_enrollments of edx-platform, ``api/linking.py``.
    """
    if program_enrollment.user_id not in (None, user.id):
        raise EnrollmentConflict("The enrollment belongs to another user. Unlink it first, or relink.")
    problems = link_pairs([Pair(program_enrollment.id, user.id, program_enrollment.user_id)])
    for problem in problems.values():
        raise problem.error or EnrollmentConflict(problem.text.removeprefix("IntegrityError: "))
    facts = {"enrollment": program_enrollment.id, "user": user.id}
    note("link-program-enrollment", ProgramEnrollment.__tablename__, program_enrollment.id, facts)
    db.session.expire_all()


def unlink_program_enrollment(program_enrollment: ProgramEnrollment) -> None:
    """Take an enrollment from its user; it waits again. Needs an open transaction; does not commit.

    See :func:`unlink_program_enrollments`.
    """
    unlink_program_enrollments([program_enrollment])


def unlink_program_enrollments(program_enrollments: Iterable[ProgramEnrollment]) -> None:
    """Take enrollments from their users; they wait again. At most seven statements for up to 2,000.

    Course enrollments made through them are switched off and move to audit where the course run offers that, unless
    another program's active row uses them. Rows without course enrollment are fine. Staff roles of the users stay.
    Needs an open transaction; does not commit.

    Raises:
        EnrollmentConflict: one has no external key, so nobody could ever find it again.
        EnrollmentsBusy: other writers were quicker too often.
    """
    chosen = [item for item in program_enrollments if item.user_id is not None]
    if any(item.external_user_key is None for item in chosen):
        raise EnrollmentConflict("An enrollment without external key cannot wait; it needs its user.")
    if not chosen:
        return
    unlink_enrollments([item.id for item in chosen])
    facts = {"users": [item.user_id for item in chosen[:500]], "count": len(chosen)}
    note("unlink-program-enrollments", ProgramEnrollment.__tablename__, chosen[0].id, facts)
    db.session.expire_all()


def _link(program: Any, items: Items, normalise: Normalise, *, relink: bool) -> _Found:
    """Link what can be linked; return all pairs that were tried, and the problems of the others."""
    total = _Found([], {}, {})
    for _ in range(ATTEMPTS):
        found = _pairs(program, items, normalise, relink=relink)
        failed = link_pairs([pair for _, pair in found.pairs])
        again = moved(failed)
        total.problems |= found.problems
        total.problems |= {
            key: failed[pair.enrollment_id] for key, pair in found.pairs if pair.enrollment_id in failed
        }
        total.owners |= found.owners
        retried = {key for key, pair in found.pairs if pair.enrollment_id in again}
        total.pairs += [(key, pair) for key, pair in found.pairs if key not in retried]
        if not again:
            break
        # Somebody else linked these meanwhile: look whom they belong to now.
        names = dict(items)
        items = [(key, names[key]) for key in retried]
        for key in retried:
            total.problems.pop(key)
    return total


def _pairs(program: Any, items: Items, normalise: Normalise, *, relink: bool) -> _Found:
    """Return what can be tried, and what cannot with the words for it."""
    all_found = _Found([], {}, {})
    claimed: dict[int, Any] = {}
    for (key, name), found in zip(items, _targets(program, items, normalise), strict=True):
        all_found.owners[key] = found.username
        problem = _problem(program, key, name, found, relink=relink)
        if problem is None and found.id in claimed:
            text = f"The enrollment is linked by the key {claimed[found.id]} in this request already"
            problem = Problem(text, code="duplicated")
        if problem is not None:
            all_found.problems[key] = problem
        elif found.id is not None:
            claimed[found.id] = key
            all_found.pairs.append((key, Pair(found.id, found.new_user_id, found.user_id)))
    return all_found


def _problem(program: Any, key: Any, name: Any, found: _Target, *, relink: bool) -> Problem | None:
    if found.new_user_id is None:
        return Problem(f"No user found with username {name}", code="user-not-found")
    if found.id is None:
        text = f"No program enrollment found for program uuid={program} and external student key={key}"
        return Problem(text, code="not-in-program")
    if found.user_id is not None and (not relink or found.user_id == found.new_user_id):
        is_target = found.user_id == found.new_user_id
        account = "target account" if is_target else "a different account"
        text = (
            f"Program enrollment with external_student_key={key} is already linked to {account} "
            f"username={found.username}"
        )
        return Problem(text, code=LINKED_ALREADY if is_target else "linked-elsewhere")
    return None


def _targets(program: Any, items: Items, normalise: Normalise) -> list[_Target]:
    """Return for each (key, name) the user and the enrollment that was made last. One statement."""
    given = rowset(
        "given",
        _PAIR,
        [
            (
                place,
                normalise(key) if is_storable_key(key, normalise) else None,
                sign_in_key(name) if is_storable_key(name) else None,
                name if is_storable_key(name) else None,
            )
            for place, (key, name) in enumerate(items)
        ],
    )
    new_user, owner = aliased(User), aliased(User)
    rows = db.session.execute(
        select(
            given.c.place,
            new_user.id,
            ProgramEnrollment.id,
            ProgramEnrollment.user_id,
            owner.sign_in_name,
        )
        .select_from(given)
        .outerjoin(
            new_user, (new_user.sign_in_key == given.c.name_key) & (new_user.sign_in_name == given.c.name)
        )
        .outerjoin(
            ProgramEnrollment,
            (ProgramEnrollment.program_uuid == program) & (ProgramEnrollment.external_key == given.c.form),
        )
        .outerjoin(owner, owner.id == ProgramEnrollment.user_id)
        .order_by(ProgramEnrollment.id)
    )
    found = {place: _Target(new_user_id, *rest) for place, new_user_id, *rest in rows}
    return [found[place] for place in range(len(items))]
