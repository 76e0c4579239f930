"""What a creation is asked with and answers: plain values between the job, the API and other callers."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from plugins.admissions.api.candidates import Candidate
from plugins.admissions.errors import Refusal
from plugins.admissions.hooks import CreatedStudent
from portal.sdk import NewFile


@dataclass(frozen=True, kw_only=True)
class Check:
    """What the checks say about one applicant; ``candidate`` is None when there is no such applicant."""

    applicant_uid: uuid.UUID
    candidate: Candidate | None
    refusal: Refusal | None
    warning: str = ""


@dataclass(frozen=True, kw_only=True)
class PreparedSlip:
    """A slip that was drawn beforehand and is durable in the store.

    Args:
        file: The PDF.
        student_id: The student number on it, reserved beforehand.
        created_at: The time of creation on it.
        applicant_version: Version of the applicant that it shows; a newer one makes the slip out of date.
        photo_sha256: The picture on it, which was read and found whole.
    """

    file: NewFile
    student_id: str
    created_at: datetime
    applicant_version: int
    photo_sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class CreationRequest:
    """One applicant to make a student of.

    Args:
        slip: The slip with number and time, or why it cannot be drawn; None when the applicant did not pass the
            checks when numbers were given out.
        seen_version: Version that a person confirmed; a change since then refuses. None: nobody looked.
    """

    applicant_uid: uuid.UUID
    slip: PreparedSlip | Refusal | None
    seen_version: int | None = None


@dataclass(frozen=True, kw_only=True)
class Creation:
    """What became of one applicant: a student, or the reason why not."""

    applicant_uid: uuid.UUID
    student: CreatedStudent | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """An applicant that passed everything, with what its student is made of."""

    student_uid: uuid.UUID
    slip: PreparedSlip
    candidate: Candidate
