"""Users and roles: made, changed, switched off; nobody hands out more than they hold."""

import re

from sqlalchemy import select

from portal.auth import activation
from portal.auth.models import Role, User
from portal.kernel.db import db
from portal.testing.clients import PortalClient
from tests.portal.signing_in import Visitors

USERS, ROLES = "/panel/users", "/panel/roles"
PEOPLE = ("portal.users.view", "portal.users.edit", "portal.roles.edit")


def user(name: str) -> User:
    found = db.session.scalar(
        select(User).where(User.sign_in_key == name).execution_options(populate_existing=True)
    )
    assert found is not None
    return found


def test_an_administrator_makes_a_user_who_then_activates(client: PortalClient, visitors: Visitors) -> None:
    admin = visitors.administrator()
    form = {
        "sign_in_name": "Paul",
        "display_name": "Paul Novák",
        "email": "PAUL@example.org",
        "roles": ["operator"],
    }
    assert admin.submit(f"{USERS}/new/", form).status_code == 302
    paul = user("paul")
    assert (paul.display_name, paul.email, [role.name for role in paul.roles]) == (
        "Paul Novák",
        "paul@example.org",
        ["operator"],
    )
    page = admin.submit(f"{USERS}/activation/", {"id": str(paul.id)}, page=f"{USERS}/details/?id={paul.id}")
    code = re.search(r"[A-Z2-7]{4}(-[A-Z2-7]{4}){3}", page.get_data(as_text=True))
    assert code is not None
    activation.activate("Paul", code.group(), "a long enough password")
    assert user("paul").password is not None


def test_a_taken_name_is_told_and_the_form_keeps_what_was_typed(visitors: Visitors) -> None:
    admin = visitors.administrator()
    answer = admin.submit(f"{USERS}/new/", {"sign_in_name": "ADMIN", "display_name": "Somebody"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "is taken" in page
    assert 'value="Somebody"' in page


def test_a_wrong_email_and_an_empty_name_are_refused(visitors: Visitors) -> None:
    admin = visitors.administrator()
    for form in (
        {"sign_in_name": "x", "display_name": "X", "email": "nowhere"},
        {"sign_in_name": "x", "display_name": " "},
    ):
        assert admin.submit(f"{USERS}/new/", form).status_code == 422
    assert db.session.scalar(select(User).where(User.sign_in_key == "x")) is None


def test_switching_off_ends_every_sign_in(visitors: Visitors) -> None:
    admin = visitors.administrator()
    other = visitors.with_permissions("portal.jobs.view", name="other")
    assert other.get("/panel/jobs/").status_code == 200
    page = f"{USERS}/details/?id={user('other').id}"
    assert (
        admin.submit(f"{USERS}/switch/", {"id": str(user("other").id), "active": "0"}, page=page).status_code
        == 302
    )
    assert other.get("/panel/jobs/").status_code == 302


def test_nobody_switches_themselves_or_the_last_administrator_off(visitors: Visitors) -> None:
    admin = visitors.administrator()
    number = user("admin").id
    answer = admin.submit(
        f"{USERS}/switch/", {"id": str(number), "active": "0"}, page=f"{USERS}/details/?id={number}"
    )
    assert answer.status_code == 409
    answer = admin.submit(f"{USERS}/edit/?id={number}", {"display_name": "Admin"})
    assert answer.status_code == 409
    assert user("admin").active


def test_nobody_gives_a_role_that_grants_more_than_they_hold(visitors: Visitors) -> None:
    visitors.administrator()
    clerk = visitors.with_permissions(*PEOPLE, name="clerk")
    number = user("clerk").id
    for role in ("administrator", "operator"):
        form = {"display_name": "Clerk", "roles": [role, "role1"]}
        assert clerk.submit(f"{USERS}/edit/?id={number}", form).status_code == 403, role
        new = {"sign_in_name": "mole", "display_name": "Mole", "roles": [role]}
        assert clerk.submit(f"{USERS}/new/", new).status_code == 403, role
    assert {role.name for role in user("clerk").roles} == {"role1"}


def test_nobody_takes_over_somebody_who_may_do_more(visitors: Visitors) -> None:
    visitors.administrator()
    clerk = visitors.with_permissions(*PEOPLE, name="clerk")
    number = user("admin").id
    token = clerk.token(f"{USERS}/new/")
    for path, form in (
        ("/activation/", {"id": str(number)}),
        ("/switch/", {"id": str(number), "active": "0"}),
        (f"/edit/?id={number}", {"display_name": "Mine now"}),
    ):
        assert clerk.post(f"{USERS}{path}", data={**form, "csrf_token": token}).status_code == 403, path
    assert user("admin").display_name == "admin"


def test_roles_are_ticked_permissions(visitors: Visitors) -> None:
    admin = visitors.administrator()
    form = {"name": "help-desk", "title": "Help desk", "permissions": ["portal.users.view", "no.such.thing"]}
    assert admin.submit(f"{ROLES}/new/", form).status_code == 302
    role = db.session.scalar(select(Role).where(Role.name == "help-desk"))
    assert role is not None
    assert (role.title, role.permissions) == ("Help desk", ["portal.users.view"])


def test_a_role_keeps_permissions_of_a_plugin_that_is_not_loaded(visitors: Visitors) -> None:
    admin = visitors.administrator()
    visitors.with_permissions("gone.things.see", "portal.jobs.view")
    role = db.session.scalar(select(Role).where(Role.name == "role1"))
    assert role is not None
    assert (
        admin.submit(f"{ROLES}/edit/?id={role.id}", {"title": "Renamed", "permissions": []}).status_code
        == 302
    )
    db.session.refresh(role)
    assert (role.title, role.permissions) == ("Renamed", ["gone.things.see"])


def test_nobody_adds_a_permission_that_they_do_not_hold(visitors: Visitors) -> None:
    visitors.administrator()
    clerk = visitors.with_permissions(*PEOPLE, name="clerk")
    role = db.session.scalar(select(Role).where(Role.name == "role1"))
    assert role is not None
    form = {"title": "Mine", "permissions": [*PEOPLE, "portal.audit.view"]}
    assert clerk.submit(f"{ROLES}/edit/?id={role.id}", form).status_code == 403
    db.session.refresh(role)
    assert "portal.audit.view" not in role.permissions


def test_the_administrator_role_and_roles_in_use_stay(visitors: Visitors) -> None:
    admin = visitors.administrator()
    visitors.with_permissions("portal.jobs.view")
    for name in ("administrator", "role1"):
        role = db.session.scalar(select(Role).where(Role.name == name))
        assert role is not None
        admin.submit(f"{ROLES}/delete/", {"id": str(role.id)}, page=f"{ROLES}/")
        assert db.session.scalar(select(Role).where(Role.name == name)) is not None
