"""The codes of admissions: why a row or a request is refused. Stable; used by pages, commands and tests."""

from dataclasses import dataclass

from portal.sdk import Conflict, NotFound

NOT_ADMITTED = "not-admitted"
REG_NUMBER_TAKEN = "registration-number-taken"
NO_CERTIFICATE = "no-certificate"
CERTIFICATE_MISSING = "certificate-missing"
ENTRY_SESSION_MISSING = "entry-session-missing"
ENTRY_SESSION_INVALID = "entry-session-invalid"
PHOTO_UNREADABLE = "photo-unreadable"
SLIP_FAILED = "slip-failed"
CHANGED_SINCE_PREVIEW = "changed-since-preview"
POSSIBLE_DUPLICATE = "possible-duplicate"
APPLICANT_NOT_FOUND = "applicant-not-found"
ALREADY_CREATED = "already-created"
ALREADY_EXISTS = "already-exists"
WRONG_STATE = "wrong-state"
CERTIFICATE_WRONG_CATEGORY = "certificate-wrong-category"


def field_missing(name: str) -> str:
    """Return the code for a required field that is empty."""
    return f"field-missing: {name}"


def field_invalid(name: str) -> str:
    """Return the code for a field whose value cannot be used."""
    return f"field-invalid: {name}"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why something is not done for one record: a stable code, and what is wrong and what to do about it."""

    code: str
    message: str


class ApplicantNotFound(NotFound):
    """There is no such applicant."""

    def __init__(self, name: object) -> None:
        super().__init__(APPLICANT_NOT_FOUND, f"There is no applicant {name}.", {"applicant": str(name)})


class TransitionRefused(Conflict):
    """A transition does not fit the record as it is."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code, refusal.message)
