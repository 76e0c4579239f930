"""Scores from a sheet: what each row would do to the student item it names, and doing it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pydantic import BaseModel
from sqlalchemy import select

from plugins.submissions.api.inputs import LONGEST, checked_fields, name_text, optional_text, whole_number
from plugins.submissions.api.items import Triple
from plugins.submissions.api.scoring import set_scores
from plugins.submissions.api.sessions import execute, plain_errors
from plugins.submissions.api.standing import Standing, among, lock_items, standings
from plugins.submissions.errors import SubmissionRequestError
from plugins.submissions.models import ScoreSummary
from plugins.submissions.permissions import SCORES_UPLOAD

ITEM_UNKNOWN = "student-item-unknown"
ITEM_TYPE_WRONG = "item-type-wrong"
NOTHING_HANDED_IN = "nothing-handed-in"
CHANGED_MEANWHILE = "changed-since-preview"
ANNOTATION_TYPE = "score_upload"
#: Characters of a value that a message shows.
SHOWN = 80


class ScoreRow(BaseModel):
    """One row of a sheet of scores, as it was typed; ``number`` is the row's, as a spreadsheet shows it."""

    number: int
    course_id: str
    item_id: str
    item_type: str = ""
    student_id: str
    points_earned: str
    points_possible: str
    reason: str = ""
    annotation_type: str = ""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a row is not done: a stable code; the message names row, column, value, rule and remedy."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class JudgedScore:
    """What a row will do. ``standing`` None: there is no such student item."""

    row: ScoreRow
    standing: Standing | None = None
    points: tuple[int, int] = (0, 0)
    refusal: Refusal | None = None
    warning: str = ""

    @property
    def is_unchanged(self) -> bool:
        """Whether the newest submission has these very points already."""
        found = self.standing
        return (
            self.refusal is None
            and found is not None
            and found.points == self.points
            and found.latest_submission == found.submission
        )


@dataclass(frozen=True, kw_only=True)
class ScoreOutcome:
    """What became of a row. ``before``: ids of the latest and the highest score until then; ``score_id``: the new one."""

    judged: JudgedScore
    score_id: int | None = None
    before: Mapping[str, int | None] | None = None


def judge_scores(rows: Sequence[ScoreRow]) -> list[JudgedScore]:
    """Return for each row, in order, what it would do; one statement for up to 500 rows. Reads only.

    A student item that the actor may not reach is as one that does not exist.
    """
    judged = [_with_values(row) for row in rows]
    readable = {_triple(item.row) for item in judged if item.refusal is None}
    found = standings(readable, SCORES_UPLOAD)
    return [
        item if item.refusal is not None else _judge(item, found.get(_triple(item.row))) for item in judged
    ]


def write_scores(
    rows: Sequence[ScoreRow], still_as_seen: Callable[[int, str], bool], creator: str
) -> list[ScoreOutcome]:
    """Set the scores of up to 500 rows, no student item twice; return what became of each.

    A fixed number of statements. Needs an open transaction; does not commit. Emits ``submissions_scores_set``.

    Args:
        still_as_seen: Row number and version of its student item → whether that is what a person has confirmed.
        creator: Who gives the scores, for their annotations.
    """
    readable = {_triple(item.row) for item in map(_with_values, rows) if item.refusal is None}
    if readable:
        with plain_errors():
            lock_items(among(readable))
    judged = [_bound(item, still_as_seen) for item in judge_scores(rows)]
    wanted = [item for item in judged if item.refusal is None and not item.is_unchanged]
    problems = set_scores([_entry(item, creator) for item in wanted])
    refused = {
        item.row.number: Refusal(code=problem.code, message=f"Row {item.row.number}: {problem.message}")
        for item, problem in zip(wanted, problems, strict=True)
        if problem is not None
    }
    made = _latest_ids([item.standing.item for item in wanted if item.standing is not None])
    return [_outcome(item, refused.get(item.row.number), made) for item in judged]


def _outcome(item: JudgedScore, refusal: Refusal | None, made: Mapping[int, int]) -> ScoreOutcome:
    standing = item.standing
    if refusal is not None:
        return ScoreOutcome(judged=replace(item, refusal=refusal))
    if item.refusal is not None or item.is_unchanged or standing is None:
        return ScoreOutcome(judged=item)
    before = {"latest_id": standing.latest_id, "highest_id": standing.highest_id}
    return ScoreOutcome(judged=item, score_id=made[standing.item], before=before)


def _triple(row: ScoreRow) -> Triple:
    return row.course_id, row.item_id, row.student_id


def _with_values(row: ScoreRow) -> JudgedScore:
    """Return the row with its words trimmed and its points read, or refused by its own values."""
    checks: dict[str, Any] = {
        name: partial(name_text, getattr(row, name), LONGEST[name])
        for name in ("course_id", "item_id", "student_id")
    }
    checks["item_type"] = partial(optional_text, row.item_type, LONGEST["item_type"])
    checks["points_earned"] = partial(whole_number, row.points_earned)
    checks["points_possible"] = partial(whole_number, row.points_possible)
    checks["annotation_type"] = partial(optional_text, row.annotation_type, 255)
    checks["reason"] = partial(optional_text, row.reason)
    try:
        values = checked_fields(checks, SubmissionRequestError)
    except SubmissionRequestError as error:
        name, problems = next(iter(error.field_errors.items()))
        value = getattr(row, name)
        code = f"field-missing: {name}" if not value else f"field-invalid: {name}"
        told = f"value {value[:SHOWN]!r}" if value else "the cell is empty"
        message = (
            f"Row {row.number}, column {name}, {told}: {problems[0]} Correct it and upload the row again."
        )
        return JudgedScore(row=row, refusal=Refusal(code=code, message=message))
    points = values.pop("points_earned"), values.pop("points_possible")
    return JudgedScore(row=row.model_copy(update=values), points=points)


def _judge(item: JudgedScore, standing: Standing | None) -> JudgedScore:
    row, where = item.row, f"Row {item.row.number}"
    if standing is None:
        message = (
            f"{where}, column student_id, value {row.student_id[:SHOWN]!r}: this student has handed in nothing for "
            f"{row.item_id[:SHOWN]!r} of {row.course_id[:SHOWN]!r}. Compare course, item and student with the portal's lists."
        )
        return replace(item, refusal=Refusal(code=ITEM_UNKNOWN, message=message))
    if row.item_type and row.item_type != standing.item_type:
        message = (
            f"{where}, column item_type, value {row.item_type[:SHOWN]!r}: the item is a {standing.item_type!r}. "
            "Correct the cell or leave it empty."
        )
        return replace(item, refusal=Refusal(code=ITEM_TYPE_WRONG, message=message))
    if standing.submission is None:
        message = (
            f"{where}, column student_id, value {row.student_id[:SHOWN]!r}: what was handed in for "
            f"{row.item_id[:SHOWN]!r} was cleared. Restore it first, or wait for a new submission."
        )
        return replace(item, refusal=Refusal(code=NOTHING_HANDED_IN, message=message))
    return replace(item, standing=standing, warning=_warning(*item.points))


def _warning(earned: int, possible: int) -> str:
    if not possible:
        return "With 0 possible points the score is hidden."
    return "More points than are possible." if earned > possible else ""


def _bound(item: JudgedScore, still_as_seen: Callable[[int, str], bool]) -> JudgedScore:
    if item.refusal is not None or item.standing is None:
        return item
    if still_as_seen(item.row.number, item.standing.version):
        return item
    message = (
        f"Row {item.row.number}: somebody scored, reset or handed in for {item.row.student_id[:SHOWN]!r} since the plan "
        "was made. Try refused rows again to see the new plan."
    )
    return replace(item, refusal=Refusal(code=CHANGED_MEANWHILE, message=message))


def _entry(item: JudgedScore, creator: str) -> dict[str, Any]:
    earned, possible = item.points
    return {
        "submission_uuid": item.standing.submission if item.standing is not None else None,
        "points_earned": earned,
        "points_possible": possible,
        "annotation_creator": creator[:255],
        "annotation_type": item.row.annotation_type or ANNOTATION_TYPE,
        "annotation_reason": item.row.reason,
    }


def _latest_ids(items: Sequence[int]) -> dict[int, int]:
    statement = select(ScoreSummary.student_item_id, ScoreSummary.latest_id)
    found = execute(statement.where(ScoreSummary.student_item_id.in_(items))) if items else ()
    return {row[0]: row[1] for row in found}
