"""What the metrics endpoint tells about submissions and scores; counted after the commit, so only what is kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from plugins.submissions.api.inputs import ItemKey
from plugins.submissions.settings import SubmissionsSettings
from portal.sdk import get_settings, on_commit, reading
from portal.sdk.metrics import counter, histogram

#: Course and item are empty unless the settings ask for them.
LABELS = ("item_type", "course_id", "item_id")
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400

SUBMISSIONS = counter("plugin_submissions_submissions_total", "Submissions handed in.", LABELS)
SIZES = histogram(
    "plugin_submissions_answer_characters",
    "Length of answers as JSON, in characters.",
    LABELS,
    buckets=(100, 1_000, 5_000, 20_000, 50_000, 102_400, 1_000_000),
)
SCORES = counter("plugin_submissions_scores_total", "Scores set.", LABELS)
WAITS = histogram(
    "plugin_submissions_seconds_to_score",
    "Seconds between a submission and a score for it.",
    LABELS,
    buckets=(1, 10, _MINUTE, 10 * _MINUTE, _HOUR, 6 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY, 30 * _DAY, 90 * _DAY),
)
SHARES = histogram(
    "plugin_submissions_score_share",
    "Earned points as a share of the possible ones, 1 for all of them; hidden scores have none.",
    LABELS,
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
)


def count_submissions(handed: Sequence[tuple[ItemKey, int]]) -> None:
    """Count new submissions and the characters of their answers, once they are committed."""

    def count() -> None:
        by_course = _by_course()
        told = [(_labels(item, by_course=by_course), size) for item, size in handed]
        for labels, size in told:
            SUBMISSIONS.labels(*labels).inc()
            SIZES.labels(*labels).observe(size)

    on_commit(count)


def count_scores(scores: Sequence[tuple[Any, int, int]], now: datetime) -> None:
    """Count new scores, the seconds since their submissions, and their shares, once they are committed.

    Args:
        scores: Row of the submission with its student item, earned points, possible points.
    """

    def count() -> None:
        by_course = _by_course()
        for row, earned, possible in scores:
            labels = _labels(row, by_course=by_course)
            SCORES.labels(*labels).inc()
            WAITS.labels(*labels).observe(max((now - row.submitted_at).total_seconds(), 0.0))
            if possible:
                SHARES.labels(*labels).observe(earned / possible)

    on_commit(count)


def _by_course() -> bool:
    # Read after the commit, because only then the portal keeps the answer for the next call.
    with reading():
        return get_settings(SubmissionsSettings).metrics_by_course


def _labels(item: Any, *, by_course: bool) -> tuple[str, str, str]:
    return (item.item_type, item.course_id, item.item_id) if by_course else (item.item_type, "", "")
