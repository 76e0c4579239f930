"""The page and the commands of API tokens."""

import re

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import select

from portal.auth import accounts
from portal.auth.models import ApiToken, User
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.panel.commands import users as users_commands
from portal.panel.token_commands import tokens as token_commands
from portal.testing.clients import ApiClient, PortalClient
from tests.portal.signing_in import Visitors

USE, MANAGE, JOBS = "portal.tokens.use", "portal.tokens.manage", "portal.jobs.view"
PAGE = "/panel/tokens/"


def made(client: PortalClient, **data: object) -> str:
    wanted = {"name": "nightly import", "days": "30", "scopes": [JOBS], **data}
    answer = client.submit(f"{PAGE}new/", wanted)
    page = answer.get_data(as_text=True)
    found = re.search(r"cpt_[0-9a-f]{10}_[\w-]{43}", page)
    return found.group() if found else f"{answer.status_code} {page}"


def test_a_token_is_made_shown_once_used_and_revoked(visitors: Visitors, app: Flask) -> None:
    officer = visitors.with_permissions(USE, JOBS, name="ada")
    program = ApiClient(app)
    program.api_token = made(officer)
    assert program.get("/api/v1/me").get_json()["permissions"] == [JOBS]
    page = officer.get(PAGE).get_data(as_text=True)
    assert "nightly import" in page
    assert program.api_token not in page
    token_id = db.session.scalars(select(ApiToken.id)).one()
    assert officer.submit(f"{PAGE}revoke/", {"id": str(token_id)}, page=PAGE).status_code == 302
    assert program.get("/api/v1/me").get_json()["code"] == "token-revoked"
    assert "is revoked" in officer.get(PAGE).get_data(as_text=True)
    assert "nightly import" not in officer.get(PAGE).get_data(as_text=True)
    assert "nightly import" in officer.get(f"{PAGE}?ended=1").get_data(as_text=True)
    assert officer.submit(f"{PAGE}revoke/", {"id": "nonsense"}, page=PAGE).status_code == 404


def test_nobody_gives_a_token_what_they_do_not_hold(visitors: Visitors) -> None:
    officer = visitors.with_permissions(USE, JOBS)
    assert made(officer, scopes=[JOBS, "portal.users.edit"]).startswith("403")
    assert "portal.users.edit" not in officer.get(f"{PAGE}new/").get_data(as_text=True)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({"name": " "}, "what the token is for"),
        ({"scopes": []}, "at least one permission"),
        ({"days": "31"}, "how long"),
        ({"days": "x"}, "how long"),
    ],
)
def test_a_bad_form_comes_back_with_the_reason(
    visitors: Visitors, data: dict[str, object], word: str
) -> None:
    answer = made(visitors.with_permissions(USE, JOBS), **data)
    assert answer.startswith("422")
    assert word in answer


def test_everybody_sees_their_own_tokens_only(visitors: Visitors) -> None:
    ada = visitors.with_permissions(USE, JOBS, name="ada")
    made(ada, name="the token of ada")
    token_id = db.session.scalars(select(ApiToken.id)).one()
    bob = visitors.with_permissions(USE, JOBS, name="bob")
    assert "the token of ada" not in bob.get(PAGE).get_data(as_text=True)
    assert bob.submit(f"{PAGE}revoke/", {"id": str(token_id)}, page=PAGE).status_code == 404
    manager = visitors.with_permissions(USE, MANAGE, name="eve")
    assert "the token of ada" in manager.get(PAGE).get_data(as_text=True)
    assert "the token of ada" in manager.get(f"{PAGE}?owner=ADA").get_data(as_text=True)
    assert "the token of ada" not in manager.get(f"{PAGE}?owner=bob").get_data(as_text=True)
    assert "the token of ada" not in bob.get(f"{PAGE}?owner=ada").get_data(as_text=True)
    assert manager.submit(f"{PAGE}revoke/", {"id": str(token_id)}, page=PAGE).status_code == 302


def test_a_manager_makes_tokens_for_service_accounts_that_may_no_more(visitors: Visitors) -> None:
    with acting_as(SYSTEM), transaction():
        robot = accounts.create_service("robot", "Robot").id
        boss = accounts.create_service("boss", "Boss", ["operator"]).id
        person = accounts.create_user("person", "Person").id
    manager = visitors.with_permissions(USE, MANAGE, JOBS)
    assert made(manager, owner=str(robot)).startswith("cpt_")
    assert made(manager, owner=str(boss)).startswith("403")
    assert made(manager, owner=str(person)).startswith("422")
    assert made(visitors.with_permissions(USE, JOBS), owner=str(robot)).startswith("403")


def test_the_page_is_closed_without_the_permission(visitors: Visitors) -> None:
    assert visitors.with_permissions(JOBS).get(PAGE).status_code == 403


def test_commands_make_a_service_account_and_its_token(app: Flask) -> None:
    runner = CliRunner()
    with acting_as(SYSTEM):
        answer = runner.invoke(
            users_commands, ["create-service", "robot", "--title", "Robot", "--role", "operator"]
        )
        assert answer.exit_code == 0, answer.output
        secret = runner.invoke(token_commands, ["create", "robot", "--name", "x", "--scope", JOBS])
        assert secret.exit_code == 0, secret.output
        program = ApiClient(app)
        program.api_token = secret.output.strip()
        assert program.get("/api/v1/me").get_json()["permissions"] == [JOBS]
        listed = runner.invoke(token_commands, ["list", "--user", "robot"]).output
        assert "active" in listed
        assert runner.invoke(token_commands, ["revoke", listed.split()[0]]).exit_code == 0
        assert "revoked" in runner.invoke(token_commands, ["list"]).output
    assert program.get("/api/v1/me").status_code == 401
    assert db.session.scalars(select(User).where(User.sign_in_key == "robot")).one().is_service
