"""The users pages: keys of other systems with reasons, the way to erasing a person, and what is left afterwards."""

import json
import re
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select

from portal.audit.models import AuditEntry
from portal.auth import accounts
from portal.auth.attaching import _note, pending_of
from portal.auth.identities import NewIdentity, identities_by_user, link_identities_many
from portal.auth.models import User
from portal.auth.retiring import retirement_token
from portal.cli import portal as command_line
from portal.jobs.api import start
from portal.jobs.engine import run_inline
from portal.jobs.models import Job
from portal.jobs.queries import list_rows
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.db import db
from portal.kernel.errors import Conflict
from portal.kernel.transaction import transaction
from portal.testing.clients import PortalClient
from tests.portal.signing_in import Visitors

USERS = "/panel/users"
PEOPLE = (
    "portal.users.view",
    "portal.users.edit",
    "portal.users.link",
    "portal.users.retire",
    "portal.jobs.view",
)


@pytest.fixture
def ann(app: Flask) -> int:
    with acting_as(SYSTEM), transaction():
        return accounts.create_user("ann", "Ann Lee", "ann@example.org").id


@pytest.fixture
def clerk(app: Flask) -> PortalClient:
    return Visitors(app).with_permissions(*PEOPLE, "portal.users.export_data", name="clerk")


def page_of(client: PortalClient, user_id: int) -> str:
    return client.get(f"{USERS}/details/?id={user_id}").get_data(as_text=True)


def send(client: PortalClient, path: str, user_id: int, **form: str) -> int:
    page = f"{USERS}/details/?id={user_id}"
    return client.submit(
        f"{USERS}{path}", {"id": str(user_id), "form_token": uuid.uuid4().hex, **form}, page=page
    ).status_code


def tie(client: PortalClient, user_id: int, key: str, provider: str = "library") -> int:
    return send(client, "/identities/add", user_id, provider=provider, external_id=key, reason="card made")


def keys(user_id: int) -> list[str]:
    db.session.rollback()
    return [item.external_id for item in identities_by_user([user_id]).get(user_id, [])]


def test_keys_are_tied_and_untied_with_a_reason(clerk: PortalClient, ann: int) -> None:
    assert tie(clerk, ann, " A0017 ") == 302
    assert keys(ann) == ["A0017"]
    found = re.search(r'name="identity" value="([^"]+)"', page_of(clerk, ann))
    assert found
    send(clerk, "/identities/remove", ann, identity=found.group(1), reason="card lost")
    assert keys(ann) == []
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "unlink-identity")).one()
    assert (entry.actor_name, entry.changes and entry.changes["reason"]) == ("Clerk", "card lost")


def test_a_key_of_somebody_else_is_refused_in_words(clerk: PortalClient, ann: int) -> None:
    with acting_as(SYSTEM), transaction():
        ben = accounts.create_user("ben", "Ben").id
        link_identities_many([NewIdentity(provider="library", external_id="A1", user_id=ben)])
    tie(clerk, ann, "A1")
    assert "belong to a user already: A1" in page_of(clerk, ann)
    tie(clerk, ann, "x" * 300)
    assert "1 to 200 visible characters" in page_of(clerk, ann)
    assert keys(ann) == []


@pytest.mark.both_engines
def test_users_are_found_by_their_key_in_another_system(clerk: PortalClient, ann: int) -> None:
    with acting_as(SYSTEM), transaction():
        accounts.create_user("ben", "Ben Other")
        link_identities_many([NewIdentity(provider="library", external_id="A0017", user_id=ann)])
    found = clerk.get(f"{USERS}/?search=A0017").get_data(as_text=True)
    assert "Ann Lee" in found
    assert "Ben Other" not in found
    assert "Ben Other" in clerk.get(f"{USERS}/?search=ben").get_data(as_text=True)


@pytest.mark.both_engines
def test_what_a_sign_in_could_not_tie_is_shown_tried_again_or_discarded(
    clerk: PortalClient, ann: int
) -> None:
    with acting_as(SYSTEM), transaction():
        for key in ("first", "second"):
            _note(
                NewIdentity(provider="saml", external_id=key, user_id=ann), "linked-to-other: It belongs to …"
            )
    page = page_of(clerk, ann)
    assert "linked-to-other" in page
    found = re.search(r'name="pending" value="([^"]+)"', page)
    assert found
    send(clerk, "/identities/discard", ann, pending=found.group(1))
    assert [item.external_id for item in pending_of(ann)] == ["second"]

    send(clerk, "/identities/try-again", ann)
    run_inline(db.session.scalars(select(Job.id)).one())
    assert keys(ann) == ["second"]
    assert pending_of(ann) == []


@pytest.mark.parametrize("path", ["/identities/add", "/identities/remove", "/retire/", "/personal-data/"])
def test_each_needs_its_permission(app: Flask, ann: int, path: str) -> None:
    reader = Visitors(app).with_permissions("portal.users.view", "portal.users.edit", name="reader")
    token = reader.token(f"{USERS}/")
    form = {"id": str(ann), "csrf_token": token, "provider": "library", "external_id": "1", "reason": "why"}
    assert reader.post(f"{USERS}{path}", data=form).status_code == 403
    page = page_of(reader, ann)
    assert "Retire" not in page
    assert "Export" not in page


@pytest.mark.both_engines
def test_a_person_is_erased_after_a_preview_and_stays_erased(clerk: PortalClient, ann: int) -> None:
    tie(clerk, ann, "A0017")
    answer = clerk.submit(
        f"{USERS}/retire/",
        {"id": str(ann), "form_token": uuid.uuid4().hex},
        page=f"{USERS}/details/?id={ann}",
    )
    preview = clerk.get(answer.headers["Location"]).get_data(as_text=True)
    assert "erases people for good" in preview
    assert "ann@example.org" in preview
    assert db.session.get_one(User, ann).retired_at is None
    job_id = db.session.scalars(select(Job.id)).one()
    clerk.submit(f"/panel/jobs/{job_id}/start", {}, page=answer.headers["Location"])
    run_inline(job_id)

    user = db.session.get_one(User, ann, populate_existing=True)
    token = retirement_token(ann)
    assert (user.sign_in_name, user.display_name, user.email, user.password) == (token, token, None, None)
    assert user.retired_at is not None
    (row,) = list_rows(job_id)
    assert (row.state, row.label, row.before, row.cells) == ("done", token, None, None)
    page = page_of(clerk, ann)
    assert "This person was erased" in page
    assert "Switch on" not in page
    for path in ("/identities/add", "/switch/", "/retire/"):
        form = {"provider": "library", "external_id": "1", "active": "1"}
        assert (
            clerk.submit(f"{USERS}{path}", {"id": str(ann), **form}, page=f"{USERS}/").status_code == 409
        ), path
    assert clerk.get(f"{USERS}/edit/?id={ann}").status_code == 409
    with pytest.raises(Conflict), transaction():
        accounts.set_active(ann, True)
    assert keys(ann) == []


def test_nobody_erases_administrators_themselves_or_people_above_them(
    app: Flask, clerk: PortalClient, ann: int
) -> None:
    visitors = Visitors(app)
    visitors.administrator("root")
    with acting_as(SYSTEM), transaction() as session:
        session.execute(db.text("UPDATE portal_role SET name = 'used' WHERE name = 'role1'"))
    visitors.with_permissions("portal.audit.view", name="auditor")
    ids = dict(db.session.execute(select(User.sign_in_name, User.id)).all())
    form = {
        "action": "retire",
        "form_token": uuid.uuid4().hex,
        "rowid": [str(number) for number in ids.values()],
    }
    answer = clerk.submit(f"{USERS}/action/", form, page=f"{USERS}/")
    assert answer.status_code == 302
    job_id = db.session.scalars(select(Job.id)).one()
    codes = {row.label.removeprefix("number "): row.code for row in list_rows(job_id)}
    assert codes == {
        str(ids["root"]): "user-is-administrator",
        str(ids["clerk"]): "own-account",
        str(ids["auditor"]): "user-above-you",
        str(ann): "",
    }
    with transaction():
        start(job_id, SYSTEM)
    run_inline(job_id)
    assert [
        user.sign_in_name for user in db.session.scalars(select(User).where(User.retired_at.is_not(None)))
    ] == [retirement_token(ann)]


@pytest.mark.both_engines
def test_everything_kept_is_handed_out_as_a_file_and_that_is_recorded(clerk: PortalClient, ann: int) -> None:
    tie(clerk, ann, "A0017")
    answer = clerk.submit(f"{USERS}/personal-data/", {"id": str(ann)}, page=f"{USERS}/details/?id={ann}")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    facts = json.loads(answer.get_data(as_text=True))["parts"]["Campus Portal"]
    assert facts["account"]["e-mail"] == "ann@example.org"
    assert facts["identities"][0]["key"] == "A0017"
    assert db.session.scalars(
        select(AuditEntry.record_id).where(AuditEntry.action == "export-data")
    ).all() == [str(ann)]


def run_command(app: Flask, *words: str) -> Result:
    return CliRunner().invoke(command_line, ["users", *words], obj=app)


def test_the_commands_erase_and_export(app: Flask, ann: int, tmp_path: Path) -> None:
    out = tmp_path / "ann.json"
    with acting_as(SYSTEM):
        assert run_command(app, "export-data", "ann", "--out", str(out)).exit_code == 0
        assert "ann@example.org" in out.read_text(encoding="utf-8")
        assert oct(out.stat().st_mode)[-3:] == "600"
        assert run_command(app, "export-data", "ann", "--out", str(out)).exit_code != 0
        assert "No user signs in as" in run_command(app, "export-data", "nobody", "--out", f"{out}2").output
        answer = run_command(app, "retire", "ann", "nobody", "--yes", "--inline")
    assert "user-unknown" in answer.output
    db.session.rollback()
    assert db.session.get_one(User, ann, populate_existing=True).display_name == retirement_token(ann)
