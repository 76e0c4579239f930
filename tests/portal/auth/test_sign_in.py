"""Signing in and out through the pages, as a browser does."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from portal.audit.models import AuditEntry
from portal.auth import accounts
from portal.auth.models import User, UserSession
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.testing.clients import PortalClient
from tests.portal.auth.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("cheap_hashes")
MakeUser = Callable[..., int]
PAGE = "/account/password"


def _sign_in(client: PortalClient, name: str = "ann", password: str = PASSWORD, path: str = "/login") -> int:
    return client.submit(path, {"sign_in_name": name, "password": password}).status_code


def _is_signed_in(client: PortalClient) -> bool:
    return client.get(PAGE).status_code == 200


def _sessions() -> int:
    return db.session.scalar(select(func.count()).select_from(UserSession)) or 0


@pytest.mark.both_engines
def test_the_right_password_signs_in_and_sign_out_ends_it(client: PortalClient, make_user: MakeUser) -> None:
    make_user()
    assert _sign_in(client) == 302
    assert _is_signed_in(client)
    assert client.submit("/logout", page=PAGE).status_code == 302
    assert not _is_signed_in(client)
    assert _sessions() == 0


def test_the_wrong_password_does_not(client: PortalClient, make_user: MakeUser) -> None:
    make_user()
    answer = client.submit("/login", {"sign_in_name": "ann", "password": "wrong horse battery"})
    assert "do not belong together" in answer.text
    assert not _is_signed_in(client)


def test_a_name_with_a_nul_character_is_refused_without_asking_the_database(client: PortalClient) -> None:
    answer = client.submit("/login", {"sign_in_name": "\x00", "password": PASSWORD})
    assert answer.status_code == 422


@pytest.mark.parametrize("name", ["nobody", "x" * 254, "nobody@example.org"])
def test_an_unknown_name_gets_the_same_answer(client: PortalClient, app: Flask, name: str) -> None:
    assert (
        "do not belong together" in client.submit("/login", {"sign_in_name": name, "password": PASSWORD}).text
    )


def test_a_user_without_a_password_cannot_sign_in(client: PortalClient, make_user: MakeUser) -> None:
    make_user(password=None)
    assert (
        "do not belong together"
        in client.submit("/login", {"sign_in_name": "ann", "password": PASSWORD}).text
    )


@pytest.mark.parametrize("name", ["Ann", " ANN ", "ann@example.org", "ANN@example.org"])
def test_the_name_may_be_written_as_people_write(
    client: PortalClient, make_user: MakeUser, name: str
) -> None:
    make_user(email="ann@example.org")
    assert _sign_in(client, name) == 302


def test_a_switched_off_user_is_told_so_only_with_the_password(
    client: PortalClient, make_user: MakeUser
) -> None:
    user_id = make_user()
    with transaction():
        accounts.set_active(user_id, False)
    answer = client.submit("/login", {"sign_in_name": "ann", "password": PASSWORD})
    assert "switched off" in answer.text
    answer = client.submit("/login", {"sign_in_name": "ann", "password": "wrong horse battery"})
    assert "switched off" not in answer.text
    assert not _is_signed_in(client)


def test_switching_off_ends_a_running_session_at_once(client: PortalClient, make_user: MakeUser) -> None:
    user_id = make_user()
    _sign_in(client)
    with transaction():
        accounts.set_active(user_id, False)
    assert not _is_signed_in(client)
    with transaction():
        accounts.set_active(user_id, True)
    assert not _is_signed_in(client)


def test_signing_in_needs_the_form_token(client: PortalClient, make_user: MakeUser) -> None:
    make_user()
    assert client.post("/login", data={"sign_in_name": "ann", "password": PASSWORD}).status_code == 400
    assert not _is_signed_in(client)


def test_sign_out_needs_a_post_with_the_form_token(client: PortalClient, make_user: MakeUser) -> None:
    make_user()
    _sign_in(client)
    assert client.get("/logout").status_code == 405
    assert client.post("/logout").status_code == 400
    assert _is_signed_in(client)


def test_a_copied_cookie_dies_with_the_sign_out(
    client: PortalClient, app: Flask, make_user: MakeUser
) -> None:
    make_user()
    _sign_in(client)
    thief = PortalClient(app)
    cookie = client.get_cookie("portal")
    assert cookie is not None
    thief.set_cookie("portal", cookie.value)
    assert _is_signed_in(thief)
    client.submit("/logout", page=PAGE)
    assert not _is_signed_in(thief)


def test_a_cookie_from_before_the_sign_in_is_worth_nothing(
    client: PortalClient, app: Flask, make_user: MakeUser
) -> None:
    make_user()
    client.get("/login")
    planted = client.get_cookie("portal")
    assert planted is not None
    _sign_in(client)
    thief = PortalClient(app)
    thief.set_cookie("portal", planted.value)
    assert not _is_signed_in(thief)


def test_each_sign_in_has_a_session_of_its_own(client: PortalClient, app: Flask, make_user: MakeUser) -> None:
    make_user()
    other = PortalClient(app)
    _sign_in(client)
    _sign_in(other)
    assert _sessions() == 2
    client.submit("/logout", page=PAGE)
    assert _is_signed_in(other)


def test_a_session_ends_with_its_time(client: PortalClient, make_user: MakeUser) -> None:
    make_user()
    _sign_in(client)
    with transaction() as session:
        session.execute(update(UserSession).values(expires_at=utc_now() - timedelta(seconds=1)))
    assert not _is_signed_in(client)
    _sign_in(client)
    assert _sessions() == 1


def test_after_sign_in_people_go_where_they_wanted(client: PortalClient, make_user: MakeUser) -> None:
    make_user()
    asked = client.get(PAGE)
    assert asked.status_code == 302
    assert "/login" in asked.location
    answer = client.submit(asked.location, {"sign_in_name": "ann", "password": PASSWORD, "next": PAGE})
    assert answer.location.endswith(PAGE)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_nobody_is_sent_to_another_site(client: PortalClient, make_user: MakeUser, target: str) -> None:
    make_user()
    answer = client.submit("/login", {"sign_in_name": "ann", "password": PASSWORD, "next": target})
    assert answer.status_code == 302
    assert re.match(r"/(?![/\\])", answer.location)


def test_sign_in_is_audited_as_the_user(client: PortalClient, make_user: MakeUser) -> None:
    user_id = make_user()
    _sign_in(client)
    entry = db.session.scalar(select(AuditEntry).where(AuditEntry.action == "sign-in"))
    assert entry is not None
    assert (entry.actor_user_id, entry.record_id) == (user_id, str(user_id))


def test_signing_in_waits_for_a_writer_instead_of_failing(
    client: PortalClient, app: Flask, make_user: MakeUser
) -> None:
    make_user()
    writing, done = threading.Event(), threading.Event()

    def write() -> None:
        with app.app_context(), transaction() as session:
            session.execute(update(User).values(display_name="Anna"))
            writing.set()
            done.wait(2)

    token = client.token("/login")
    writer = threading.Thread(target=write)
    writer.start()
    writing.wait(5)
    threading.Timer(1.0, done.set).start()
    form = {"sign_in_name": "ann", "password": PASSWORD, "csrf_token": token}
    assert client.post("/login", data=form).status_code == 302
    writer.join()
    assert _is_signed_in(client)


@pytest.mark.both_engines
def test_the_last_visit_is_noted_once_a_minute(client: PortalClient, make_user: MakeUser) -> None:
    user_id = make_user()
    _sign_in(client)
    client.get(PAGE)
    assert db.session.get_one(User, user_id).last_seen_at is None
    with transaction() as session:
        session.execute(update(UserSession).values(last_seen_at=utc_now() - timedelta(minutes=2)))
    client.get(PAGE)
    seen = db.session.get_one(User, user_id).last_seen_at
    assert seen is not None
    client.get(PAGE)
    assert db.session.get_one(User, user_id).last_seen_at == seen


@pytest.mark.both_engines
def test_a_busy_database_does_not_hold_a_page_up_for_the_last_visit(
    client: PortalClient, app: Flask, make_user: MakeUser
) -> None:
    make_user()
    _sign_in(client)
    with transaction() as session:
        session.execute(update(UserSession).values(last_seen_at=utc_now() - timedelta(minutes=2)))
    writing, done = threading.Event(), threading.Event()

    def write() -> None:
        with app.app_context(), transaction() as session:
            session.execute(update(User).values(display_name="Anna"))
            writing.set()
            done.wait(10)

    writer = threading.Thread(target=write)
    writer.start()
    writing.wait(5)
    started = utc_now()
    assert _is_signed_in(client)
    assert utc_now() - started < timedelta(seconds=2)
    done.set()
    writer.join()


def test_a_signed_in_page_asks_for_its_user_in_two_statements(
    client: PortalClient, make_user: MakeUser, statements: list[str]
) -> None:
    make_user()
    _sign_in(client)
    statements.clear()
    client.get(PAGE)
    assert sum("portal_user" in statement for statement in statements) == 2


def test_a_static_file_asks_for_nobody(
    client: PortalClient, make_user: MakeUser, statements: list[str]
) -> None:
    make_user()
    _sign_in(client)
    statements.clear()
    assert client.get("/static/portal/portal.css").status_code == 200
    assert statements == []


def test_what_the_library_brings_and_we_do_not_use_is_closed(
    client: PortalClient, make_user: MakeUser
) -> None:
    make_user()
    _sign_in(client)
    assert client.get("/verify").status_code == 403
    assert client.get("/register").status_code == client.get("/reset").status_code == 404
