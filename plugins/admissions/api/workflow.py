"""Fires transitions of applications: guards, one conditional UPDATE, history and audit, for one or for many."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update

from plugins.admissions.api.history import HistoryLine, write_applicant_history
from plugins.admissions.api.transitions import TRANSITIONS, Transition
from plugins.admissions.errors import (
    APPLICANT_NOT_FOUND,
    CERTIFICATE_MISSING,
    CERTIFICATE_WRONG_CATEGORY,
    NO_CERTIFICATE,
    WRONG_STATE,
    ApplicantNotFound,
    Refusal,
    TransitionRefused,
)
from plugins.admissions.models import Applicant, ApplicantState, Certificate, Container
from portal.sdk import AuditRow, InvalidInput, db, record_many, utc_now

#: Applicants in one call of :func:`transition_many`.
MOST_AT_ONCE = 500

_applicants: Any = Applicant.__table__


@dataclass(frozen=True, kw_only=True)
class TransitionOutcome:
    """What became of one applicant: ``refusal`` is None when the transition was made."""

    applicant_uid: uuid.UUID
    applicant_id: str
    refusal: Refusal | None = None


def available_transitions(applicant: Applicant) -> list[Transition]:
    """Return the transitions that people may choose for this applicant now; never ``create`` and never ``pay``."""
    is_free = applicant.container.application_fee == 0
    return [
        item
        for item in TRANSITIONS.values()
        if item.is_offered and applicant.state in _sources(item, is_free)
    ]


def transition(applicant_uid: uuid.UUID, transition_id: str) -> None:
    """Make one transition. Needs an open transaction; does not commit.

    Raises:
        InvalidInput: ``transition-unknown``, for an id that people may not choose, too.
        ApplicantNotFound: when there is no such applicant.
        TransitionRefused: when the state or a guard stands against it; nothing was written.
    """
    (outcome,) = transition_many([applicant_uid], transition_id)
    if outcome.refusal is None:
        return
    if outcome.refusal.code == APPLICANT_NOT_FOUND:
        raise ApplicantNotFound(applicant_uid)
    raise TransitionRefused(outcome.refusal)


def transition_many(applicant_uids: Sequence[uuid.UUID], transition_id: str) -> list[TransitionOutcome]:
    """Make one transition on many applicants; outcomes come in the given order. Five statements for any number.

    Needs an open transaction; does not commit. Those that are refused stay as they are.

    Args:
        applicant_uids: 1 to 500, unique, any order; locked in key order.
        transition_id: One that people may choose; see :data:`TRANSITIONS`.

    Raises:
        InvalidInput: ``transition-unknown``; ``too-many`` for more than 500.
    """
    step = _offered(transition_id)
    if len(applicant_uids) > MOST_AT_ONCE:
        raise InvalidInput(
            "too-many", f"At most {MOST_AT_ONCE} applicants at once; {len(applicant_uids)} were given."
        )
    db.session.flush()
    rows = _locked_rows(applicant_uids)
    certificates = _categories(rows.values()) if step.needs_certificate else {}
    outcomes = [_judged(step, uid, rows.get(uid), certificates) for uid in applicant_uids]
    _write(step, [rows[outcome.applicant_uid] for outcome in outcomes if outcome.refusal is None])
    return outcomes


def _offered(transition_id: str) -> Transition:
    step = TRANSITIONS.get(transition_id)
    if step is None or not step.is_offered:
        allowed = ", ".join(item.id for item in TRANSITIONS.values() if item.is_offered)
        raise InvalidInput(
            "transition-unknown", f"{transition_id!r} is none of the transitions to choose: {allowed}."
        )
    return step


def _sources(step: Transition, is_free: bool) -> tuple[ApplicantState | None, ...]:
    return (step.source, step.free_source) if is_free and step.free_source else (step.source,)


def _locked_rows(uids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Any]:
    found = db.session.execute(
        select(
            Applicant.id,
            Applicant.applicant_id,
            Applicant.state,
            Applicant.course_admitted,
            Applicant.locked,
            Container.application_category,
            Container.application_fee,
        )
        .join(Container, Container.id == Applicant.container_id)
        .where(Applicant.id.in_(uids))
        .order_by(Applicant.id)
        .with_for_update(of=Applicant)
    )
    return {row.id: row for row in found}


def _categories(rows: Any) -> Mapping[str, str]:
    codes = {row.course_admitted for row in rows if row.course_admitted}
    if not codes:
        return {}
    statement = select(Certificate.code, Certificate.application_category).where(Certificate.code.in_(codes))
    return dict(db.session.execute(statement).all())


def _judged(step: Transition, uid: uuid.UUID, row: Any, certificates: Mapping[str, str]) -> TransitionOutcome:
    if row is None:
        refusal = Refusal(code=APPLICANT_NOT_FOUND, message=f"There is no applicant {uid}.")
        return TransitionOutcome(applicant_uid=uid, applicant_id="", refusal=refusal)
    return TransitionOutcome(
        applicant_uid=uid, applicant_id=row.applicant_id, refusal=_refusal(step, row, certificates)
    )


def _refusal(step: Transition, row: Any, certificates: Mapping[str, str]) -> Refusal | None:
    sources = _sources(step, Decimal(row.application_fee) == 0)
    if row.state not in sources:
        wanted = " or ".join(str(source) for source in sources if source)
        message = f"{row.applicant_id} is {row.state}; “{step.title}” needs {wanted}."
        return Refusal(code=WRONG_STATE, message=message)
    if not step.needs_certificate:
        return None
    course = row.course_admitted
    if not course:
        message = f"{row.applicant_id} has no admitted certificate. Choose one first."
        return Refusal(code=NO_CERTIFICATE, message=message)
    if course not in certificates:
        message = f"The certificate {course} of {row.applicant_id} no longer exists. Choose another one."
        return Refusal(code=CERTIFICATE_MISSING, message=message)
    if certificates[course] != row.application_category:
        message = (
            f"The certificate {course} is for {certificates[course]!r}, the container of {row.applicant_id} for "
            f"{row.application_category!r}. Choose a certificate of the container's category."
        )
        return Refusal(code=CERTIFICATE_WRONG_CATEGORY, message=message)
    return None


def _write(step: Transition, rows: Sequence[Any]) -> None:
    if not rows:
        return
    now = utc_now()
    values: dict[str, Any] = {"state": step.target, "version": _applicants.c.version + 1}
    if step.locks is not None:
        values["locked"] = step.locks
    if step.target is ApplicantState.SUBMITTED and step.id == "submit":
        values["application_date"] = now
    changed = db.session.execute(
        update(_applicants)
        .where(
            _applicants.c.id.in_([row.id for row in rows]),
            _applicants.c.state.in_({row.state for row in rows}),
        )
        .values(**values)
    )
    if changed.rowcount != len(rows):  # type: ignore[attr-defined]
        raise AssertionError("an applicant changed its state under our lock")
    write_applicant_history(
        [HistoryLine(owner_uid=row.id, at=now, text=step.text, transition=step.id) for row in rows]
    )
    record_many([_audit(step, row) for row in rows])
    db.session.expire_all()


def _audit(step: Transition, row: Any) -> AuditRow:
    changes: dict[str, Any] = {"state": [row.state, step.target.value], "transition": step.id}
    if step.locks is not None and step.locks != row.locked:
        changes["locked"] = [row.locked, step.locks]
    return AuditRow(action="update", target=Applicant.__tablename__, record_id=str(row.id), changes=changes)
