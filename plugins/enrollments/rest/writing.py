"""``POST /api/v1/enrollments/…``: up to 5,000 rows at once, each with its own outcome, or what would become of them."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from plugins.enrollments.api.course_rows import write_course_requests
from plugins.enrollments.api.plans import RowPlan
from plugins.enrollments.api.program_rows import write_rows
from plugins.enrollments.models.stamps import changing_through
from plugins.enrollments.permissions import ENROLLMENTS_EDIT
from plugins.enrollments.rest.blueprints import CHANNEL, resources
from portal.sdk import run_in_transaction
from portal.sdk.rest import api_route

MOST_ROWS = 5_000
Mode = Literal["create", "update", "both"]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid")

    external_user_key: str = Field(min_length=1, description="1 to 255 letters.")
    status: str


class ProgramRowIn(_Row):
    """A learner of a program."""

    status: str = Field(description="enrolled, pending, suspended, canceled or ended.")
    curriculum_uuid: uuid.UUID | None = Field(None, description="Needed to enroll; not changed afterwards.")


class CourseRowIn(_Row):
    """A learner of a program in a course run."""

    status: str = Field(description="active or inactive.")
    course_staff: bool | None = Field(None, description="Give or take the staff role; null leaves it.")


class _Write(BaseModel):
    model_config = ConfigDict(extra="forbid")

    program: uuid.UUID
    mode: Mode = Field("both", description="create: only missing ones; update: only existing ones; or both.")
    dry_run: bool = Field(False, description="Say what would happen, and write nothing.")


class ProgramWriteIn(_Write):
    """Learners of a program."""

    rows: list[ProgramRowIn] = Field(max_length=MOST_ROWS)


class CourseWriteIn(_Write):
    """Learners of a program in a course run."""

    course_key: str = Field(max_length=255)
    rows: list[CourseRowIn] = Field(max_length=MOST_ROWS)


class OutcomeOut(BaseModel):
    """What became, or would become, of a row."""

    external_user_key: str
    action: str = Field(description="create, update, unchanged or refuse.")
    code: str = Field(description="The new status, or why the row is refused.")
    message: str = Field(description="Why it is refused, in words; else empty.")
    id: int | None = Field(description="Of the enrollment, if there is one.")
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class WriteOut(BaseModel):
    """An outcome for each row, in order."""

    counts: dict[str, int] = Field(description="Action → rows.")
    results: list[OutcomeOut]


_PROBLEMS = {404: "There is no such program, course run or organization."}


@resources.post("/program-enrollments")
@api_route(ENROLLMENTS_EDIT, body=ProgramWriteIn, answer=WriteOut, writes=True, problems=_PROBLEMS)
def write_enrollments(body: ProgramWriteIn) -> Any:
    """Enroll learners in a program and set their status; a bad row harms no other one."""
    rows = [row.model_dump(exclude_none=True) for row in body.rows]
    create, update, apply = _flags(body)
    return _answer(body, lambda: write_rows(body.program, rows, create=create, update=update, apply=apply))


@resources.post("/program-course-enrollments")
@api_route(ENROLLMENTS_EDIT, body=CourseWriteIn, answer=WriteOut, writes=True, problems=_PROBLEMS)
def write_course_enrollments(body: CourseWriteIn) -> Any:
    """Enroll a program's learners in a course run and set their status; a bad row harms no other one."""
    rows = [row.model_dump(exclude_none=True) for row in body.rows]
    create, update, apply = _flags(body)
    return _answer(
        body,
        lambda: write_course_requests(
            body.program, body.course_key, rows, create=create, update=update, apply=apply
        ),
    )


def _flags(body: _Write) -> tuple[bool, bool, bool]:
    return body.mode != "update", body.mode != "create", not body.dry_run


def _answer(body: _Write, write: Callable[[], Sequence[RowPlan]]) -> dict[str, Any]:
    with changing_through(CHANNEL):
        plans = write() if body.dry_run else run_in_transaction(write)
    counts: dict[str, int] = {}
    for plan in plans:
        counts[plan.action.value] = counts.get(plan.action.value, 0) + 1
    return {"counts": counts, "results": [_outcome(plan) for plan in plans]}


def _outcome(plan: RowPlan) -> dict[str, Any]:
    return {
        "external_user_key": plan.key,
        "action": plan.action.value,
        "code": plan.code,
        "message": plan.message,
        "id": plan.record_id,
        "before": dict(plan.before) if plan.before is not None else None,
        "after": dict(plan.after) if plan.after is not None else None,
    }
