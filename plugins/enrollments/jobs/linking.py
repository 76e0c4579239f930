"""The job ``enrollments.link``: a sheet of student keys and the accounts that they belong to."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, Field

from plugins.enrollments.api.link_undoing import Linked, check_undo_links, undo_links
from plugins.enrollments.api.linking import LINKED_ALREADY, LinkRow, link_rows
from plugins.enrollments.jobs.wording import (
    KEY_COLUMN,
    compared,
    kept_problems,
    program_choices,
    program_title,
    undone,
)
from plugins.enrollments.models import ProgramEnrollment
from plugins.enrollments.permissions import ENROLLMENTS_LINK
from portal.sdk.jobs import (
    SHEET,
    Action,
    Column,
    Outcome,
    Plan,
    Problem,
    RowState,
    SheetJob,
    SourceRow,
    UndoWork,
    Work,
)

#: What to do about a key that cannot be linked.
_REMEDIES: Mapping[str, str] = {
    "user-not-found": "Correct the name, or make the account first.",
    "not-in-program": "Correct the key, or enroll it first.",
    "linked-elsewhere": "Tick “Take from other accounts” when that account is the wrong one.",
}
COLUMNS = (
    KEY_COLUMN,
    Column(
        name="username",
        title="Sign-in name",
        required=True,
        description="Of the account, exactly as it signs in.",
        examples=("ann.miller",),
        is_identifier=True,
        aliases=("lms_username", "user", "user name", "sign_in_name", "account", "login"),
    ),
)


class LinkParams(BaseModel):
    """In which program, and whether links may move."""

    program: uuid.UUID = Field(title="Program")
    relink: bool = Field(
        False,
        title="Take from other accounts",
        description="A key that belongs to another account is taken from it; without this the row is refused.",
    )


class LinkPair(BaseModel):
    """A key and a sign-in name."""

    number: int
    external_user_key: str
    username: str


class LinkLearners(SheetJob[LinkParams, LinkPair]):
    """Gives waiting enrollments, with the course runs that wait in them, to accounts."""

    name: ClassVar[str] = "enrollments.link"
    title: ClassVar[str] = "Link students to accounts"
    introduction: ClassVar[str] = "One row for each student: the partner's key, and the account."
    Params = LinkParams
    Row = LinkPair
    chunk_rows: ClassVar[int] = 1_000
    seconds_per_row: ClassVar[float] = 0.001
    record_model: ClassVar[type[Any] | None] = ProgramEnrollment
    input_files: ClassVar[Mapping[str, str]] = {
        SHEET: "CSV or XLSX, one student a row; the first row names the columns."
    }

    def permission(self, params: LinkParams) -> str:
        return ENROLLMENTS_LINK

    def explain(self, params: LinkParams) -> str:
        return f"{self.title}: {program_title(params.program)}"

    def param_choices(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        return {"program": program_choices()}

    def columns(self, params: LinkParams) -> Sequence[Column]:
        return COLUMNS

    def source_row(self, values: Mapping[str, str], number: int, params: LinkParams) -> SourceRow[LinkPair]:
        row = LinkPair(
            number=number, external_user_key=values["external_user_key"], username=values["username"]
        )
        label = f"{row.external_user_key} → {row.username}"
        for column in ("external_user_key", "username"):
            if not values[column]:
                message = f"Row {number}, column {column}: the cell is empty. Both key and name are needed."
                problem = Problem(code="cell-missing", message=message)
                return SourceRow(row=None, key=f"row {number}", label=label[:200], problem=problem)
        return SourceRow(row=row, key=compared(row.external_user_key), label=label[:200])

    def plan(self, rows: Sequence[LinkPair], params: LinkParams) -> Sequence[Plan]:
        found = link_rows(params.program, _pairs(rows), relink=params.relink, apply=False)
        return [_plan(item, row) for item, row in zip(found, rows, strict=True)]

    def apply(self, work: Sequence[Work[LinkPair]], prepared: Any, params: LinkParams) -> Sequence[Outcome]:
        rows = [item.row for item in work]
        found = link_rows(params.program, _pairs(rows), relink=params.relink)
        return [_outcome(item, row) for item, row in zip(found, rows, strict=True)]

    def check_undo(self, rows: Sequence[UndoWork[LinkPair]], params: LinkParams) -> Sequence[Problem | None]:
        return kept_problems(check_undo_links([_to_undo(item) for item in rows]))

    def undo(self, rows: Sequence[UndoWork[LinkPair]], params: LinkParams) -> Sequence[Outcome]:
        """Let them wait again, or give them back to whom they belonged; leave alone what was linked anew since."""
        items = [_to_undo(item) for item in rows]
        return [
            undone(
                row.record_id,
                kept,
                "Waits again" if item.user_id_before is None else "Given back to its account",
            )
            for row, item, kept in zip(rows, items, undo_links(items), strict=True)
        ]

    def record_endpoint(self) -> str | None:
        return "enrollments_program_enrollment.details_view"


def _pairs(rows: Sequence[LinkPair]) -> list[tuple[str, str]]:
    return [(row.external_user_key, row.username) for row in rows]


def _plan(found: LinkRow, row: LinkPair) -> Plan:
    if found.problem is not None:
        if found.problem.code == LINKED_ALREADY:
            return Plan(action=Action.UNCHANGED)
        return Plan(action=Action.REFUSE, code=found.problem.code, message=_told(found, row))
    return Plan(
        action=Action.UPDATE,
        before={"account": found.owner} if found.owner else None,
        after={"account": row.username},
        record_id=str(found.pair.enrollment_id) if found.pair is not None else None,
    )


def _outcome(found: LinkRow, row: LinkPair) -> Outcome:
    if found.problem is not None:
        if found.problem.code == LINKED_ALREADY:
            return Outcome(state=RowState.UNCHANGED)
        return Outcome.refused(found.problem.code, _told(found, row))
    if found.pair is None:
        raise AssertionError("a key without problem has its enrollment")
    facts = {"user_id": found.pair.user_id, "before": found.pair.seen_user_id}
    return Outcome(state=RowState.DONE, record_id=str(found.pair.enrollment_id), undo_facts=facts)


def _told(found: LinkRow, row: LinkPair) -> str:
    problem = found.problem
    if problem is None:
        return ""
    column = "username" if problem.code == "user-not-found" else "external_user_key"
    value = row.username if column == "username" else row.external_user_key
    told = f"Row {row.number}, column {column}, value {value[:80]!r}: {problem.text}."
    return f"{told} {_REMEDIES[problem.code]}" if problem.code in _REMEDIES else told


def _to_undo(item: UndoWork[LinkPair]) -> Linked:
    facts = item.undo_facts or {}
    return Linked(int(item.record_id or 0), facts.get("user_id", 0), facts.get("before"), item.label)
