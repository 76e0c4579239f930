"""The notices that submissions offers to other plugins, with the events they carry: plain, frozen data."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.sdk import hookspec


@dataclass(frozen=True, kw_only=True)
class CreatedSubmission:
    """One new submission: its uuid and the student item it belongs to."""

    uuid: str
    student_id: str
    course_id: str
    item_id: str
    item_type: str
    attempt_number: int
    submitted_at: datetime


@dataclass(frozen=True, kw_only=True)
class SubmissionsCreated:
    """1 to 500 submissions that now exist, in order."""

    submissions: tuple[CreatedSubmission, ...]


@dataclass(frozen=True, kw_only=True)
class NewScore:
    """One score that was set; the points as the caller gave them."""

    points_earned: Any
    points_possible: Any
    anonymous_user_id: str
    course_id: str
    item_id: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class ScoresSet:
    """1 to 500 scores that now exist, in order."""

    scores: tuple[NewScore, ...]


@dataclass(frozen=True, kw_only=True)
class ScoreReset:
    """The score of one student item was reset."""

    anonymous_user_id: str
    course_id: str
    item_id: str
    created_at: datetime


@hookspec
def submissions_created(event: SubmissionsCreated) -> None:
    """Notice: submissions exist now. Called after the commit; errors are logged, a crash may lose it.

    Args:
        event: 1 to 500 submissions; see :class:`SubmissionsCreated`.

    First user: plugins of institutions. Since: 1.0.
    """


@hookspec
def submissions_scores_set(event: ScoresSet) -> None:
    """Notice: scores were set. Called after the commit; errors are logged, a crash may lose it.

    Args:
        event: 1 to 500 scores; see :class:`ScoresSet`.

    First user: plugins of institutions. Since: 1.0.
    """


@hookspec
def submissions_score_reset(event: ScoreReset) -> None:
    """Notice: the score of a student item was reset. Called after the commit; errors are logged, a crash may lose it.

    Args:
        event: See :class:`ScoreReset`.

    First user: plugins of institutions. Since: 1.0.
    """
