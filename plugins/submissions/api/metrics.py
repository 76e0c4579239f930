"""What the metrics endpoint tells about submissions and scores."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from plugins.submissions.api.inputs import ItemKey


def count_submissions(handed: Sequence[tuple[ItemKey, int]]) -> None:
    """Count new submissions and the characters of their answers."""


def count_scores(scores: Sequence[tuple[Any, int, int]], now: datetime) -> None:
    """Count new scores, the seconds since their submissions, and their shares of the possible points."""
