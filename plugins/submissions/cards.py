"""The cards of submissions on the dashboard."""

from collections.abc import Callable, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from flask import url_for

from plugins.submissions.admin.charts import days_chart, queues_chart
from plugins.submissions.api.figures import scores_per_day, submissions_per_day
from plugins.submissions.api.queue import OPEN, queue_counts
from plugins.submissions.models import GraderState
from plugins.submissions.permissions import GRADERS_VIEW, ITEMS_VIEW, SCORES_VIEW
from portal.sdk.web import CardContent, CardLink, DashboardCard, Figure, Tone, institution

DAYS = 30
WEEK = 7
_WAITING = (GraderState.PENDING, GraderState.RETRY)


def submissions_card() -> CardContent:
    """Return how much was handed in on each of the last thirty days. One statement."""
    link = CardLink(label="All items", url=url_for("submissions_section.index"))
    return _days_card(submissions_per_day, "Submissions", "submissions", link)


def scores_card() -> CardContent:
    """Return how many scores were set on each of the last thirty days. One statement."""
    link = CardLink(label="All scores", url=url_for("submissions_score.index_view"))
    return _days_card(scores_per_day, "Scores and resets", "scores", link)


def _days_card(
    load: Callable[[int, ZoneInfo], Sequence[tuple[date, int]]], name: str, unit: str, link: CardLink
) -> CardContent:
    days = load(DAYS, ZoneInfo(institution().time_zone))
    numbers = [number for _, number in days]
    return CardContent(
        figures=(
            Figure(label="Today", value=numbers[-1]),
            Figure(label="Last seven days", value=sum(numbers[-WEEK:])),
            Figure(label=f"Last {DAYS} days", value=sum(numbers)),
        ),
        chart=days_chart(days, name, unit),
        links=(link,),
    )


def queues_card() -> CardContent:
    """Return how many entries of each queue of external graders are not done. One statement."""
    counts = queue_counts(*OPEN)
    if not counts:
        return CardContent(message="Nothing was sent to an external grader yet.")

    def figure(label: str, tone: Tone, *states: GraderState) -> Figure:
        number = sum(found.get(state, 0) for found in counts.values() for state in states)
        url = url_for("submissions_grader_entry.index_view", flt0_0=states[0].value)
        return Figure(label=label, value=number, tone=tone if number else "", url=url)

    return CardContent(
        figures=(
            figure("Waiting", "wait", *_WAITING),
            figure("With a grader", "run", GraderState.PULLED),
            figure("Failed", "bad", GraderState.FAILED),
        ),
        chart=queues_chart(counts),
    )


CARDS = (
    DashboardCard(
        name="submissions.per_day",
        title="Handed in per day",
        permission=ITEMS_VIEW,
        load=submissions_card,
        order=300,
    ),
    DashboardCard(
        name="submissions.scores",
        title="Scores set per day",
        permission=SCORES_VIEW,
        load=scores_card,
        order=310,
    ),
    DashboardCard(
        name="submissions.queues",
        title="Queues of external graders",
        permission=GRADERS_VIEW,
        load=queues_card,
        order=320,
    ),
)
