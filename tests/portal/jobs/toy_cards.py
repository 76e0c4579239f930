"""Dashboard cards that behave well and badly."""

import threading

from sqlalchemy import insert, text

from portal.kernel.db import db
from portal.sdk.web import CardContent, CardLink, Chart, DashboardCard, Figure, Series
from tests.portal.jobs.toy_table import Thing

#: Set while the card ``toy.stuck`` may end.
released = threading.Event()
loading = threading.Event()

_ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(60)",
}


def fine() -> CardContent:
    return CardContent(
        message="All is well.",
        figures=(Figure(label="Things", value=12_345, tone="good", url="/panel/jobs/"),),
        chart=Chart(
            kind="stacked-bar",
            labels=["Monday", "<b>Tuesday</b>"],
            series=[
                Series(name="Made", values=[3, 4], tone="good"),
                Series(name="Lost", values=[1, None]),
            ],
            unit="things",
            label_title="Day",
        ),
        links=(CardLink(label="All jobs", url="/panel/jobs/"),),
    )


def broken() -> CardContent:
    raise RuntimeError("a bug in the plugin")


def endless() -> CardContent:
    db.session.execute(text(_ENDLESS[db.engine.dialect.name]))
    return CardContent()


def nonsense() -> CardContent:
    return {"figures": 3}  # type: ignore[return-value]


def writing() -> CardContent:
    db.session.execute(insert(Thing), [{"name": "from a card", "number": 1}])
    return CardContent()


def stuck() -> CardContent:
    loading.set()
    released.wait(10)
    return CardContent(message="At last.")


def _card(name: str, load: object, order: int, permission: str = "toy.make") -> DashboardCard:
    return DashboardCard(
        name=f"toy.{name}",
        title=f"Toy {name}",
        permission=permission,
        load=load,  # type: ignore[arg-type]
        order=order,
    )


CARDS = (
    _card("nonsense", nonsense, 30),
    _card("fine", fine, 10),
    _card("broken", broken, 20),
    _card("endless", endless, 900),
    _card("writing", writing, 910),
    _card("stuck", stuck, 920, "portal.files.view"),
    _card("secret", fine, 930, "portal.audit.view"),
)
