"""/metrics: for holders of the token or the permission; what it counts is what was done."""

from collections.abc import Callable

import pytest
from flask import Flask
from pydantic import SecretStr

from portal.config import ConfigProblems, PortalConfig
from portal.jobs.engine import run_inline
from portal.jobs.schedules import run_now
from portal.kernel.actor import SYSTEM
from portal.kernel.transaction import transaction
from portal.mail.outbox import send
from portal.maintenance import service as maintenance
from portal.testing.clients import PortalClient

TOKEN = "a-token-for-scrapers"


@pytest.fixture
def with_token(app: Flask, config: PortalConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "PORTAL", config.model_copy(update={"metrics_token": SecretStr(TOKEN)}))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_figures_are_not_for_everybody(client: PortalClient, signed_in: Callable[..., PortalClient]) -> None:
    assert client.get("/metrics").status_code == 302
    assert client.get("/metrics", headers=bearer("")).status_code == 302
    assert client.get("/metrics", headers=bearer("anything")).status_code == 302
    assert signed_in("portal.health.view").get("/metrics").status_code == 403


def test_holder_of_the_permission_reads_them(signed_in: Callable[..., PortalClient]) -> None:
    answer = signed_in("portal.metrics.view").get("/metrics")

    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"


def test_token_reads_them_also_while_the_portal_is_closed(client: PortalClient, with_token: None) -> None:
    with transaction():
        maintenance.start("Moving", SYSTEM)

    assert client.get("/metrics", headers=bearer(TOKEN)).status_code == 200


@pytest.mark.parametrize("wrong", [TOKEN[:-1], f"{TOKEN}x", TOKEN.upper(), "", "ä"])
def test_wrong_token_is_refused(client: PortalClient, with_token: None, wrong: str) -> None:
    answer = client.get("/metrics", headers=bearer(wrong))

    assert answer.status_code == 403


def test_token_opens_no_other_page(client: PortalClient, with_token: None) -> None:
    assert client.get("/panel/users/", headers=bearer(TOKEN)).status_code == 302


def test_short_token_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigProblems, match="at least 16") as caught:
        PortalConfig.load(metrics_token="hunter2")
    assert "hunter2" not in str(caught.value)


@pytest.mark.both_engines
def test_figures_tell_what_was_done(app: Flask, client: PortalClient, with_token: None) -> None:
    client.get("/health/live", headers={"X-Whatever": "1"})
    job_id = run_now("portal.remove_expired", SYSTEM, "a" * 32)
    with transaction():
        send("somebody@campus.example", "Hello", "Text")
    before = client.get("/metrics", headers=bearer(TOKEN)).get_data(as_text=True)
    run_inline(job_id)
    after = client.get("/metrics", headers=bearer(TOKEN)).get_data(as_text=True)

    assert 'portal_jobs{kind="portal.remove_expired",state="running"} 1.0' in before
    assert 'portal_jobs{kind="portal.remove_expired"' not in after
    assert 'portal_jobs_ended_total{kind="portal.remove_expired",state="finished"}' in after
    assert 'portal_requests_total{endpoint="health.live",method="GET",status="200"}' in after
    assert 'portal_request_seconds_bucket{endpoint="health.live",le="0.5"}' in after
    assert "portal_mail_waiting 1.0" in after
    assert "portal_blob_bytes 0.0" in after
    # There is no queue server in this test: its figures are absent, the others are there.
    assert "portal_queue_depth" not in after


def test_queue_figures_come_from_the_queue_server(
    app: Flask, client: PortalClient, with_token: None, queue_server: object
) -> None:
    run_now("portal.remove_expired", SYSTEM, "b" * 32)
    shown = client.get("/metrics", headers=bearer(TOKEN)).get_data(as_text=True)

    assert "portal_queue_depth 1.0" in shown
    assert "portal_workers_alive 0.0" in shown
