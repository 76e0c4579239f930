"""The dashboard's cards: each loaded by a request of its own, timed, and alone in its failure."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for

from portal.access.policy import may, require
from portal.access.routes import signed_in_only
from portal.config import current_config
from portal.hooks.cards import CardContent, DashboardCard
from portal.hooks.registry import current_registry
from portal.kernel import metrics
from portal.kernel.actor import current_actor
from portal.kernel.bounded import ReadingTooLong, reading_at_most
from portal.kernel.errors import NotFound
from portal.web.charts import number
from portal.web.headers import request_id
from portal.web.views import PortalView, expose

log = logging.getLogger(__name__)

#: After this the database ends the statements of a card.
LIMIT_SECONDS = 4.0
#: How long a request waits for its turn before it is sent away to come again.
TURN_SECONDS = 0.2
AGAIN_SECONDS = 1
#: How long a browser may show what it has without asking again.
FRESH_SECONDS = 5
CARD_HEADER = "X-Portal-Card"

SECONDS = metrics.histogram(
    "portal_dashboard_card_seconds", "Time that a dashboard card took to load.", ("card",)
)
FAILURES = metrics.counter(
    "portal_dashboard_card_failures_total", "Dashboard cards that could not be loaded.", ("card", "reason")
)


class NoTurn(Exception):
    """The card is being loaded already, or too many others are."""


class Turns:
    """Bounds what cards take of the web server: one load of a card at a time, and a few cards at a time.

    A loader that hangs in Python cannot be stopped. It keeps its own turn only, and threads stay for everybody else.
    """

    def __init__(self) -> None:
        self._free = Condition()
        self._loading: set[str] = set()

    @contextmanager
    def taken(self, name: str, most: int) -> Iterator[None]:
        """Hold the turn of one card.

        Raises:
            NoTurn: when it does not come within a moment.
        """
        with self._free:
            if not self._free.wait_for(lambda: self._is_free(name, most), TURN_SECONDS):
                raise NoTurn
            self._loading.add(name)
        try:
            yield
        finally:
            with self._free:
                self._loading.discard(name)
                self._free.notify_all()

    def _is_free(self, name: str, most: int) -> bool:
        return name not in self._loading and len(self._loading) < most


@dataclass(frozen=True, kw_only=True)
class LoadedCard:
    """What became of one load: the content, or the problem in words."""

    milliseconds: float
    status: int = 200
    content: CardContent | None = None
    problem: str = ""
    request_name: str = ""


def visible_cards() -> list[DashboardCard]:
    """Return the cards that the current actor may see, in the order of the page."""
    actor = current_actor()
    cards = [card for card in current_registry().dashboard_cards.values() if may(actor, card.permission)]
    return sorted(cards, key=lambda card: (card.order, card.title))


def find_card(name: str) -> DashboardCard:
    """Return the card of that name.

    Raises:
        NotFound: when there is none.
        Forbidden: when the current actor may not see it.
    """
    card = current_registry().dashboard_cards.get(name)
    if card is None:
        raise NotFound("card-not-found", f"There is no dashboard card {name}.")
    require(current_actor(), card.permission)
    return card


def load_card(card: DashboardCard) -> LoadedCard:
    """Load a card and return what became of it; no error leaves this function."""
    began = time.perf_counter()

    def loaded(**outcome: Any) -> LoadedCard:
        seconds = time.perf_counter() - began
        SECONDS.labels(card.name).observe(seconds)
        return LoadedCard(milliseconds=seconds * 1000, **outcome)

    try:
        with reading_at_most(LIMIT_SECONDS):
            content: object = card.load()
        if not isinstance(content, CardContent):
            raise TypeError(f"the loader of {card.name} returned {content!r}, not a CardContent")
    except ReadingTooLong:
        FAILURES.labels(card.name, "too long").inc()
        log.warning("the dashboard card %s was cut off after %g seconds", card.name, LIMIT_SECONDS)
        return loaded(status=503, problem="This card takes too long to load.")
    except Exception:
        # A loader is somebody else's code; the other cards stand.
        FAILURES.labels(card.name, "error").inc()
        log.exception("the dashboard card %s could not be loaded", card.name)
        return loaded(status=500, problem="This card could not be loaded.", request_name=request_id())
    return loaded(content=content)


class CardsView(PortalView):
    """The cards one by one: the part of the dashboard, and a page of its own for browsers without scripts."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._turns = Turns()

    @expose("/")
    @signed_in_only
    def index(self) -> Any:
        """Lead to the dashboard."""
        return redirect(url_for("admin.index"))

    @expose("/<card_name>")
    @signed_in_only
    def card(self, card_name: str) -> Any:
        """Answer with the inside of one card; 304 when the browser has it, 503 when it is to come again."""
        card = find_card(card_name)
        try:
            with self._turns.taken(card.name, _most_at_once()):
                loaded = load_card(card)
        except NoTurn:
            return Response("Busy. Come again in a moment.", 503, {"Retry-After": str(AGAIN_SECONDS)})
        size = "small" if card.width == "third" else "medium"
        response = make_response(
            render_template("panel/card.html", **_facts(card, loaded, size)), loaded.status
        )
        response.headers[CARD_HEADER] = card.name
        response.headers["Server-Timing"] = f"load;dur={loaded.milliseconds:.1f}"
        # Another sign-in in the same browser must not be shown it.
        response.vary.add("Cookie")
        if loaded.content is not None:
            response.headers["Cache-Control"] = f"private, max-age={FRESH_SECONDS}"
            response.add_etag()
        return response.make_conditional(request)

    @expose("/<card_name>/page")
    @signed_in_only
    def page(self, card_name: str) -> Any:
        """Show one card as a page."""
        card = find_card(card_name)
        try:
            with self._turns.taken(card.name, _most_at_once()):
                loaded = load_card(card)
        except NoTurn:
            loaded = LoadedCard(
                milliseconds=0, status=503, problem="This card is busy. Reload the page in a moment."
            )
        return self.render("panel/card_page.html", **_facts(card, loaded, "large")), loaded.status


def _most_at_once() -> int:
    """Return how many cards one process loads at a time: half of its threads stay for everything else."""
    return max(current_config().web_threads // 2, 1)


def _facts(card: DashboardCard, loaded: LoadedCard, size: str) -> dict[str, Any]:
    return {
        "card": card,
        "content": loaded.content,
        "problem": loaded.problem,
        "request_name": loaded.request_name,
        "size": size,
        "number": number,
    }
