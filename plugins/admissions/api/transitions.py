"""The application workflow as a table: 8 states, 16 transitions with stable ids, and the student's two."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from plugins.admissions.models.vocabulary import ApplicantState, StudentState

S = ApplicantState


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One step of the workflow.

    Args:
        id: Stable id, shown nowhere but in addresses and exports.
        source: State it starts from; None: the record is new.
        target: State it leads to.
        title: What a button says.
        text: The line of history.
        locks: True closes the applicant's form, False opens it, None leaves it.
        is_offered: Whether people may choose it. ``create`` comes from creating the student, ``pay`` from a payment.
        free_source: State it also starts from when the container asks no fee.
        needs_certificate: The admitted certificate must exist and belong to the container's category.
    """

    id: str
    source: ApplicantState | None
    target: ApplicantState
    title: str
    text: str
    locks: bool | None = None
    is_offered: bool = True
    free_source: ApplicantState | None = None
    needs_certificate: bool = False


_TABLE = (
    Transition(
        id="init",
        source=None,
        target=S.INITIALIZED,
        title="Initialize",
        text="Application initialized",
        is_offered=False,
    ),
    Transition(id="start", source=S.INITIALIZED, target=S.STARTED, title="Start", text="Application started"),
    Transition(id="pay", source=S.STARTED, target=S.PAID, title="Pay", text="Payment made", is_offered=False),
    Transition(
        id="approve", source=S.STARTED, target=S.PAID, title="Approve payment", text="Payment approved"
    ),
    Transition(
        id="submit",
        source=S.PAID,
        target=S.SUBMITTED,
        title="Submit",
        text="Application submitted",
        locks=True,
        free_source=S.STARTED,
    ),
    Transition(
        id="admit",
        source=S.SUBMITTED,
        target=S.ADMITTED,
        title="Admit",
        text="Applicant admitted",
        needs_certificate=True,
    ),
    Transition(
        id="refuse1", source=S.SUBMITTED, target=S.NOT_ADMITTED, title="Refuse", text="Application refused"
    ),
    Transition(
        id="refuse2", source=S.ADMITTED, target=S.NOT_ADMITTED, title="Refuse", text="Application refused"
    ),
    Transition(
        id="process", source=S.SUBMITTED, target=S.PROCESSED, title="Process", text="Application processed"
    ),
    Transition(
        id="create",
        source=S.ADMITTED,
        target=S.CREATED,
        title="Create student",
        text="Student record created",
        locks=True,
        is_offered=False,
    ),
    Transition(
        id="reset1",
        source=S.PAID,
        target=S.STARTED,
        title="Reset to started",
        text="Application reset",
        locks=False,
    ),
    Transition(
        id="reset2",
        source=S.SUBMITTED,
        target=S.PAID,
        title="Reset to paid",
        text="Application reset to paid",
        locks=False,
    ),
    Transition(
        id="reset3",
        source=S.SUBMITTED,
        target=S.STARTED,
        title="Reset to started",
        text="Application reset",
        locks=False,
    ),
    Transition(
        id="reset4",
        source=S.ADMITTED,
        target=S.STARTED,
        title="Reset to started",
        text="Application reset",
        locks=False,
    ),
    Transition(
        id="reset5",
        source=S.NOT_ADMITTED,
        target=S.STARTED,
        title="Reset to started",
        text="Application reset",
        locks=False,
    ),
    # Back to submitted, where the form is closed.
    Transition(
        id="reset6",
        source=S.PROCESSED,
        target=S.SUBMITTED,
        title="Reset to submitted",
        text="Application reset",
        locks=True,
    ),
)

TRANSITIONS: Mapping[str, Transition] = MappingProxyType({item.id: item for item in _TABLE})

#: States in which an imported application's form is closed unless the sheet says otherwise.
CLOSED_STATES = frozenset({S.SUBMITTED, S.ADMITTED, S.NOT_ADMITTED, S.PROCESSED})


@dataclass(frozen=True, kw_only=True)
class StudentTransition:
    """One step of the student workflow."""

    id: str
    source: StudentState | None
    target: StudentState
    text: str


STUDENT_TRANSITIONS: Mapping[str, StudentTransition] = MappingProxyType(
    {
        item.id: item
        for item in (
            StudentTransition(id="create", source=None, target=StudentState.CREATED, text="Record created"),
            StudentTransition(
                id="admit", source=StudentState.CREATED, target=StudentState.ADMITTED, text="Admitted"
            ),
        )
    }
)
