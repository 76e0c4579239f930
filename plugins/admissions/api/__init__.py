"""The Python API of admissions: applications, their workflow, and the students made from them.

What is named here is public for plugins that require this one; the modules below it are not. Calls that write need an
open ``transaction()`` and never commit.
"""

from plugins.admissions.api.applicants import (
    add_applicant,
    applicant_uid_of,
    attach_passport,
    attach_passports,
    counts_by_state,
    draw_application_numbers,
    get_applicant,
    prepare_passport,
)
from plugins.admissions.api.containers import (
    add_container,
    container_by_code,
    container_code,
    get_container,
)
from plugins.admissions.api.creation import Check, Creation, CreationRequest, PreparedSlip
from plugins.admissions.api.folders import FolderEntry, folder_of, write_zip
from plugins.admissions.api.slips import LetterFacts, SlipFacts
from plugins.admissions.api.students import (
    CreationRefused,
    SlipOutdated,
    check_many,
    create_many,
    create_student,
)
from plugins.admissions.api.transitions import TRANSITIONS, Transition
from plugins.admissions.api.workflow import (
    TransitionOutcome,
    available_transitions,
    transition,
    transition_many,
)
from plugins.admissions.errors import ApplicantNotFound, Refusal

__all__ = [
    "TRANSITIONS",
    "ApplicantNotFound",
    "Check",
    "Creation",
    "CreationRefused",
    "CreationRequest",
    "FolderEntry",
    "LetterFacts",
    "PreparedSlip",
    "Refusal",
    "SlipFacts",
    "SlipOutdated",
    "Transition",
    "TransitionOutcome",
    "add_applicant",
    "add_container",
    "applicant_uid_of",
    "attach_passport",
    "attach_passports",
    "available_transitions",
    "check_many",
    "container_by_code",
    "container_code",
    "counts_by_state",
    "create_many",
    "create_student",
    "draw_application_numbers",
    "folder_of",
    "get_applicant",
    "get_container",
    "prepare_passport",
    "transition",
    "transition_many",
    "write_zip",
]
