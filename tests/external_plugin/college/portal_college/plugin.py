"""The college plugin: student numbers by registration number; ``templates`` replaces the slip."""

from collections.abc import Sequence

from plugins.admissions.hooks import NumbersWanted
from portal.sdk import hookimpl

PORTAL_API = "1"
NAME = "college"
TITLE = "College"
#: Loaded after admissions, so that its template comes first.
REQUIRES = ("admissions",)


@hookimpl
def admissions_allocate_student_numbers(event: NumbersWanted) -> Sequence[str] | None:
    """Give year and registration number; leave applicants without one, and those with them, to the next."""
    if not all(wanted.reg_number for wanted in event.applicants):
        return None
    return [f"COL{wanted.entry_session % 100}-{wanted.reg_number}" for wanted in event.applicants]
