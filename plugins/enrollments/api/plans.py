"""What a row would do, or did: the shape that previews, answers and results are made of."""

import uuid
from collections.abc import Hashable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

MESSAGES: Mapping[str, str] = {
    "duplicated": "The key occurs more than once in this request; none of its rows is applied.",
    "invalid-key": "An external key is text of 1 to 255 characters without control character NUL.",
    "invalid-status": "There is no such status.",
    "invalid-curriculum": "A new enrollment needs the UUID of its curriculum.",
    "illegal-operation": "A setting of enrollments forbids this change of status.",
    "not-in-program": "The learner is not enrolled in this program.",
    "not-found": "The learner does not take this course run.",
    "changed-since-preview": "The enrollment was changed since the preview. Look at it and start again.",
}
CHANGED_SINCE_PREVIEW = "changed-since-preview"


class Action(StrEnum):
    """What happens to a row."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    REFUSE = "refuse"


class CourseChange(NamedTuple):
    """What a row did to the course enrollment of its user: (mode, is it active) before, None: none, and after."""

    user_id: int
    before: tuple[str, bool] | None
    after: tuple[str, bool]


class RowPlan(NamedTuple):
    """One row of a write: planned, and after applying, done.

    Args:
        key: The external key as it was given.
        action: What happens.
        code: The new status, or why it is refused.
        message: Why it is refused, in words; else empty.
        record_id: The enrollment's number, when it exists (after applying: also of created ones).
        version: Of the enrollment as it was seen; None when there was none.
        before: Its values as they were, or None.
        after: Its values as they will be, or None.
        course: What applying the row of a course run did beside it.
    """

    key: Hashable
    action: Action
    code: str
    message: str = ""
    record_id: int | None = None
    version: int | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    course: CourseChange | None = None


class Decision(NamedTuple):
    """What becomes of an existing or new row; rows that ask the same of the same share it. Fields as in RowPlan."""

    action: Action
    code: str
    message: str = ""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


def refused(key: Hashable, code: str, message: str = "") -> RowPlan:
    """Return the plan of a row that is not applied."""
    return RowPlan(key, Action.REFUSE, code, message or MESSAGES.get(code, ""))


@lru_cache(maxsize=1_000)
def with_status(
    status: str, curriculum_uuid: uuid.UUID | None = None, user_id: int | None = None
) -> Mapping[str, Any]:
    """Return the values of an enrollment before or after; rows that have the same share them."""
    values: dict[str, Any] = {"status": status}
    if curriculum_uuid is not None:
        values |= {"curriculum_uuid": str(curriculum_uuid), "user_id": user_id}
    return MappingProxyType(values)


def action_counts(plans: Sequence[RowPlan]) -> dict[Action, int]:
    """Return how many rows each action has."""
    actions = [plan.action for plan in plans]
    return {action: actions.count(action) for action in Action}


def statuses(plans: Mapping[int, RowPlan] | list[RowPlan]) -> dict[Any, str]:
    """Return the answer of the old API: external key to new status or error; duplicates last."""
    rows = list(plans.values()) if isinstance(plans, Mapping) else plans
    found = {plan.key: plan.code for plan in rows if plan.code != "duplicated"}
    found |= {plan.key: plan.code for plan in rows if plan.code == "duplicated"}
    return found
