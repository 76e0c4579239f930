"""Takes uploaded scores back: by new scores, because the ledger of scores is never changed, that say what was before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from plugins.submissions.api.score_upload import Refusal
from plugins.submissions.api.sessions import execute, plain_errors, reads
from plugins.submissions.api.shapes import STUDENT_ITEM
from plugins.submissions.api.standing import lock_items
from plugins.submissions.api.summaries import Scored, summarise
from plugins.submissions.hooks import NewScore, ScoreReset, ScoresSet
from plugins.submissions.models import Score, ScoreAnnotation, ScoreSummary, StudentItem, Submission
from portal.sdk import emit_notice, utc_now

ANNOTATION_TYPE = "score_upload_undone"
CHANGED_SINCE = "changed-since"
BEFORE_NOT_KEPT = "before-not-kept"


@dataclass(frozen=True, kw_only=True)
class ScoreToUndo:
    """A score that an upload has set. ``before``: ids of the latest and the highest score until then, None without."""

    item: int
    score_id: int
    label: str
    before: Mapping[str, int | None] | None


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """One score to write: a reset, or the points of an earlier score again."""

    item: Any
    submission_id: int | None = None
    submission: UUID | None = None
    points_earned: int = 0
    points_possible: int = 0
    reset: bool = False


def check_score_undo(scores: Sequence[ScoreToUndo]) -> list[Refusal | None]:
    """Say for each score, in order, why it stays, or None; one statement. Reads only."""
    with reads() as connection:
        statement = select(ScoreSummary.student_item_id, ScoreSummary.latest_id)
        found = connection.execute(statement.where(_of(scores))).all()
    latest = {row.student_item_id: row.latest_id for row in found}
    return [_refusal(score, latest.get(score.item)) for score in scores]


def undo_scores(scores: Sequence[ScoreToUndo], creator: str, reason: str) -> list[Refusal | None]:
    """Restore latest and highest score of up to 300 student items; return for each why it was left alone, or None.

    Each gets a new score that repeats the latest one from before, or a reset when there was none. When the uploaded
    score was the highest as well, a reset and the highest one from before come first. A fixed number of statements.
    Needs an open transaction; does not commit. Emits ``submissions_scores_set`` and ``submissions_score_reset``.

    Args:
        creator, reason: For the annotations of the new scores.
    """
    if not scores:
        return []
    now = utc_now()
    with plain_errors():
        lock_items(StudentItem.id.in_([score.item for score in scores]))
        found = {row.id: row for row in execute(_SUMMARIES.where(_of(scores)))}
        refusals = [
            _refusal(score, found[score.item].latest_id if score.item in found else None) for score in scores
        ]
        kept = [score for score, refusal in zip(scores, refusals, strict=True) if refusal is None]
        earlier = _earlier(kept)
        entries = [_entries(score, found[score.item], earlier) for score in kept]
        if entries:
            _write([[e for e in turn if e] for turn in zip_longest(*entries)], now, creator, reason)
    _tell([of_item[-1] for of_item in entries], now)
    return refusals


_SUMMARIES = select(StudentItem.id, *STUDENT_ITEM, ScoreSummary.latest_id, ScoreSummary.highest_id).join(
    ScoreSummary, ScoreSummary.student_item_id == StudentItem.id
)
_EARLIER = select(
    Score.id, Score.submission_id, Submission.uuid, Score.points_earned, Score.points_possible, Score.reset
).outerjoin(Submission, Submission.id == Score.submission_id)


def _of(scores: Sequence[ScoreToUndo]) -> Any:
    return ScoreSummary.student_item_id.in_([score.item for score in scores])


def _refusal(score: ScoreToUndo, latest: int | None) -> Refusal | None:
    if score.before is None:
        message = f"{score.label}: the score from before the upload is not known any more. Set it by hand."
        return Refusal(code=BEFORE_NOT_KEPT, message=message)
    if latest != score.score_id:
        message = f"{score.label} was scored or reset after the upload and keeps that. Look at its history."
        return Refusal(code=CHANGED_SINCE, message=message)
    return None


def _earlier(scores: Sequence[ScoreToUndo]) -> dict[int, Any]:
    keys = {key for score in scores for key in (score.before or {}).values() if key is not None}
    return {row.id: row for row in execute(_EARLIER.where(Score.id.in_(keys)))} if keys else {}


def _entries(score: ScoreToUndo, summary: Any, earlier: Mapping[int, Any]) -> list[_Entry]:
    before = score.before or {}
    latest, highest = (earlier.get(before.get(name) or 0) for name in ("latest_id", "highest_id"))
    if latest is None or latest.reset:
        return [_Entry(item=summary, reset=True)]
    entries = []
    if summary.highest_id == score.score_id:
        entries.append(_Entry(item=summary, reset=True))
        if highest is not None and highest.id != latest.id and not highest.reset:
            entries.append(_again(summary, highest))
    return [*entries, _again(summary, latest)]


def _again(summary: Any, earlier: Any) -> _Entry:
    return _Entry(
        item=summary,
        submission_id=earlier.submission_id,
        submission=earlier.uuid,
        points_earned=earlier.points_earned,
        points_possible=earlier.points_possible,
    )


_STORING = insert(Score).returning(Score.id, Score.student_item_id)


def _write(rounds: Sequence[Sequence[_Entry]], now: datetime, creator: str, reason: str) -> None:
    """Store the scores, one of each item at a time, so that of one item's scores the last has the largest id."""
    told = {"creator": creator[:255], "annotation_type": ANNOTATION_TYPE, "reason": reason}
    scored: list[Scored] = []
    for entries in rounds:
        ids = {item: key for key, item in execute(_STORING, [_row(entry, now) for entry in entries])}
        scored += [_scored(entry, ids[entry.item.id], now) for entry in entries]
    execute(insert(ScoreAnnotation), [{"score_id": score.score_id, **told} for score in scored])
    summarise(scored)


def _row(entry: _Entry, now: datetime) -> dict[str, Any]:
    return {
        "student_item_id": entry.item.id,
        "submission_id": entry.submission_id,
        "points_earned": entry.points_earned,
        "points_possible": entry.points_possible,
        "created_at": now,
        "reset": entry.reset,
    }


def _scored(entry: _Entry, key: int, now: datetime) -> Scored:
    return Scored(
        score_id=key,
        student_item_id=entry.item.id,
        points_earned=entry.points_earned,
        points_possible=entry.points_possible,
        created_at=now,
        reset=entry.reset,
        course_id=entry.item.course_id,
        item_id=entry.item.item_id,
        item_type=entry.item.item_type,
    )


def _tell(entries: Sequence[_Entry], now: datetime) -> None:
    """Announce how each item stands now; what lies between is nobody's business."""
    told = tuple(
        NewScore(
            points_earned=entry.points_earned,
            points_possible=entry.points_possible,
            anonymous_user_id=entry.item.student_id,
            course_id=entry.item.course_id,
            item_id=entry.item.item_id,
            created_at=now,
        )
        for entry in entries
        if not entry.reset
    )
    if told:
        emit_notice("submissions_scores_set", event=ScoresSet(scores=told))
    for entry in entries:
        if entry.reset:
            event = ScoreReset(
                anonymous_user_id=entry.item.student_id,
                course_id=entry.item.course_id,
                item_id=entry.item.item_id,
                created_at=now,
            )
            emit_notice("submissions_score_reset", event=event)
