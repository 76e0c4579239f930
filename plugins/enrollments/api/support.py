"""What support does by hand: linking from lines of text."""

from typing import NamedTuple

from plugins.enrollments.api.inputs import uuid_or_none
from plugins.enrollments.api.linking import link_program_enrollments

BOTH_NEEDED = (
    "You must provide both a program uuid and a series of lines with the format "
    "'external_user_key,lms_username'."
)
WRONG_LINE = "All linking lines must be in the format 'external_user_key,lms_username'"


class LinkingReport(NamedTuple):
    """What became of the lines: the pairs that were linked, as text, and what went wrong."""

    successes: list[str]
    errors: list[str]


def validate_and_link_program_enrollments(
    program_uuid_string: str, linkage_text: str, *, relink: bool = False
) -> LinkingReport:
    """Link enrollments from lines ``external key,user name``; a wrong line fails all, a repeated key counts once, last.

    Blank lines and further columns are ignored. Needs an open transaction; does not commit.

    Source: the support pages of edx-platform, ``views/program_enrollments.py``.
    """
    if not program_uuid_string or not linkage_text:
        return LinkingReport([], [BOTH_NEEDED])
    program = uuid_or_none(program_uuid_string.strip())
    if program is None:
        return LinkingReport([], [f"Supplied program UUID '{program_uuid_string}' is not a valid UUID."])
    pairs = {}
    for line in filter(None, (part.strip() for part in linkage_text.splitlines())):
        values = [value.strip() for value in line.split(",")]
        if len(values) < 2 or not values[0] or not values[1]:
            return LinkingReport([], [WRONG_LINE])
        pairs[values[0]] = values[1]
    errors = link_program_enrollments(program, pairs, relink=relink)
    linked = [str(pair) for pair in pairs.items() if pair[0] not in errors]
    return LinkingReport(linked, list(errors.values()))
