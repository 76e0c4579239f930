"""Charts of submissions: spread of scores, what came per day, how long the queues of graders are."""

from collections.abc import Mapping, Sequence
from datetime import date

from plugins.submissions.api.figures import Distribution
from plugins.submissions.models import GraderState
from portal.sdk.web import Chart, Series, Tone

#: Queues that a chart names; the others are added up.
NAMED = 12
OTHERS = "All others"
_TONES: Mapping[GraderState, Tone] = {
    GraderState.PENDING: "wait",
    GraderState.RETRY: "calm",
    GraderState.PULLED: "run",
    GraderState.FAILED: "bad",
}
_TITLES: Mapping[GraderState, str] = {
    GraderState.PENDING: "Waiting",
    GraderState.RETRY: "To be tried again",
    GraderState.PULLED: "With a grader",
    GraderState.FAILED: "Failed",
}


def distribution_chart(found: Distribution) -> Chart:
    """Return how many students reached which share of the points."""
    return Chart(
        kind="bar",
        labels=found.labels,
        series=[Series(name="Students", values=list(found.counts))],
        unit="students",
        label_title="Share of the points",
    )


def days_chart(days: Sequence[tuple[date, int]], name: str, unit: str) -> Chart:
    """Return one point per day."""
    return Chart(
        kind="line",
        labels=[day.strftime("%d %b") for day, _ in days],
        series=[Series(name=name, values=[number for _, number in days])],
        unit=unit,
        label_title="Day",
    )


def queues_chart(counts: Mapping[str, Mapping[GraderState, int]]) -> Chart:
    """Return one bar per queue with what is not done yet, by state; the longest queues are named."""
    open_ones = {queue: {state: found.get(state, 0) for state in _TONES} for queue, found in counts.items()}
    longest = sorted(open_ones.items(), key=lambda pair: (-sum(pair[1].values()), pair[0]))
    bars = longest[:NAMED]
    if longest[NAMED:]:
        bars.append((OTHERS, {state: sum(found[state] for _, found in longest[NAMED:]) for state in _TONES}))
    return Chart(
        kind="horizontal-bar",
        labels=[queue for queue, _ in bars],
        series=[
            Series(name=_TITLES[state], values=[found[state] for _, found in bars], tone=tone)
            for state, tone in _TONES.items()
        ],
        unit="entries",
        label_title="Queue",
    )
