"""Charts of enrollments: by status, waiting against realized, changes per week."""

from collections.abc import Mapping, Sequence
from datetime import date

from plugins.enrollments.admin.words import STATUSES, TONES
from plugins.enrollments.api.figures import ProgramFigures
from portal.sdk.web import Chart, Series

UNIT = "students"


def realization_chart(figures: ProgramFigures) -> Chart:
    """Return a bar per status that occurs: who has an account, and who waits for one."""
    statuses = [status for status in STATUSES if figures.of(status)]
    return Chart(
        kind="stacked-bar",
        labels=[status.capitalize() for status in statuses],
        series=[
            Series(
                name="With account", values=[figures.by_status[status][1] for status in statuses], tone="good"
            ),
            Series(name="Waiting", values=[figures.by_status[status][0] for status in statuses], tone="wait"),
        ],
        unit=UNIT,
        label_title="Status",
    )


def changes_chart(weeks: Sequence[tuple[date, Mapping[str, int]]]) -> Chart:
    """Return a bar per week with how many came into which status."""
    statuses = [status for status in STATUSES if any(counts.get(status) for _, counts in weeks)] or STATUSES[
        :1
    ]
    return Chart(
        kind="stacked-bar",
        labels=[monday.strftime("%d %b") for monday, _ in weeks],
        series=[
            Series(
                name=status.capitalize(),
                values=[counts.get(status, 0) for _, counts in weeks],
                tone=TONES.get(status, ""),
            )
            for status in statuses
        ],
        unit=UNIT,
        label_title="Week of",
    )
