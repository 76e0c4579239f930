"""API tokens: whose they are, what they may, and when they are refused."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from portal.audit.models import AuditEntry
from portal.auth import accounts, tokens
from portal.auth.models import ApiToken, Role
from portal.config import CONFIG_KEY
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict, InvalidInput, NotFound
from portal.kernel.transaction import transaction
from portal.testing.clients import ApiClient
from portal.testing.people import make_token, make_user

ME = "/api/v1/me"
JOBS, AUDIT = "portal.jobs.view", "portal.audit.view"
Programs = Callable[..., ApiClient]


def refusal(client: ApiClient, token: str | None = None) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    answer = client.get(ME, headers=headers)
    assert answer.status_code != 401 or answer.headers["WWW-Authenticate"].startswith("Bearer realm=")
    return answer.status_code, answer.get_json().get("code", "")


def change(**values: object) -> None:
    with transaction() as session:
        session.execute(update(ApiToken).values(**values))


@pytest.mark.both_engines
def test_a_token_acts_for_its_owner_with_what_both_hold(app: Flask, api: Programs) -> None:
    owner = make_user("ada", JOBS, AUDIT)
    client = ApiClient(app)
    client.api_token = make_token(owner, JOBS, "portal.users.view")
    me = client.get(ME).get_json()
    assert (me["user_id"], me["name"], me["permissions"]) == (owner, "Ada (token test)", [JOBS])
    with transaction():
        db.session.execute(update(Role).where(Role.name == "role-of-ada").values(permissions=[AUDIT]))
    assert client.get(ME).get_json()["permissions"] == []
    assert client.get("/api/v1/jobs").status_code == 403


def test_an_administrators_token_holds_its_scopes_only(app: Flask) -> None:
    client = ApiClient(app)
    client.api_token = make_token(make_user("root", is_administrator=True), JOBS)
    assert client.get(ME).get_json()["permissions"] == [JOBS]


def test_a_token_that_was_flipped_or_cut_is_refused(
    api: Programs, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    often = app.config[CONFIG_KEY].model_copy(update={"api_requests_per_minute": 100_000})
    monkeypatch.setitem(app.config, CONFIG_KEY, often)
    client = api(JOBS)
    good = client.api_token
    for place in range(len(good)):
        letter = "A" if good[place] != "A" else "B"
        assert refusal(client, good[:place] + letter + good[place + 1 :]) == (401, "token-invalid"), place
    for bad in (good[:-1], good + "A", good[4:], "", "cpt_", "x" * 10_000, good.upper(), "ü€"):
        assert refusal(client, bad.encode().decode("latin-1")) == (401, "token-invalid"), bad
    assert refusal(client) == (200, "")


def test_expired_revoked_and_orphaned_tokens_are_refused(api: Programs) -> None:
    client = api(JOBS)
    change(expires_at=utc_now() - timedelta(seconds=1))
    assert refusal(client) == (401, "token-expired")
    change(expires_at=utc_now() + timedelta(days=1), revoked_at=utc_now())
    assert refusal(client) == (401, "token-revoked")
    change(revoked_at=None)
    with transaction():
        accounts.set_active(db.session.scalars(select(ApiToken)).one().user_id, False)
    assert refusal(client) == (401, "token-owner-off")
    with transaction():
        accounts.set_active(db.session.scalars(select(ApiToken)).one().user_id, True)
    assert refusal(client) == (200, "")


def test_a_token_opens_nothing_but_the_interface(api: Programs) -> None:
    client = api()
    for page in ("/panel/", "/panel/jobs/"):
        assert client.get(page).status_code == 302, page
    assert client.get("/api/docs/../../panel/").status_code == 404
    assert client.get("/api/openapi.json").status_code == 200


@pytest.mark.both_engines
def test_use_is_noted_at_most_once_a_minute(api: Programs) -> None:
    client = api(JOBS)

    def used() -> datetime | None:
        return db.session.scalars(select(ApiToken.last_used_at)).one()

    assert used() is None
    client.get(ME)
    first = used()
    assert first is not None
    client.get(ME)
    assert used() == first
    change(last_used_at=first - timedelta(minutes=2))
    client.get(ME)
    assert used() > first - timedelta(minutes=2)


def test_the_secret_is_kept_nowhere(app: Flask) -> None:
    with acting_as(SYSTEM), transaction():
        made = tokens.create_token(make_user_in_transaction("ada"), "nightly", [JOBS])
    secret = made.secret.rpartition("_")[2]
    row = db.session.scalars(select(ApiToken)).one()
    assert secret not in str(vars(row))
    (entry,) = db.session.scalars(select(AuditEntry).where(AuditEntry.target == "portal_api_token"))
    assert (entry.action, entry.changes["name"]) == ("create", "nightly")
    assert "secret_sha256" not in entry.changes
    with acting_as(SYSTEM), transaction():
        tokens.revoke_token(made.id)
        tokens.revoke_token(made.id)
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.target == "portal_api_token")).all()
    assert [item.action for item in entries].count("update") == 1


def make_user_in_transaction(name: str) -> int:
    return accounts.create_user(name, name).id


def test_a_bad_wish_is_refused_by_name(app: Flask) -> None:
    owner = make_user("ada")
    for name, scopes, end, code in (
        ("", [JOBS], None, "token-name-invalid"),
        ("x" * 101, [JOBS], None, "token-name-invalid"),
        ("x", [], None, "token-scopes-invalid"),
        ("x", ["nobody.declares.this"], None, "token-scopes-invalid"),
        ("x", [JOBS], utc_now() - timedelta(days=1), "token-expiry-invalid"),
        ("x", [JOBS], utc_now() + timedelta(days=800), "token-expiry-invalid"),
    ):
        with pytest.raises(InvalidInput) as refused, transaction():
            tokens.create_token(owner, name, scopes, end)
        assert refused.value.code == code
    with pytest.raises(NotFound), transaction():
        tokens.create_token(999_999, "x", [JOBS])
    with transaction():
        accounts.set_active(owner, False)
    with pytest.raises(Conflict), transaction():
        tokens.create_token(owner, "x", [JOBS])


def test_tokens_go_with_a_person_who_is_erased(app: Flask) -> None:
    from portal.auth.retiring import erase_users, retiring

    owner, client = make_user("ada", JOBS), ApiClient(app)
    client.api_token = make_token(owner, JOBS)
    assert refusal(client) == (200, "")
    with acting_as(SYSTEM), transaction():
        erase_users(retiring([accounts.get_user(owner)]), utc_now())
    assert db.session.scalars(select(ApiToken)).all() == []
    assert refusal(client) == (401, "token-invalid")
