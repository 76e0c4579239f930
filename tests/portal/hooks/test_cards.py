"""Dashboard cards are checked at start, what they show when it is made; the message says what is wrong."""

from dataclasses import replace
from typing import Any

import pytest

from portal.hooks.building import build_registry
from portal.hooks.cards import CardContent, Chart, DashboardCard, Figure, Series
from portal.hooks.declarations import Permission
from portal.kernel.errors import PluginClash, PluginLoadError
from tests.portal.hooks.plugins import loaded, plugin

CARD = DashboardCard(name="toy.one", title="One", permission="toy.see", load=CardContent)
LINE = Chart(kind="line", labels=["a", "b"], series=[Series(name="s", values=[1, None])])


def declared(*cards: Any, name: str = "toy") -> Any:
    permissions = (Permission(name=f"{name}.see", title="See"),)
    return plugin(name, portal_permissions=permissions, portal_dashboard_cards=cards)


def test_a_card_is_found_by_its_name() -> None:
    assert build_registry(loaded(declared(CARD))).dashboard_cards["toy.one"] is CARD


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "toy.One!"}, "characters"),
        ({"title": ""}, "no title"),
        ({"permission": "toy.unheard"}, "needs the permission 'toy.unheard', which nobody declares"),
        ({"load": 3}, "cannot be called"),
        ({"width": "huge"}, "'huge' wide; it can be third, half, full"),
        ({"refresh_seconds": 1}, "every 5 or more"),
    ],
)
def test_a_card_that_could_not_be_shown_stops_the_start(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PluginLoadError, match=words) as refused:
        build_registry(loaded(declared(replace(CARD, **changes))))
    assert refused.value.code == "dashboard-card"


def test_a_cards_name_begins_with_its_plugin() -> None:
    with pytest.raises(PluginLoadError, match=r"'other\.one' of toy must start with 'toy\.'"):
        build_registry(loaded(declared(replace(CARD, name="other.one"))))


def test_two_cards_of_one_name_clash() -> None:
    with pytest.raises(PluginClash, match=r"both declare 'toy\.one'"):
        build_registry(loaded(declared(CARD, CARD)))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: replace(LINE, kind="pie"), "no chart of the kind 'pie'"),
        (lambda: replace(LINE, labels=["a"]), "'s' has 2 values for 1 labels"),
        (lambda: replace(LINE, series=[]), "1 to 12 series"),
        (lambda: replace(LINE, kind="doughnut", series=[*LINE.series, *LINE.series]), "one series"),
        (lambda: replace(LINE, labels=["a"] * 401), "at most 400 labels"),
        (lambda: Series(name="s", values=[float("nan")]), "holds nan"),
        (lambda: Series(name="s", values=["3"]), "holds '3'"),
        (lambda: Series(name="s", values=[True]), "holds True"),
        (
            lambda: Series(name="s", values=[], tone="pink"),
            "tone 'pink'; there are good, bad, wait, run, calm",
        ),
        (lambda: Figure(label="f", value=None), "the figure 'f' is None"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_a_chart_of_nothing_but_zeros_is_empty() -> None:
    assert replace(LINE, series=[Series(name="s", values=[0, None])]).is_empty
    assert not LINE.is_empty
