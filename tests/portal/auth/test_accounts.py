"""Users and roles: names are unique however they are written, bulk takes few statements, an administrator stays."""

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.audit.models import AuditEntry
from portal.auth import accounts
from portal.auth.actors import actor_for_user
from portal.auth.identities import NewIdentity, link_identities_many, users_by_identity
from portal.auth.models import Role, User
from portal.auth.passwords import hashed, is_password
from portal.auth.roles import ADMINISTRATOR, give_role_many
from portal.hooks.declarations import Role as DeclaredRole
from portal.kernel.actor import ANONYMOUS
from portal.kernel.db import db
from portal.kernel.errors import Conflict, InvalidInput, NotFound
from portal.kernel.transaction import transaction

pytestmark = pytest.mark.both_engines
PASSWORD = "correct horse battery"


def _user(name: str = "ann", **options: object) -> int:
    with transaction():
        return accounts.create_user(name, name.title(), **options).id  # type: ignore[arg-type]


def _role(name: str, *permissions: str) -> None:
    with transaction():
        accounts.ensure_roles([DeclaredRole(name=name, title=name, permissions=frozenset(permissions))])


def test_a_user_is_made_with_a_normal_email_and_no_password(app: Flask) -> None:
    user = db.session.get(User, _user("Ann", email=" Ann@Example.ORG "))
    assert user is not None
    assert (user.sign_in_name, user.email, user.password, user.active) == (
        "Ann",
        "ann@example.org",
        None,
        True,
    )


def test_a_password_is_kept_as_argon2_only(app: Flask) -> None:
    user = db.session.get(User, _user(password=PASSWORD))
    assert user is not None
    assert str(user.password).startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert is_password(PASSWORD, user.password)
    assert not is_password("wrong horse battery", user.password)


@pytest.mark.parametrize("other", ["ann", "ANN", " Ann ", "\uff21nn"])
def test_a_sign_in_name_is_taken_however_it_is_written(app: Flask, other: str) -> None:
    _user("Ann")
    with pytest.raises(Conflict) as caught:
        _user(other)
    assert caught.value.code == "sign-in-name-taken"


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "\ufdfa" * 40])
def test_an_impossible_sign_in_name_is_refused(app: Flask, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        _user(name)
    assert caught.value.code == "sign-in-name-invalid"


def test_a_weak_password_is_refused(app: Flask) -> None:
    with pytest.raises(InvalidInput) as caught:
        hashed("short")
    assert caught.value.code == "password-weak"


def test_many_users_come_back_in_order(app: Flask) -> None:
    rows = [
        accounts.NewUser(sign_in_name=f"K{number}", display_name=f"Student {number}")
        for number in range(200, 0, -1)
    ]
    with transaction():
        ids = accounts.create_many(rows)
    names = [db.session.get_one(User, user_id).sign_in_name for user_id in ids]
    assert names == [row.sign_in_name for row in rows]


def test_many_users_take_constant_statements(app: Flask, statements: list[str]) -> None:
    counts = []
    for start, number in ((0, 2), (1000, 200)):
        rows = [
            accounts.NewUser(sign_in_name=f"K{start + index}", display_name="x", email="family@example.org")
            for index in range(number)
        ]
        statements.clear()
        with transaction():
            accounts.create_many(rows)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 4


def test_each_of_many_users_is_audited(app: Flask) -> None:
    with transaction():
        ids = accounts.create_many([accounts.NewUser(sign_in_name=name, display_name=name) for name in "abc"])
    entries = db.session.scalars(select(AuditEntry.record_id).where(AuditEntry.target == "portal_user")).all()
    assert sorted(entries) == sorted(str(user_id) for user_id in ids)


@pytest.mark.parametrize("names", [["Ann"], ["new", "NEW"]])
def test_a_name_taken_in_a_chunk_is_named_and_nothing_is_made(app: Flask, names: list[str]) -> None:
    _user("ann")
    rows = [accounts.NewUser(sign_in_name=name, display_name=name) for name in names]
    with pytest.raises(Conflict) as caught, transaction():
        accounts.create_many(rows)
    assert caught.value.facts["sign_in_names"] == sorted(names)
    assert db.session.scalar(select(func.count()).select_from(User)) == 1


def test_an_email_signs_in_only_when_one_user_has_it(app: Flask) -> None:
    ann = _user("ann", email="family@example.org")
    found = accounts.find_user_for_sign_in("Family@example.org")
    assert found is not None
    assert found.id == ann
    _user("ben", email="family@example.org")
    assert accounts.find_user_for_sign_in("family@example.org") is None


def test_suggested_roles_are_made_once_and_left_to_the_institution(app: Flask) -> None:
    _role("clerk", "portal.jobs.view")
    role = db.session.scalar(select(Role).where(Role.name == "clerk"))
    assert role is not None
    with transaction():
        db.session.get_one(Role, role.id).permissions = ["portal.audit.view"]
    _role("clerk", "portal.jobs.view")
    assert db.session.get_one(Role, role.id).permissions == ["portal.audit.view"]


def test_an_actor_holds_what_its_roles_grant(app: Flask) -> None:
    _role("clerk", "portal.jobs.view", "portal.audit.view")
    _role("editor", "portal.users.view", "portal.jobs.view")
    actor = actor_for_user(_user(roles=["clerk", "editor"]))
    assert actor.grants == {"portal.jobs.view", "portal.audit.view", "portal.users.view"}
    assert not actor.is_administrator


def test_a_switched_off_user_has_no_grants(app: Flask) -> None:
    _role("clerk", "portal.jobs.view")
    user_id = _user(roles=["clerk"])
    with transaction():
        accounts.set_active(user_id, False)
    assert actor_for_user(user_id).grants == frozenset()


def test_an_actor_is_found_in_two_statements(app: Flask, statements: list[str]) -> None:
    _role("clerk", "portal.jobs.view")
    user_id = _user(roles=["clerk"])
    statements.clear()
    actor_for_user(user_id)
    assert len(statements) == 2


def test_nobody_is_anonymous(app: Flask) -> None:
    assert actor_for_user(None) == actor_for_user(4711) == ANONYMOUS


def test_roles_are_replaced_and_audited(app: Flask) -> None:
    _role("clerk")
    _role("editor")
    user_id = _user(roles=["clerk"])
    with transaction():
        accounts.assign_roles(user_id, ["editor"])
    entry = db.session.scalar(
        select(AuditEntry).where(AuditEntry.action == "assign-roles").order_by(AuditEntry.id.desc()).limit(1)
    )
    assert entry is not None
    assert entry.changes == {"roles": [["clerk"], ["editor"]]}


def test_an_unknown_role_is_refused(app: Flask) -> None:
    with pytest.raises(InvalidInput) as caught:
        _user(roles=["king"])
    assert caught.value.facts["roles"] == ["king"]


def test_the_last_administrator_stays(app: Flask) -> None:
    with transaction():
        first = accounts.create_administrator("root", PASSWORD).id
    with pytest.raises(Conflict) as caught, transaction():
        accounts.set_active(first, False)
    assert caught.value.code == "last-administrator"
    with pytest.raises(Conflict) as caught, transaction():
        accounts.assign_roles(first, [])
    assert caught.value.code == "last-administrator"
    with transaction():
        accounts.create_administrator("root2", PASSWORD)
    with transaction():
        accounts.set_active(first, False)
    assert not actor_for_user(first).is_administrator


def test_an_administrator_may_everything(app: Flask) -> None:
    with transaction():
        user_id = accounts.create_administrator("root", PASSWORD).id
    assert actor_for_user(user_id).is_administrator
    assert db.session.scalar(select(Role.is_administrator).where(Role.name == ADMINISTRATOR))


def test_a_role_is_given_to_many(app: Flask) -> None:
    _role("student", "portal.jobs.view")
    with transaction():
        ids = accounts.create_many(
            [accounts.NewUser(sign_in_name=name, display_name=name) for name in "abc"], roles=["student"]
        )
    assert all(actor_for_user(user_id).grants == {"portal.jobs.view"} for user_id in ids)
    with transaction():
        give_role_many([], "student")


def test_identities_belong_to_one_user_each(app: Flask) -> None:
    ann, ben = _user("ann"), _user("ben")
    with transaction():
        link_identities_many(
            [
                NewIdentity(provider="student-number", external_id="K1", user_id=ann),
                NewIdentity(provider="library", external_id="K1", user_id=ben),
            ]
        )
    assert users_by_identity("student-number", ["K1", "K2"]) == {"K1": ann}
    with pytest.raises(Conflict) as caught, transaction():
        link_identities_many([NewIdentity(provider="library", external_id="K1", user_id=ann)])
    assert caught.value.code == "identity-taken"


def test_changing_nobody_says_so(app: Flask) -> None:
    with pytest.raises(NotFound), transaction():
        accounts.set_active(4711, False)
