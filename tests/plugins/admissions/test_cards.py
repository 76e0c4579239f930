"""The dashboard cards of admissions: right figures, two statements at most, and what one may not see is not counted."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import insert

from plugins.admissions import cards
from plugins.admissions.api.figures import creations_per_day, funnel, states_by_container
from plugins.admissions.models import Applicant, ApplicantState, Student
from portal.sdk import db, new_id, transaction, utc_now
from portal.sdk.web import CardContent, Chart
from portal.testing.clients import PortalClient
from portal.testing.statements import counted_statements
from tests.plugins.admissions.university import (
    University,
    add,
    create_selected,
    force,
    import_sheet,
    person,
    sheet,
)

pytestmark = pytest.mark.both_engines

EVERYTHING = ("admissions.applicants.view", "admissions.students.view", "portal.jobs.view")


def as_table(chart: Chart | None) -> dict[str, dict[str, float | None]]:
    """Label → series → value, of a chart."""
    assert chart is not None
    return {
        label: {series.name: series.values[place] for series in chart.series}
        for place, label in enumerate(chart.labels)
    }


def figures(content: CardContent) -> dict[str, float | str]:
    return {figure.label: figure.value for figure in content.figures}


def add_student(created_at: datetime) -> None:
    number = f"K{new_id().int % 10**9:09}"
    with transaction():
        db.session.execute(
            insert(Student),
            [
                {
                    "id": new_id(),
                    "student_id": number,
                    "firstname": "Ada",
                    "lastname": "Lovelace",
                    "fullname": "ada lovelace",
                    "sex": "f",
                    "date_of_birth": created_at.date(),
                    "created_at": created_at,
                }
            ],
        )


@pytest.fixture
def filled(university: University) -> University:
    """Four applicants: two admitted, one of them a student; one rejected, one who has begun."""
    student = add(university)
    create_selected(student)
    add(university)
    for state in (ApplicantState.NOT_ADMITTED, ApplicantState.STARTED):
        force(Applicant, add(university), state=state)
    return university


def test_applicants_are_counted_by_container_and_state(app: Flask, filled: University) -> None:
    (container,) = states_by_container()
    assert container.code == "app2026"
    assert container.total == 4
    with app.test_request_context():
        content = cards.states_card()
    assert figures(content) == {"Applicants": 4, "Containers": 1, "Still to create": 1}
    assert as_table(content.chart) == {
        "app2026": {"Started": 1, "Admitted": 1, "Not admitted": 1, "Created": 1}
    }


def test_the_funnel_counts_each_step_with_those_who_went_further(filled: University) -> None:
    found = funnel()
    assert (found.applied, found.submitted, found.admitted, found.created) == (4, 3, 2, 1)
    assert figures(cards.funnel_card())["Became students"] == "25 %"


def test_days_are_those_of_the_institution(app: Flask, as_system: object) -> None:
    zone = ZoneInfo("Pacific/Auckland")
    today = utc_now().astimezone(zone).date()
    midnight = datetime(today.year, today.month, today.day, tzinfo=zone).astimezone(UTC)
    for moment in (midnight, midnight - timedelta(seconds=1), midnight - timedelta(days=40)):
        add_student(moment)

    assert creations_per_day(3, zone) == [
        (today - timedelta(days=2), 0),
        (today - timedelta(days=1), 1),
        (today, 1),
    ]


def test_refused_rows_are_counted_by_reason_of_the_last_jobs(app: Flask, university: University) -> None:
    flawed = [person(reg_number=f"R{number}", sex="x") for number in range(2)]
    import_sheet(sheet([person(), *flawed]), container="app2026")
    with app.test_request_context():
        content = cards.refused_card()
    assert figures(content) == {"Last import: refused": 2}
    assert as_table(content.chart) == {"Field invalid: sex": {"Import": 2}}


@pytest.mark.parametrize("name", [card.name for card in cards.CARDS])
def test_a_card_takes_two_statements_however_much_there_is(app: Flask, filled: University, name: str) -> None:
    import_sheet(sheet([person(), person(sex="x")]), container="app2026")
    load = next(card.load for card in cards.CARDS if card.name == name)
    with app.test_request_context():
        load()
        with counted_statements() as sent:
            load()
    assert len(sent) <= 2, sent


def test_empty_the_cards_say_what_is_missing(app: Flask, signed_in: Callable[..., PortalClient]) -> None:
    client = signed_in(*EVERYTHING)
    shown = [client.get(f"/panel/cards/{card.name}") for card in cards.CARDS]
    assert [answer.status_code for answer in shown] == [200] * 4
    assert "Nobody has applied yet." in shown[0].get_data(as_text=True)
    assert "Nothing was imported or created yet." in shown[3].get_data(as_text=True)


def test_figures_lead_to_what_they_count(
    app: Flask, filled: University, signed_in: Callable[..., PortalClient]
) -> None:
    client = signed_in(*EVERYTHING)
    assert "flt0_0=admitted" in client.get("/panel/cards/admissions.states").get_data(as_text=True)
    listed = client.get("/panel/admissions/applicant/?flt0_0=admitted").get_data(as_text=True)
    assert listed.count("app2026_") > 0
    assert "1 record" in listed


def test_the_containers_page_shows_the_states_as_a_chart(
    app: Flask, filled: University, signed_in: Callable[..., PortalClient]
) -> None:
    client = signed_in("admissions.containers.view", "admissions.applicants.view")
    container = states_by_container()[0].container_id
    page = client.get(f"/panel/admissions/container/details/?id={container}").get_data(as_text=True)
    assert 'data-chart="horizontal-bar"' in page
    assert '<th scope="row">Admitted</th><td class="number" data-value="1">1</td>' in page
    assert "cards.js" in page
