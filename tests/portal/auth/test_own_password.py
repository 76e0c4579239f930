"""The pages of one's own password: activation and change."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from portal.auth.accounts import NewUser, create_many
from portal.auth.activation import codes_for, issue_many
from portal.kernel.clock import utc_now
from portal.kernel.transaction import transaction
from portal.testing.clients import PortalClient
from tests.portal.auth.conftest import PASSWORD

NEW = "a staple of batteries"
pytestmark = pytest.mark.usefixtures("cheap_hashes")
MakeUser = Callable[..., int]


def _student() -> str:
    with transaction():
        (user_id,) = create_many([NewUser(sign_in_name="K1000000", display_name="Žofia")])
        issue_many([user_id], utc_now() + timedelta(days=30))
    return codes_for([user_id])[user_id]


def _sign_in(client: PortalClient, name: str, password: str) -> bool:
    return client.submit("/login", {"sign_in_name": name, "password": password}).status_code == 302


def test_a_letter_leads_to_a_password_and_a_sign_in(client: PortalClient, app: Flask) -> None:
    form = {"sign_in_name": "k1000000", "code": _student().lower(), "new_password": NEW, "repeated": NEW}
    answer = client.submit("/activate", form)
    assert (answer.status_code, answer.location) == (302, "/login")
    assert _sign_in(client, "K1000000", NEW)


def test_the_link_of_a_mail_fills_in_the_name(client: PortalClient, app: Flask) -> None:
    assert 'value="K1000000"' in client.get("/activate?name=K1000000").text


def test_a_wrong_code_changes_nothing(client: PortalClient, app: Flask) -> None:
    _student()
    form = {"sign_in_name": "K1000000", "code": "AAAA-AAAA-AAAA-AAAA", "new_password": NEW, "repeated": NEW}
    answer = client.submit("/activate", form)
    assert answer.status_code == 422
    assert "do not belong together" in answer.text
    assert not _sign_in(client, "K1000000", NEW)


def test_a_weak_or_mistyped_password_is_told_at_its_field(client: PortalClient, app: Flask) -> None:
    form = {"sign_in_name": "K1000000", "code": _student(), "new_password": "short", "repeated": "short"}
    assert "at least 12 characters" in client.submit("/activate", form).text
    form |= {"new_password": NEW, "repeated": NEW + "x"}
    assert "differ" in client.submit("/activate", form).text
    form |= {"repeated": NEW}
    assert client.submit("/activate", form).status_code == 302


def test_guessing_codes_is_slowed_down(client: PortalClient, app: Flask) -> None:
    code = _student()
    form = {"sign_in_name": "K1000000", "code": "AAAA-AAAA-AAAA-AAAA", "new_password": NEW, "repeated": NEW}
    assert [client.submit("/activate", form).status_code for _ in range(5)] == [422] * 4 + [429]
    assert client.submit("/activate", form | {"code": code}).status_code == 429


def test_changing_the_password_keeps_this_sign_in_and_ends_the_others(
    client: PortalClient, app: Flask, make_user: MakeUser
) -> None:
    make_user()
    other = PortalClient(app)
    assert _sign_in(client, "ann", PASSWORD)
    assert _sign_in(other, "ann", PASSWORD)
    form = {"current_password": PASSWORD, "new_password": NEW, "repeated": NEW}
    assert client.submit("/account/password", form).status_code == 302
    assert client.get("/account/password").status_code == 200
    assert other.get("/account/password").status_code == 302
    assert not _sign_in(PortalClient(app), "ann", PASSWORD)
    assert _sign_in(PortalClient(app), "ann", NEW)


def test_the_current_password_is_needed_to_change_it(client: PortalClient, make_user: MakeUser) -> None:
    make_user()
    _sign_in(client, "ann", PASSWORD)
    form = {"current_password": "wrong horse battery", "new_password": NEW, "repeated": NEW}
    answer = client.submit("/account/password", form)
    assert "not your current password" in answer.text
    form = {"current_password": PASSWORD, "new_password": "short", "repeated": "short"}
    assert "at least 12 characters" in client.submit("/account/password", form).text


def test_only_the_signed_in_change_a_password(client: PortalClient, app: Flask) -> None:
    assert client.get("/account/password").status_code == 302
