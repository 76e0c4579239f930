"""The checks before a student is created: one set, in one order, behind single and bulk creation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from plugins.admissions.api.candidates import Candidate
from plugins.admissions.api.fields import RULES, FieldProblem, living_birth_date
from plugins.admissions.errors import (
    CERTIFICATE_MISSING,
    ENTRY_SESSION_INVALID,
    ENTRY_SESSION_MISSING,
    NO_CERTIFICATE,
    NOT_ADMITTED,
    PHOTO_UNREADABLE,
    POSSIBLE_DUPLICATE,
    REG_NUMBER_TAKEN,
    Refusal,
    field_invalid,
    field_missing,
)
from plugins.admissions.models import ApplicantState
from portal.sdk import utc_now

EARLIEST_SESSION = 1950
#: Entry sessions may begin so many years from now.
SESSIONS_AHEAD = 4

_REQUIRED = ("firstname", "lastname", "sex", "date_of_birth")
_RULES: tuple[tuple[str, Callable[[Any], object]], ...] = (
    ("firstname", RULES["firstname"]),
    ("lastname", RULES["lastname"]),
    ("sex", RULES["sex"]),
    ("date_of_birth", living_birth_date),
    ("middlename", RULES["middlename"]),
    ("email", RULES["email"]),
    ("phone", RULES["phone"]),
    ("reg_number", RULES["reg_number"]),
)


@dataclass(kw_only=True)
class Surroundings:
    """What the checks compare with; filled once per chunk.

    Args:
        taken: Registration number → number of the student that has it.
        photo_problems: Key of an applicant's passport blob → what is wrong with it.
        namesakes: (folded name, date of birth) → who else has both.
        refuse_namesakes: A namesake refuses instead of only being warned of.
        claimed: Registration number → applicant of this chunk that came first with it; grows while checking.
    """

    taken: Mapping[str, str]
    photo_problems: Mapping[str, str]
    namesakes: Mapping[tuple[str, date | None], str] = field(default_factory=dict)
    refuse_namesakes: bool = False
    claimed: dict[str, str] = field(default_factory=dict)


def refusal_of(candidate: Candidate, around: Surroundings) -> Refusal | None:
    """Return the first reason why this applicant cannot become a student, or None.

    The order is part of the contract: state, registration number, certificate, fields, session, photo, duplicate.
    """
    refusal = (
        _state(candidate)
        or _registration_number(candidate, around)
        or _certificate(candidate)
        or _fields(candidate)
        or _entry_session(candidate)
        or _photo(candidate, around)
        or _namesake(candidate, around)
    )
    if refusal is None and candidate.reg_number:
        around.claimed[candidate.reg_number] = candidate.applicant_id
    return refusal


def warning_of(candidate: Candidate, around: Surroundings) -> str:
    """Return what a person should look at before going on, or an empty text."""
    other = _other_with_name(candidate, around)
    if other is None:
        return ""
    return f"Possible duplicate: {other} has the same name and date of birth."


def _state(candidate: Candidate) -> Refusal | None:
    if candidate.state == ApplicantState.ADMITTED:
        return None
    made = f" and is student {candidate.student_id}" if candidate.student_id else ""
    message = f"Applicant has not yet been admitted: {candidate.applicant_id} is {candidate.state}{made}."
    if candidate.state == ApplicantState.CREATED:
        message = f"{candidate.applicant_id} has a student record already: {candidate.student_id}."
    return Refusal(code=NOT_ADMITTED, message=message)


def _registration_number(candidate: Candidate, around: Surroundings) -> Refusal | None:
    number = candidate.reg_number
    if not number:
        return None
    holder = around.taken.get(number)
    if holder is not None:
        message = f"Registration number {number} belongs to student {holder} already."
        return Refusal(code=REG_NUMBER_TAKEN, message=message)
    first = around.claimed.get(number)
    if first is not None:
        message = f"Registration number {number} comes twice; {first} came first and gets it."
        return Refusal(code=REG_NUMBER_TAKEN, message=message)
    return None


def _certificate(candidate: Candidate) -> Refusal | None:
    if not candidate.course_admitted:
        message = "No study course provided: choose the admitted certificate of the applicant."
        return Refusal(code=NO_CERTIFICATE, message=message)
    if candidate.certificate_id is None:
        message = (
            f"The certificate {candidate.course_admitted} no longer exists. Restore it or choose another one."
        )
        return Refusal(code=CERTIFICATE_MISSING, message=message)
    return None


def _fields(candidate: Candidate) -> Refusal | None:
    for name in _REQUIRED:
        if not getattr(candidate, name):
            title = name.replace("_", " ")
            message = f"A student needs the {title}, which {candidate.applicant_id} lacks. Fill in {name}."
            return Refusal(code=field_missing(name), message=message)
    for name, rule in _RULES:
        value = getattr(candidate, name)
        if not value:
            continue
        try:
            rule(value)
        except FieldProblem as problem:
            message = f"The {name} {str(value)[:80]!r} of {candidate.applicant_id} cannot be used: {problem}."
            return Refusal(code=field_invalid(name), message=message)
    return None


def _entry_session(candidate: Candidate) -> Refusal | None:
    session = candidate.entry_session
    if session is None:
        message = "The container has no year, so there is no entry session. Set the container's year."
        return Refusal(code=ENTRY_SESSION_MISSING, message=message)
    latest = utc_now().year + SESSIONS_AHEAD
    if not EARLIEST_SESSION <= session <= latest:
        message = (
            f"The container's year {session} is no usable entry session ({EARLIEST_SESSION} to {latest})."
        )
        return Refusal(code=ENTRY_SESSION_INVALID, message=message)
    return None


def _photo(candidate: Candidate, around: Surroundings) -> Refusal | None:
    passport = candidate.passport
    problem = around.photo_problems.get(passport.sha256) if passport is not None else None
    if problem is None:
        return None
    message = f"The passport picture of {candidate.applicant_id} cannot be read: {problem}. Upload it again."
    return Refusal(code=PHOTO_UNREADABLE, message=message)


def _namesake(candidate: Candidate, around: Surroundings) -> Refusal | None:
    if not around.refuse_namesakes:
        return None
    other = _other_with_name(candidate, around)
    if other is None:
        return None
    message = f"{other[0].upper()}{other[1:]} has the same name and date of birth. Clear this up first."
    return Refusal(code=POSSIBLE_DUPLICATE, message=message)


def _other_with_name(candidate: Candidate, around: Surroundings) -> str | None:
    if candidate.date_of_birth is None:
        return None
    return around.namesakes.get((candidate.fullname, candidate.date_of_birth))
