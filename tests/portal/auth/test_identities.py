"""Identities: linked for good or not at all, told to the plugins, and never the end of a sign-in."""

from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
from flask import Flask
from sqlalchemy import select

from portal.audit.models import AuditEntry
from portal.auth.attaching import attach_at_sign_in, pending_of
from portal.auth.identities import (
    NewIdentity,
    checked_identity,
    known_providers,
    link_identities_many,
    owners_of,
    unlink_identities_many,
)
from portal.auth.models import ExternalIdentity, PendingIdentity, User
from portal.hooks.events import IdentitiesLinked
from portal.hooks.manager import PLUGINS_KEY
from portal.jobs.api import draft, submit
from portal.jobs.engine import run_inline
from portal.jobs.queries import get_job, list_rows
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.db import db
from portal.kernel.errors import Conflict, InvalidInput, PluginReactionFailed
from portal.kernel.transaction import transaction
from tests.portal.hooks.plugins import plugin

pytestmark = pytest.mark.both_engines


class Listener:
    """A plugin that writes down what it is told, and refuses when asked to."""

    def __init__(self) -> None:
        self.told: list[tuple[int, str, str]] = []
        self.refuses = False

    def module(self) -> ModuleType:
        def portal_identities_linked(event: IdentitiesLinked) -> None:
            if self.refuses:
                raise ZeroDivisionError("not today")
            self.told += [(item.user_id, item.provider, item.external_id) for item in event.identities]

        return plugin("listener", portal_identities_linked=portal_identities_linked)


LISTENER = Listener()


@pytest.fixture(autouse=True)
def _listening(app: Flask) -> Iterator[None]:
    LISTENER.told, LISTENER.refuses = [], False
    plugins = app.extensions[PLUGINS_KEY]
    plugins.modules["listener"] = LISTENER.module()
    plugins._register("listener", plugins.modules["listener"])
    with acting_as(SYSTEM):
        yield
    plugins._manager.unregister(name="listener")
    del plugins.modules["listener"]


def link(user_id: int, *ids: str, provider: str = "library") -> None:
    with transaction():
        link_identities_many(
            [NewIdentity(provider=provider, external_id=item, user_id=user_id) for item in ids]
        )


def test_plugins_are_told_in_the_same_transaction(app: Flask, make_user: Callable[..., int]) -> None:
    ann = make_user("ann", password=None)
    link(ann, "A1", "A2")
    assert LISTENER.told == [(ann, "library", "A1"), (ann, "library", "A2")]

    LISTENER.refuses = True
    with pytest.raises(PluginReactionFailed, match="listener"):
        link(ann, "A3")
    assert owners_of([("library", "A3")]) == {}


def test_links_and_their_end_are_in_the_record_of_the_user(app: Flask, make_user: Callable[..., int]) -> None:
    ann = make_user("ann", password=None)
    link(ann, "A1")
    with transaction():
        gone = unlink_identities_many(
            [NewIdentity(provider="library", external_id="A1", user_id=ann)], "left the library"
        )
    assert len(gone) == 1
    entries = db.session.scalars(
        select(AuditEntry)
        .where(AuditEntry.target == "portal_user", AuditEntry.action.contains("link"))
        .order_by(AuditEntry.id)
    ).all()
    assert [(entry.action, entry.record_id) for entry in entries] == [
        ("link-identity", str(ann)),
        ("unlink-identity", str(ann)),
    ]
    assert entries[1].changes == {"provider": "library", "external_id": "A1", "reason": "left the library"}


def test_a_key_is_taken_from_its_owner_only_and_with_a_reason(
    app: Flask, make_user: Callable[..., int]
) -> None:
    ann, ben = make_user("ann", password=None), make_user("ben", password=None)
    link(ann, "A1")
    with transaction():
        assert (
            unlink_identities_many([NewIdentity(provider="library", external_id="A1", user_id=ben)], "why")
            == []
        )
    with pytest.raises(InvalidInput, match="Say why"), transaction():
        unlink_identities_many([NewIdentity(provider="library", external_id="A1", user_id=ann)], " ")
    assert owners_of([("library", "A1")]) == {("library", "A1"): ann}


def test_known_systems_are_found_without_reading_every_key(app: Flask, make_user: Callable[..., int]) -> None:
    ann = make_user("ann", password=None)
    assert known_providers() == []
    for provider in ("sports", "library", "archive"):
        link(ann, "1", "2", provider=provider)
    assert known_providers() == ["archive", "library", "sports"]


@pytest.mark.parametrize("value", ["", " ", "x" * 201, "a\nb", "a\0b"])
def test_keys_that_nobody_could_type_are_refused(app: Flask, value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked_identity("library", value, 1)
    assert caught.value.code == "external-id-invalid"


def test_a_sign_in_ties_its_key(app: Flask, make_user: Callable[..., int]) -> None:
    ann = db.session.get_one(User, make_user("ann", password=None))
    assert attach_at_sign_in(ann, "saml", "ann@partner") is True
    assert attach_at_sign_in(ann, "saml", "ann@partner") is True
    assert LISTENER.told == [(ann.id, "saml", "ann@partner")]


def test_a_plugin_that_fails_leaves_a_pending_key_and_the_sign_in_goes_on(
    app: Flask, make_user: Callable[..., int]
) -> None:
    ann = db.session.get_one(User, make_user("ann", password=None))
    user_id = ann.id
    LISTENER.refuses = True

    assert attach_at_sign_in(ann, "saml", "ann@partner") is False
    assert attach_at_sign_in(db.session.get_one(User, user_id), "saml", "ann@partner") is False

    (waiting,) = pending_of(user_id)
    assert (waiting.external_id, waiting.attempts_count) == ("ann@partner", 2)
    assert "listener" in waiting.problem
    assert db.session.scalars(select(ExternalIdentity)).all() == []


def test_a_key_of_somebody_else_waits_for_a_person(app: Flask, make_user: Callable[..., int]) -> None:
    ann, ben = make_user("ann", password=None), make_user("ben", password=None)
    link(ben, "shared", provider="saml")
    assert attach_at_sign_in(db.session.get_one(User, ann), "saml", "shared") is False
    (waiting,) = pending_of(ann)
    assert waiting.problem.startswith("linked-to-other")


def test_a_key_that_cannot_be_one_is_logged_and_the_sign_in_goes_on(
    app: Flask, make_user: Callable[..., int]
) -> None:
    ann = db.session.get_one(User, make_user("ann", password=None))
    assert attach_at_sign_in(ann, "saml", "") is False
    assert pending_of(ann.id) == []


def test_the_job_ties_what_was_pending(app: Flask, make_user: Callable[..., int]) -> None:
    ann, ben = make_user("ann", password=None), make_user("ben", password=None)
    link(ben, "taken", provider="saml")
    LISTENER.refuses = True
    for key in ("first", "taken"):
        attach_at_sign_in(db.session.get_one(User, ann), "saml", key)
    LISTENER.refuses = False

    request = draft("portal.attach_identities", {}, SYSTEM)
    with transaction():
        job_id = submit(request, apply=True).id
    run_inline(job_id)

    job = get_job(job_id)
    assert (job.done_count, job.failed_count) == (1, 1)
    assert [row.code for row in list_rows(job_id)] == ["", "still-pending"]
    assert owners_of([("saml", "first")]) == {("saml", "first"): ann}
    assert [item.external_id for item in pending_of(ann)] == ["taken"]


def test_linking_in_another_way_settles_what_was_pending(app: Flask, make_user: Callable[..., int]) -> None:
    ann = make_user("ann", password=None)
    LISTENER.refuses = True
    attach_at_sign_in(db.session.get_one(User, ann), "saml", "late")
    LISTENER.refuses = False
    link(ann, "late", provider="saml")
    assert db.session.scalars(select(PendingIdentity)).all() == []


def test_a_taken_key_is_named(app: Flask, make_user: Callable[..., int]) -> None:
    ann, ben = make_user("ann", password=None), make_user("ben", password=None)
    link(ann, "A1")
    with pytest.raises(Conflict, match="A1"):
        link(ben, "A1")
