"""The cards of enrollments on the dashboard."""

from flask import url_for

from plugins.enrollments.api.figures import program_figures
from plugins.enrollments.permissions import ENROLLMENTS_VIEW
from portal.sdk.web import CardContent, CardLink, Chart, DashboardCard, Figure, Series

#: Programs that the card names; the others are added up.
NAMED = 8
OTHERS = "All others"


def programs_card() -> CardContent:
    """Return who is in the programs, with an account and waiting. Two statements."""
    found = sorted(program_figures(), key=lambda item: -item.total)
    link = CardLink(label="All programs", url=url_for("enrollments_section.index"))
    if not any(item.total for item in found):
        return CardContent(message="Nobody is enrolled in a program yet.", links=(link,))
    bars = [(item.title, item.realized, item.waiting) for item in found[:NAMED] if item.total]
    rest = found[NAMED:]
    if any(item.total for item in rest):
        bars.append((OTHERS, sum(item.realized for item in rest), sum(item.waiting for item in rest)))
    waiting = sum(item.waiting for item in found)
    return CardContent(
        figures=(
            Figure(label="Enrolled", value=sum(item.total for item in found), url=link.url),
            Figure(
                label="Waiting for an account",
                value=waiting,
                tone="wait" if waiting else "",
                url=url_for("enrollments_support.index"),
            ),
        ),
        chart=Chart(
            kind="horizontal-bar",
            labels=[title for title, _, _ in bars],
            series=[
                Series(name="With account", values=[realized for _, realized, _ in bars], tone="good"),
                Series(name="Waiting", values=[without for _, _, without in bars], tone="wait"),
            ],
            unit="students",
            label_title="Program",
        ),
        links=(link,),
    )


CARDS = (
    DashboardCard(
        name="enrollments.programs",
        title="Students in programs",
        permission=ENROLLMENTS_VIEW,
        load=programs_card,
        order=200,
    ),
)
