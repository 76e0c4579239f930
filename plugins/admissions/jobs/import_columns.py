"""The columns of an import sheet: names, other names that people give them, what belongs there."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from plugins.admissions.api.fields import RULES
from plugins.admissions.api.import_rows import APPLICANT_ID, CONTAINER, HISTORY, ImportMode
from plugins.admissions.models import Certificate, Container
from plugins.admissions.models.vocabulary import SEX_TITLES, SPECIAL_TITLES, ApplicantState
from portal.sdk import InvalidInput, db
from portal.sdk.jobs import Column

#: Names a member of the ZIP, not a field of the applicant.
PHOTO = "photo"
#: What a new applicant must have.
NEEDED = ("firstname", "lastname", "sex")
_STATES = tuple(item.value for item in ApplicantState if item is not ApplicantState.CREATED)
_COURSE = "Code of a certificate."
_DATE_EXAMPLE = ("2004-03-31",)

_FACTS: Mapping[str, Mapping[str, Any]] = {
    CONTAINER: {
        "title": "Container",
        "description": "Code of the container, such as app2026.",
        "aliases": ("container", "application container"),
    },
    APPLICANT_ID: {
        "title": "Applicant id",
        "description": "Says which applicant is meant, when applicants are changed or removed.",
        "examples": ("app2026_123456",),
        "is_identifier": True,
        "aliases": ("application id",),
    },
    "application_number": {
        "title": "Application number",
        "description": "Six digits; the portal draws one when it is empty.",
        "examples": ("123456",),
        "is_identifier": True,
        "aliases": ("application no", "app number"),
    },
    "reg_number": {
        "title": "Registration number",
        "description": "Of the examination board; nobody else may have it.",
        "examples": ("00471", "R260000001"),
        "is_identifier": True,
        "aliases": ("registration no", "reg no", "regno"),
    },
    "firstname": {"title": "First name", "aliases": ("given name", "forename", "first names")},
    "middlename": {"title": "Middle name", "aliases": ("other names", "second name")},
    "lastname": {"title": "Last name", "aliases": ("surname", "family name")},
    "sex": {"title": "Sex", "aliases": ("gender",), "choices": tuple(SEX_TITLES), "description": "m or f."},
    "date_of_birth": {
        "title": "Date of birth",
        "is_date": True,
        "examples": _DATE_EXAMPLE,
        "aliases": ("dob", "birth date", "birthday", "born"),
    },
    "email": {
        "title": "E-mail",
        "examples": ("ada@example.org",),
        "aliases": ("mail", "e-mail address", "email address"),
    },
    "phone": {
        "title": "Phone",
        "examples": ("+234-80-1234567",),
        "is_identifier": True,
        "aliases": ("telephone", "mobile", "phone number", "telephone number"),
    },
    "course1": {
        "title": "First choice",
        "description": _COURSE,
        "aliases": ("course of first choice",),
    },
    "course2": {
        "title": "Second choice",
        "description": _COURSE,
        "aliases": ("course of second choice",),
    },
    "course_admitted": {
        "title": "Admitted to",
        "description": f"{_COURSE} Needed before a student can be created.",
        "aliases": ("admitted course", "certificate", "admitted certificate", "programme", "program"),
    },
    "notice": {"title": "Notice", "aliases": ("note", "remark")},
    "special_application": {"title": "Special application", "choices": tuple(SPECIAL_TITLES)},
    "state": {"title": "State", "choices": _STATES, "aliases": ("status",)},
    "locked": {"title": "Form locked", "choices": ("yes", "no")},
    "suspended": {"title": "Suspended", "choices": ("yes", "no")},
    "application_date": {
        "title": "Application date",
        "description": "An instant; UTC unless it says otherwise.",
        "examples": ("2026-03-31 14:05:00",),
    },
    PHOTO: {
        "title": "Photo",
        "description": "Name of the file in the ZIP of photos.",
        "examples": ("ada.jpg",),
        "aliases": ("passport", "picture", "photo file", "image"),
    },
    HISTORY: {
        "title": "History",
        "description": "One line for each event.",
        "examples": ("2026-02-01 11:30:00 UTC - Application submitted by Ada",),
        "aliases": ("log",),
    },
}
_SELDOM = frozenset({"special_application", "locked", "suspended", "application_date", HISTORY})
_ORDER = (CONTAINER, APPLICANT_ID, *RULES, PHOTO, HISTORY)


def import_columns(mode: ImportMode, *, has_container: bool) -> Sequence[Column]:
    """Return the columns that an import in this mode reads; three statements.

    Args:
        has_container: Whether rows need not name their container.
    """
    choices = _codes()
    needed = NEEDED if mode is ImportMode.CREATE else ()
    if mode is ImportMode.CREATE and not has_container:
        needed = (CONTAINER, *needed)
    return tuple(
        Column(
            name=name,
            required=name in needed,
            in_template=_is_in_template(name, mode),
            **{"choices": choices.get(name, ()), **_FACTS[name]},
        )
        for name in _ORDER
    )


def _is_in_template(name: str, mode: ImportMode) -> bool:
    if name in (APPLICANT_ID, "reg_number"):
        return name == "reg_number" or mode is not ImportMode.CREATE
    return mode is not ImportMode.REMOVE and name not in _SELDOM


def _codes() -> Mapping[str, Sequence[str]]:
    containers = tuple(db.session.scalars(select(Container.code).order_by(Container.code)))
    certificates = tuple(db.session.scalars(select(Certificate.code).order_by(Certificate.code)))
    return {CONTAINER: containers, **dict.fromkeys(("course1", "course2", "course_admitted"), certificates)}


def check_import_fields(fields: Collection[str], mode: ImportMode) -> None:
    """Refuse a sheet that names nobody, or that gives new applicants the portal's own id.

    Raises:
        InvalidInput: ``column-missing`` or ``column-not-allowed``.
    """
    if mode is ImportMode.CREATE and APPLICANT_ID in fields:
        message = "New applicants get their applicant_id from the portal. Remove or ignore this column."
        raise InvalidInput("column-not-allowed", message, {"field": APPLICANT_ID})
    if mode is not ImportMode.CREATE and not {APPLICANT_ID, "reg_number"} & set(fields):
        message = "The sheet lacks the columns applicant_id (or reg_number): it does not say who is meant."
        raise InvalidInput("column-missing", message, {"fields": [APPLICANT_ID]})
