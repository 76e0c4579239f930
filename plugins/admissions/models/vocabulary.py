"""The fixed words of admissions: states, sexes, categories and modes, with the titles that people read."""

import enum
from collections.abc import Mapping
from types import MappingProxyType


class ApplicantState(enum.StrEnum):
    """Where an application stands. All but ``created`` may be set by an import."""

    INITIALIZED = "initialized"
    STARTED = "started"
    PAID = "paid"
    SUBMITTED = "submitted"
    ADMITTED = "admitted"
    NOT_ADMITTED = "not admitted"
    CREATED = "created"
    PROCESSED = "processed"


class StudentState(enum.StrEnum):
    """Where a student stands; the states after ``admitted`` belong to the years of study."""

    CREATED = "created"
    ADMITTED = "admitted"


class Sex(enum.StrEnum):
    """As on the application form."""

    MALE = "m"
    FEMALE = "f"


class ContainerMode(enum.StrEnum):
    """Whether visitors make new applications, or fill in records that were imported beforehand."""

    CREATE = "create"
    UPDATE = "update"


class FileKind(enum.StrEnum):
    """What a file in a folder is."""

    PASSPORT = "passport"
    APPLICATION_SLIP = "application_slip"
    ADDITIONAL = "additional"


def _titles(**titles: str) -> Mapping[str, str]:
    return MappingProxyType(titles)


SEX_TITLES = _titles(m="male", f="female")
PREFIX_TITLES = _titles(app="General Studies", special="Special Application")
CATEGORY_TITLES = _titles(
    basic="Basic Application",
    no="No Application",
    pg="Postgraduate Programme",
    sandwich="Sandwich Programme",
    cest="Certificate Programme",
)
STUDY_MODE_TITLES = _titles(
    ug_ft="Undergraduate Full-Time",
    ug_pt="Undergraduate Part-Time",
    de_ft="Direct Entry Full-Time",
    pg_ft="Postgraduate Full-Time",
    pg_pt="Postgraduate Part-Time",
    dip_ft="Diploma Full-Time",
    cert_ft="Certificate Full-Time",
)
SPECIAL_TITLES = _titles(transcript="Transcript", clearance="Clearance Acceptance")

#: The name under which a folder shows each single file.
PASSPORT_NAME = "passport.jpg"
SLIP_NAME = "application_slip.pdf"


def session_title(session: int) -> str:
    """Return an entry session as people write it: 2026 → ``2026/2027``."""
    return f"{session}/{session + 1}"
