"""Dashboard cards: each loaded alone, timed, bounded; one that fails or hangs leaves the others standing."""

import logging
import re
import threading
import time
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.auth import accounts
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.maintenance import service as maintenance
from portal.panel import cards
from portal.testing.clients import PortalClient
from tests.portal.jobs import toy_cards
from tests.portal.jobs.toy_table import Thing
from tests.portal.signing_in import Visitors

CARDS = "/panel/cards"


@pytest.fixture
def maker(visitors: Visitors) -> PortalClient:
    """Somebody who sees the toy's cards but one."""
    return visitors.with_permissions("toy.make", "portal.files.view")


def text_of(client: PortalClient, name: str) -> str:
    answer = client.get(f"{CARDS}/{name}")
    assert answer.status_code == 200
    return re.sub(r"[ \n]+", " ", answer.get_data(as_text=True))


def test_home_has_a_place_for_each_card_that_the_actor_may_see_in_order(maker: PortalClient) -> None:
    page = maker.get("/panel/").get_data(as_text=True)
    places = [part.partition('"')[0] for part in page.split('data-card-url="/panel/cards/')[1:]]
    assert places == [f"toy.{name}" for name in ("fine", "broken", "nonsense", "endless", "writing", "stuck")]
    assert 'href="/panel/cards/toy.fine/page"' in page.partition("<noscript>")[2]


def test_home_loads_no_card_itself(maker: PortalClient) -> None:
    page = maker.get("/panel/")
    assert page.status_code == 200
    assert "All is well" not in page.get_data(as_text=True)


def test_a_card_shows_message_figures_chart_as_table_and_links(maker: PortalClient) -> None:
    shown = text_of(maker, "toy.fine")
    assert "All is well." in shown
    assert '<a href="/panel/jobs/">12\u202f345</a>' in shown
    assert 'data-chart="stacked-bar"' in shown
    assert '<th scope="row">&lt;b&gt;Tuesday&lt;/b&gt;</th>' in shown
    assert '<td class="number" data-value="3">3</td>' in shown
    assert '<td class="number">–</td>' in shown
    assert "All jobs" in shown


def test_a_card_is_timed_and_kept_by_this_browser_and_sign_in_only(maker: PortalClient) -> None:
    answer = maker.get(f"{CARDS}/toy.fine")
    assert answer.headers["Server-Timing"].startswith("load;dur=")
    assert answer.headers["Cache-Control"] == "private, max-age=5"
    assert "Cookie" in answer.headers["Vary"]
    again = maker.get(f"{CARDS}/toy.fine", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_a_card_that_raises_says_so_with_the_request_and_logs_why(
    maker: PortalClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = maker.get(f"{CARDS}/toy.broken")
    shown = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert "could not be loaded" in shown
    assert answer.headers["X-Request-ID"] in shown
    assert "a bug in the plugin" not in shown
    assert "toy.broken" in caplog.text
    assert "RuntimeError: a bug in the plugin" in caplog.text
    assert maker.get(f"{CARDS}/toy.fine").status_code == 200


@pytest.mark.both_engines
def test_a_card_whose_sql_hangs_is_cut_off_and_the_next_one_loads(
    maker: PortalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "LIMIT_SECONDS", 0.3)
    began = time.monotonic()
    answer = maker.get(f"{CARDS}/toy.endless")
    assert time.monotonic() - began < 3
    assert answer.status_code == 503
    assert "Retry-After" not in answer.headers
    assert "takes too long to load" in answer.get_data(as_text=True)
    assert maker.get(f"{CARDS}/toy.fine").status_code == 200


def test_a_card_that_returns_nonsense_could_not_be_loaded(
    maker: PortalClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = maker.get(f"{CARDS}/toy.nonsense")
    assert answer.status_code == 500
    assert "toy.nonsense returned {'figures': 3}, not a CardContent" in caplog.text


@pytest.mark.both_engines
def test_what_a_card_writes_is_never_stored(maker: PortalClient) -> None:
    maker.get(f"{CARDS}/toy.writing")
    assert db.session.scalar(select(func.count()).select_from(Thing)) == 0


def test_a_card_is_refused_without_its_permission(maker: PortalClient) -> None:
    assert maker.get(f"{CARDS}/toy.secret").status_code == 403
    assert maker.get(f"{CARDS}/toy.secret/page").status_code == 403
    assert maker.get(f"{CARDS}/toy.unheard").status_code == 404


def test_the_signed_out_see_no_card(client: PortalClient) -> None:
    assert "/login" in client.get(f"{CARDS}/toy.fine").location


def test_each_card_has_a_page_for_browsers_without_scripts(maker: PortalClient) -> None:
    page = maker.get(f"{CARDS}/toy.fine/page")
    assert page.status_code == 200
    assert "<h1>Toy fine</h1>" in page.get_data(as_text=True)
    assert "<noscript>" not in page.get_data(as_text=True)
    assert maker.get(f"{CARDS}/toy.broken/page").status_code == 500
    assert maker.get(f"{CARDS}/").location == "/panel/"


@pytest.fixture
def stuck_card(app: Flask, maker: PortalClient) -> Iterator[None]:
    """A request that hangs in the loader of ``toy.stuck``, and goes on when the test ends."""
    toy_cards.released.clear()
    toy_cards.loading.clear()
    request = threading.Thread(target=lambda: maker.get(f"{CARDS}/toy.stuck"))
    request.start()
    assert toy_cards.loading.wait(5)
    yield
    toy_cards.released.set()
    request.join()


def test_a_card_that_hangs_takes_one_turn_only(visitors: Visitors, stuck_card: None) -> None:
    other = visitors.with_permissions("toy.make", "portal.files.view")
    busy = other.get(f"{CARDS}/toy.stuck")
    assert busy.status_code == 503
    assert busy.headers["Retry-After"] == "1"
    assert other.get(f"{CARDS}/toy.fine").status_code == 200


def test_cards_that_hang_leave_threads_for_everything_else(
    visitors: Visitors, stuck_card: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "_most_at_once", lambda: 1)
    other = visitors.with_permissions("toy.make")
    assert other.get(f"{CARDS}/toy.fine").status_code == 503
    assert other.get(f"{CARDS}/toy.fine/page").status_code == 503
    assert other.get("/panel/").status_code == 200


def test_a_card_that_ended_gives_its_turn_back(maker: PortalClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    for _ in range(12):
        maker.get(f"{CARDS}/toy.broken")
    assert maker.get(f"{CARDS}/toy.fine").status_code == 200


@pytest.mark.both_engines
def test_the_users_card_counts_active_switched_off_and_seen(visitors: Visitors) -> None:
    admin = visitors.administrator()
    with acting_as(SYSTEM), transaction():
        accounts.create_user("seen", "Seen").last_seen_at = utc_now()
        accounts.create_user("off", "Off").active = False
    shown = text_of(admin, "portal.users")
    assert '/panel/users/">2</a></span> <span class="figure-label">Active' in shown
    assert '/panel/users/">1</a></span> <span class="figure-label">Switched off' in shown
    assert "Signed in this week" in shown


@pytest.mark.both_engines
def test_the_jobs_card_counts_ones_own_jobs_and_leads_to_them(visitors: Visitors, plan_job: object) -> None:
    ann = visitors.with_permissions("toy.make", "portal.jobs.view", name="ann")
    bob = visitors.with_permissions("toy.make", "portal.jobs.view", name="bob")
    job_id = plan_job("ann")  # type: ignore[operator]
    link = '<a href="/panel/jobs/?flt0_0=planned">{}</a></span> <span class="figure-label">Wait for a person'
    assert link.format(1) in text_of(ann, "portal.jobs")
    assert link.format(0) in text_of(bob, "portal.jobs")
    assert str(job_id) in ann.get("/panel/jobs/?flt0_0=planned").get_data(as_text=True)
    assert str(job_id) not in ann.get("/panel/jobs/?flt0_0=failed").get_data(as_text=True)


def test_the_queue_card_says_when_nobody_works(visitors: Visitors) -> None:
    shown = text_of(visitors.administrator(), "portal.queue")
    assert "The queue server does not answer." in shown


def test_the_maintenance_card_says_since_when_and_by_whom(visitors: Visitors) -> None:
    admin = visitors.administrator()
    assert "Open" in text_of(admin, "portal.maintenance")
    with transaction():
        maintenance.start("new disks", SYSTEM)
    shown = text_of(admin, "portal.maintenance")
    assert "Closed" in shown
    assert "new disks" in shown
    assert "system" in shown
