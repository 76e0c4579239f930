"""What all jobs of enrollments share: their parameters' forms, and what they say about a row."""

import uuid
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select

from plugins.enrollments.api.inputs import current_settings, normaliser
from plugins.enrollments.api.plans import Action as Planned
from plugins.enrollments.api.plans import RowPlan
from plugins.enrollments.api.undoing import Kept
from plugins.enrollments.models import Program, ProgramEnrollment
from portal.sdk import db
from portal.sdk.jobs import Action, Brake, Column, Outcome, Plan, Problem, RowState

#: A sheet that changes or withdraws more than this of a program's enrollments waits for a second person.
BRAKE = Brake(removed_share=0.1, changed_share=0.5, minimum_rows=50)
#: What a version is when there is no enrollment yet.
NO_VERSION = "none"
#: Programs that a form offers.
MOST_PROGRAMS = 500
_ACTIONS = {
    Planned.CREATE: Action.CREATE,
    Planned.UPDATE: Action.UPDATE,
    Planned.UNCHANGED: Action.UNCHANGED,
    Planned.REFUSE: Action.REFUSE,
}

KEY_COLUMN = Column(
    name="external_user_key",
    title="Student key",
    required=True,
    description="The partner's key of the student, as it is written there.",
    examples=("S0004711",),
    is_identifier=True,
    aliases=("student key", "student_key", "external key", "student id", "key"),
)


class WriteMode(StrEnum):
    """Whether a sheet may make enrollments, change them, or both."""

    CREATE = "create"
    UPDATE = "update"
    BOTH = "create_and_update"

    @property
    def creates(self) -> bool:
        return self is not WriteMode.UPDATE

    @property
    def updates(self) -> bool:
        return self is not WriteMode.CREATE


MODES = (
    (WriteMode.BOTH.value, "Create and update: who is missing is enrolled, who is there gets the status"),
    (WriteMode.CREATE.value, "Create only: who is enrolled already is refused"),
    (WriteMode.UPDATE.value, "Update only: who is not enrolled is refused"),
)


def compared(key: str) -> str:
    """Return a key as the setting compares keys; what makes two rows of a sheet the same."""
    return normaliser(current_settings())(key)


def program_choices() -> Sequence[tuple[str, str]]:
    """Return UUID and title of the programs. One statement."""
    found = db.session.execute(select(Program.id, Program.title).order_by(Program.title).limit(MOST_PROGRAMS))
    return [(str(uid), title or str(uid)) for uid, title in found]


def program_title(program: uuid.UUID) -> str:
    """Return the title of a program, or its UUID. One statement."""
    return db.session.scalar(select(Program.title).where(Program.id == program)) or str(program)


def enrollments_count(program: uuid.UUID) -> int:
    """Return how many are enrolled in a program, in whatever status. One statement."""
    counted = select(func.count()).select_from(ProgramEnrollment)
    return db.session.scalar(counted.where(ProgramEnrollment.program_uuid == program)) or 0


def plan_of(found: RowPlan, number: int, values: Mapping[str, str]) -> Plan:
    """Return the plan of a sheet's row; a refusal names row, column and value."""
    version = NO_VERSION if found.version is None else str(found.version)
    if found.action is Planned.REFUSE:
        return Plan(
            action=Action.REFUSE,
            code=found.code,
            message=refusal_text(found, number, values),
            version=version,
        )
    return Plan(
        action=_ACTIONS[found.action],
        before=found.before,
        after=found.after,
        version=version,
        record_id=str(found.record_id) if found.record_id is not None else None,
    )


def refusal_text(found: RowPlan, number: int, values: Mapping[str, str]) -> str:
    """Return why a row is refused: row, column, value, rule and remedy."""
    column = {"invalid-status": "status", "invalid-curriculum": "curriculum_uuid"}.get(
        found.code, KEY_COLUMN.name
    )
    given = values.get(column, "")
    shown = given if len(given) <= 80 else f"{given[:79]}…"
    return f"Row {number}, column {column}, value {shown!r}: {found.message or found.code}"


def refused(found: RowPlan, number: int, values: Mapping[str, str]) -> Outcome:
    """Return the outcome of a row that was refused when it was applied."""
    return Outcome.refused(found.code, refusal_text(found, number, values))


def seen_versions(work: Sequence[Any]) -> dict[Any, int | None] | None:
    """Return key to the version that a confirmed preview saw; None when nobody confirmed one."""
    if not work or not work[0].binding:
        return None
    return {
        item.row.external_user_key: None
        if item.seen_version in (None, NO_VERSION)
        else int(item.seen_version)
        for item in work
    }


def kept_problems(found: Sequence[Kept | None]) -> Sequence[Problem | None]:
    """Return what the preview of an undo says of each row."""
    return [Problem(code=item.code, message=item.message) if item else None for item in found]


def undone(record_id: str | None, kept: Kept | None, message: str) -> Outcome:
    """Return what became of a row of an undo."""
    if kept is not None:
        return Outcome(state=RowState.REFUSED, code=kept.code, message=kept.message, record_id=record_id)
    return Outcome(state=RowState.DONE, message=message, record_id=record_id)
