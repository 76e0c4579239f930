"""Guessing is slowed down, per account and per address; a queue server that is away never keeps people out."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from redis import Redis

from portal.auth import throttle as throttle_module
from portal.auth.throttle import FREE_FAILURES, LONGEST_DELAY_SECONDS, current_throttle
from portal.kernel.errors import TooMany
from portal.testing.clients import PortalClient
from tests.portal.auth.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("cheap_hashes")
MakeUser = Callable[..., int]


def _try(
    client: PortalClient, name: str = "ann", password: str = "wrong horse battery", **options: Any
) -> int:
    return client.submit("/login", {"sign_in_name": name, "password": password}, **options).status_code


def test_after_some_failures_an_account_has_to_wait(client: PortalClient, make_user: MakeUser) -> None:
    make_user()
    assert [_try(client) for _ in range(FREE_FAILURES)] == [200] * FREE_FAILURES
    answer = client.submit("/login", {"sign_in_name": "ann", "password": PASSWORD})
    assert answer.status_code == 429
    assert "second" in answer.text
    assert 1 <= int(answer.headers["Retry-After"]) <= 6


def test_other_accounts_do_not_wait(client: PortalClient, make_user: MakeUser) -> None:
    make_user()
    make_user("ben")
    for _ in range(FREE_FAILURES):
        _try(client)
    assert _try(client, "ben", PASSWORD) == 302


def test_an_account_cannot_be_tried_under_two_spellings(client: PortalClient, make_user: MakeUser) -> None:
    make_user(email="ann@example.org")
    for name in ("ann", "ANN", "ann@example.org", "Ann@Example.org"):
        _try(client, name)
    assert _try(client, "ann") == 429


def test_unknown_names_wait_as_well(client: PortalClient, app: Flask) -> None:
    assert [_try(client, "nobody") for _ in range(FREE_FAILURES + 1)][-1] == 429


def test_each_further_failure_doubles_the_wait_up_to_a_limit(app: Flask) -> None:
    with app.test_request_context("/"):
        throttle, waits = current_throttle(), []
        for _ in range(FREE_FAILURES + 10):
            throttle.note_failure("ann")
            try:
                throttle.check_account("ann")
            except TooMany as error:
                waits.append(error.retry_after_seconds)
                throttle._counting(lambda storage: storage.clear(throttle_module._key("wait", "ann")))
    wanted = [5, 10, 20, 40, 80, 160, 320, 640, LONGEST_DELAY_SECONDS]
    assert all(abs(wait - seconds) <= 1 for wait, seconds in zip(waits, wanted, strict=False))
    assert abs(waits[-1] - LONGEST_DELAY_SECONDS) <= 1


def test_a_success_forgets_the_failures(client: PortalClient, app: Flask, make_user: MakeUser) -> None:
    make_user()
    for _ in range(FREE_FAILURES - 1):
        _try(client)
    assert _try(client, password=PASSWORD) == 302
    assert [_try(PortalClient(app)) for _ in range(FREE_FAILURES - 1)] == [200] * (FREE_FAILURES - 1)


def test_an_address_that_fails_a_lot_is_stopped_and_others_are_not(
    client: PortalClient, app: Flask, make_user: MakeUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_user()
    monkeypatch.setattr("portal.auth.forms.is_password", lambda password, stored: password == PASSWORD)
    answers = [_try(client, f"nobody{number}") for number in range(32)]
    assert answers == [200] * 30 + [429] * 2
    answer = client.submit("/login", {"sign_in_name": "ann", "password": PASSWORD})
    assert "from your address" in answer.text
    assert int(answer.headers["Retry-After"]) > 1
    assert _try(client, password=PASSWORD, environ_base={"REMOTE_ADDR": "192.0.2.7"}) == 302


def test_a_lecture_hall_behind_one_address_signs_in(
    app: Flask, make_user: MakeUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_user()
    monkeypatch.setattr("portal.auth.forms.is_password", lambda password, stored: password == PASSWORD)
    assert {_try(PortalClient(app), password=PASSWORD) for _ in range(60)} == {302}


def test_counts_are_shared_through_the_queue_server(
    client: PortalClient, app: Flask, make_user: MakeUser, queue_server: Redis
) -> None:
    make_user()
    current_throttle()._away_until = 0.0
    for _ in range(FREE_FAILURES):
        _try(client)
    # The limit per address may keep its count here too; the account's two are what others share.
    keys = [key.decode() for key in queue_server.scan_iter("*portal/*") if b"LIMITER" not in key]
    assert sorted(key.split("/")[1] for key in keys) == ["failures", "wait"]
    assert not any("ann" in key for key in keys)
    assert _try(client, password=PASSWORD) == 429


def test_without_a_queue_server_sign_in_works_and_is_still_limited(
    client: PortalClient, make_user: MakeUser
) -> None:
    make_user()
    assert _try(client, password=PASSWORD) == 302
    client.submit("/logout", page="/account/password")
    assert [_try(client) for _ in range(FREE_FAILURES + 1)][-1] == 429
