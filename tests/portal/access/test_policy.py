"""Judging actors: deny by default, administrators may everything, plugins can only take rows away."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, false, insert, select

from portal.access.policy import may, narrow, require
from portal.hooks.manager import PLUGINS_KEY
from portal.kernel.actor import ANONYMOUS, SYSTEM, Actor
from portal.kernel.errors import Forbidden
from tests.portal.hooks.plugins import loaded, plugin
from tests.portal.kernel.probe import Probe

CLERK = Actor(user_id=1, name="clerk", grants=frozenset({"library.books.view"}))


def test_only_what_was_granted_is_allowed() -> None:
    assert may(CLERK, "library.books.view")
    assert not may(CLERK, "library.books.edit")
    assert not may(CLERK, "library.books")
    assert not may(ANONYMOUS, "library.books.view")
    assert may(SYSTEM, "anything.at.all")


@given(st.frozensets(st.text()), st.text())
def test_nobody_but_an_administrator_may_what_was_not_granted(
    grants: frozenset[str], permission: str
) -> None:
    assert may(Actor(grants=grants), permission) == (permission in grants)
    assert may(Actor(grants=grants, is_administrator=True), permission)


def test_refusing_names_the_permission() -> None:
    require(CLERK, "library.books.view")
    with pytest.raises(Forbidden, match=r"library\.books\.edit") as caught:
        require(CLERK, "library.books.edit")
    assert (caught.value.code, caught.value.facts) == (
        "permission-missing",
        {"permission": "library.books.edit"},
    )


@contextmanager
def portal_of(*conditions: Any) -> Iterator[None]:
    names = ("archive", "library", "museum")
    app = Flask("access")
    app.extensions[PLUGINS_KEY] = loaded(
        *(
            plugin(name, portal_narrow_rows=condition)
            for name, condition in zip(names, conditions, strict=False)
        )
    )
    with app.app_context():
        yield


def seen(actor: Actor = CLERK) -> list[str]:
    engine = create_engine("sqlite://")
    Probe.metadata.create_all(engine, tables=[Probe.__table__])
    with engine.begin() as connection:
        connection.execute(
            insert(Probe), [{"name": "a", "count": 1}, {"name": "b", "count": 2}, {"name": "c", "count": 3}]
        )
        statement = narrow(select(Probe.name).order_by(Probe.name), actor, "library.books.view", Probe)
        return list(connection.scalars(statement))


def more_than_one(actor: Actor, permission: str, model: type) -> Any:
    assert (permission, model) == ("library.books.view", Probe)
    return Probe.count > 1


def without_c(actor: Actor, permission: str, model: type) -> Any:
    return Probe.name != "c"


def all_to_the_clerk(actor: Actor, permission: str, model: type) -> Any:
    return None if actor.name == "clerk" else false()


def test_without_plugins_nothing_is_taken_away() -> None:
    with portal_of():
        assert seen() == ["a", "b", "c"]


def test_conditions_of_all_plugins_hold_together() -> None:
    with portal_of(more_than_one, without_c, all_to_the_clerk):
        assert seen() == ["b"]
        assert seen(SYSTEM) == []
