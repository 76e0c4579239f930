"""What a plugin puts on the dashboard: a declared card, and the figures, chart and links that its loader gives."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from portal.kernel.errors import PluginLoadError

Width = Literal["third", "half", "full"]
Tone = Literal["", "good", "bad", "wait", "run", "calm"]
ChartKind = Literal["bar", "stacked-bar", "line", "doughnut", "horizontal-bar"]

NAME_RULE = re.compile(r"[a-z]+(\.[a-z][a-z0-9_]*)+")
#: More than a chart can show, or a table of it can be read.
MOST_LABELS = 400
MOST_SERIES = 12
SHORTEST_REFRESH_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number with what it counts; ``url`` leads to what was counted."""

    label: str
    value: int | float | str
    tone: Tone = ""
    url: str = ""

    def __post_init__(self) -> None:
        _require(isinstance(self.value, int | float | str), f"the figure {self.label!r} is {self.value!r}")
        _check_tone(self.tone, self.label)


@dataclass(frozen=True, kw_only=True)
class Series:
    """Values of one kind, one per label of the chart; None is a gap. Without a tone its place gives the colour."""

    name: str
    values: Sequence[float | None]
    tone: Tone = ""

    def __post_init__(self) -> None:
        for value in self.values:
            _require(value is None or _is_number(value), f"the series {self.name!r} holds {value!r}")
        _check_tone(self.tone, self.name)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart, and the table behind it.

    Args:
        kind: ``stacked-bar`` and ``horizontal-bar`` put the series of a label onto each other; a ``doughnut`` has one.
        labels: What the values stand for, at most 400: days, states, reasons.
        series: At most 12, each with as many values as there are labels.
        unit: What is counted, such as ``students``; shown with each value.
        y_title: Beside the axis of the values.
        label_title: Over the column of labels in the table.
    """

    kind: ChartKind
    labels: Sequence[str]
    series: Sequence[Series]
    unit: str = ""
    y_title: str = ""
    label_title: str = ""

    def __post_init__(self) -> None:
        _require(self.kind in get_args(ChartKind), f"there is no chart of the kind {self.kind!r}")
        _require(len(self.labels) <= MOST_LABELS, f"a chart has at most {MOST_LABELS} labels")
        _require(0 < len(self.series) <= MOST_SERIES, f"a chart has 1 to {MOST_SERIES} series")
        _require(self.kind != "doughnut" or len(self.series) == 1, "a doughnut has one series")
        for series in self.series:
            fits = len(series.values) == len(self.labels)
            _require(fits, f"{series.name!r} has {len(series.values)} values for {len(self.labels)} labels")

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(value for series in self.series for value in series.values)


@dataclass(frozen=True, kw_only=True)
class CardLink:
    """Where a card leads."""

    label: str
    url: str


@dataclass(frozen=True, kw_only=True)
class CardContent:
    """What a card shows, from above: message, figures, chart with its table, links."""

    figures: Sequence[Figure] = ()
    chart: Chart | None = None
    message: str = ""
    links: Sequence[CardLink] = ()


@dataclass(frozen=True, kw_only=True)
class DashboardCard:
    """A card of the dashboard.

    Args:
        name: ``<plugin>.<thing>``.
        title: Its heading.
        permission: Who sees it; a declared permission.
        load: Reads what the current actor may see and returns it: a few quick statements. It must not write; the
            database ends statements that take too long.
        order: Place on the page, ties by title; the portal's own stand at 500 and above.
        width: Of the page, on a wide screen.
        refresh_seconds: How often an open page loads it again; None: never.
    """

    name: str
    title: str
    permission: str
    load: Callable[[], CardContent]
    order: int = 100
    width: Width = "half"
    refresh_seconds: int | None = None


def check_cards(cards: Mapping[str, DashboardCard], permissions: Iterable[str]) -> None:
    """Refuse cards that could not be shown.

    Raises:
        PluginLoadError: ``dashboard-card``, naming the card and what is wrong with it.
    """
    declared = frozenset(permissions)
    for name, card in cards.items():
        if problem := _problem(card, declared):
            raise PluginLoadError("dashboard-card", f"The dashboard card {name!r} {problem}.")


def _problem(card: DashboardCard, permissions: frozenset[str]) -> str:
    seconds = card.refresh_seconds
    if not NAME_RULE.fullmatch(card.name):
        return "has a name with other characters than a-z, 0-9, dots and underscores"
    if not card.title:
        return "has no title"
    if card.permission not in permissions:
        return f"needs the permission {card.permission!r}, which nobody declares"
    load: object = card.load
    if not callable(load):
        return f"has {load!r} to load it, which cannot be called"
    if card.width not in get_args(Width):
        return f"is {card.width!r} wide; it can be {', '.join(get_args(Width))}"
    if seconds is not None and seconds < SHORTEST_REFRESH_SECONDS:
        return f"loads again every {seconds} seconds; it may every {SHORTEST_REFRESH_SECONDS} or more"
    return ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_tone(tone: str, owner: str) -> None:
    _require(
        tone in get_args(Tone), f"{owner!r} has the tone {tone!r}; there are {', '.join(get_args(Tone)[1:])}"
    )


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise ValueError(sentence)
