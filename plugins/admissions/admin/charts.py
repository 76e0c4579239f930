"""Charts of applicants by state, for the dashboard and for container pages."""

from collections.abc import Mapping, Sequence

from plugins.admissions.models import ApplicantState
from portal.sdk.web import Chart, Series, Tone

UNIT = "applicants"

_TONES: Mapping[ApplicantState, Tone] = {
    ApplicantState.INITIALIZED: "calm",
    ApplicantState.SUBMITTED: "wait",
    ApplicantState.ADMITTED: "good",
    ApplicantState.NOT_ADMITTED: "bad",
    ApplicantState.CREATED: "run",
}


def containers_chart(labels: Sequence[str], counts: Sequence[Mapping[ApplicantState, int]]) -> Chart:
    """Return one bar per container, with a part for each state that occurs in any, in the order of the workflow."""
    return Chart(
        kind="stacked-bar",
        labels=labels,
        series=[
            Series(
                name=state.value.capitalize(),
                values=[bar.get(state, 0) for bar in counts],
                tone=_TONES.get(state, ""),
            )
            for state in ApplicantState
            if any(bar.get(state) for bar in counts)
        ],
        unit=UNIT,
        label_title="Container",
    )


def states_chart(counts: Mapping[ApplicantState, int]) -> Chart:
    """Return one bar per state that occurs, in the order of the workflow."""
    states = [state for state in ApplicantState if counts.get(state)]
    return Chart(
        kind="horizontal-bar",
        labels=[state.value.capitalize() for state in states],
        series=[Series(name="Applicants", values=[counts[state] for state in states])],
        unit=UNIT,
        label_title="State",
    )
