"""Reactions happen inside the transaction and may veto; notices come after the commit and may fail."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Flask

from portal.hooks.manager import PLUGINS_KEY, emit_notice, emit_reaction
from portal.kernel.db import db
from portal.kernel.errors import PluginReactionFailed
from portal.kernel.transaction import in_transaction, transaction
from tests.portal.hooks.plugins import event_spec, loaded, plugin

HOOK = "library_book_lent"


@contextmanager
def portal_of(**listeners: Callable[..., None]) -> Iterator[None]:
    app = Flask("hooks")
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db.init_app(app)
    library = plugin("library", portal_hookspecs=(event_spec(HOOK),))
    others = [plugin(name, **{HOOK: listener}) for name, listener in listeners.items()]
    app.extensions[PLUGINS_KEY] = loaded(library, *others)
    with app.app_context():
        yield
        db.engine.dispose()


def test_a_reaction_reaches_every_plugin_in_order_inside_the_transaction() -> None:
    told: list[tuple[str, object, bool]] = []

    def listener(name: str) -> Callable[..., None]:
        def listen(event: object) -> None:
            told.append((name, event, in_transaction()))

        return listen

    with portal_of(museum=listener("museum"), archive=listener("archive")), transaction():
        emit_reaction(HOOK, event="a book")
    assert told == [("archive", "a book", True), ("museum", "a book", True)]


def test_a_failing_reaction_names_its_plugin_and_rolls_everything_back() -> None:
    def refuse(event: object) -> None:
        raise ValueError("the shelf is full")

    kept: list[str] = []
    with portal_of(museum=refuse):
        with pytest.raises(PluginReactionFailed, match="the shelf is full") as caught, transaction():
            emit_notice(HOOK, event="never told")
            emit_reaction(HOOK, event="a book")
            kept.append("unreachable")
        assert not in_transaction()
    assert (caught.value.plugin, caught.value.hook, kept) == ("museum", HOOK, [])


def test_a_listener_that_takes_no_arguments_is_told_too() -> None:
    told: list[str] = []

    def listen() -> None:
        told.append("rung")

    with portal_of(museum=listen), transaction():
        emit_reaction(HOOK, event="a book")
    assert told == ["rung"]


def test_a_notice_comes_after_the_commit_and_its_failure_is_logged_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[tuple[str, bool]] = []

    def fail(event: object) -> None:
        raise ValueError("the bell is broken")

    def listen(event: object) -> None:
        told.append((str(event), in_transaction()))

    with portal_of(archive=fail, museum=listen), caplog.at_level(logging.ERROR):
        with transaction():
            emit_notice(HOOK, event="a book")
            assert told == []
        assert told == [("a book", False)]
    assert "archive" in caplog.text
    assert "the bell is broken" in caplog.text


def test_a_notice_of_a_transaction_that_rolls_back_is_never_told() -> None:
    told: list[object] = []

    def listen(event: object) -> None:
        told.append(event)

    with portal_of(museum=listen):
        with pytest.raises(ZeroDivisionError), transaction():
            emit_notice(HOOK, event="a book")
            raise ZeroDivisionError
    assert told == []
