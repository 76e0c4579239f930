"""Stored settings: typed, over defaults, audited, read once per request."""

import pytest
from flask import Flask
from pydantic import BaseModel, Field
from sqlalchemy import event, func, select

from portal.audit.models import AuditEntry
from portal.hooks.declarations import SettingsDeclaration
from portal.hooks.registry import REGISTRY_KEY, Registry
from portal.kernel.db import db
from portal.kernel.errors import InvalidInput, PluginError
from portal.kernel.transaction import transaction
from portal.settings.models import Setting
from portal.settings.store import get, set_values

pytestmark = pytest.mark.both_engines


class TeaSettings(BaseModel):
    cups: int = Field(2, ge=1, le=10)
    kinds: list[str] = ["green"]
    note: str | None = None


class UndeclaredSettings(BaseModel):
    anything: int = 1


@pytest.fixture(autouse=True)
def _declared(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(settings={"TeaSettings": SettingsDeclaration(title="Tea", model=TeaSettings)})
    monkeypatch.setitem(app.extensions, REGISTRY_KEY, registry)
    app.extensions.pop("PORTAL_SETTINGS_CACHE", None)


def _set(**values: object) -> None:
    with transaction():
        set_values(TeaSettings, values)


def test_without_stored_values_the_defaults_hold(app: Flask) -> None:
    assert get(TeaSettings) == TeaSettings()


def test_a_stored_value_replaces_its_default_only(app: Flask) -> None:
    _set(cups=5)
    assert get(TeaSettings) == TeaSettings(cups=5)


def test_values_keep_their_types(app: Flask) -> None:
    _set(kinds=["black", "Žluťák"], note="hot")
    assert get(TeaSettings) == TeaSettings(kinds=["black", "Žluťák"], note="hot")


def test_a_value_equal_to_the_default_is_not_stored(app: Flask) -> None:
    _set(cups=5)
    _set(cups=2)
    assert db.session.scalar(select(func.count()).select_from(Setting)) == 0
    assert get(TeaSettings).cups == 2


@pytest.mark.parametrize(("values", "field"), [({"cups": 0}, "cups"), ({"saucers": 1}, "saucers")])
def test_wrong_values_are_refused_by_field(app: Flask, values: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        _set(**values)
    assert list(caught.value.facts["problems"]) == [field]
    assert get(TeaSettings) == TeaSettings()


def test_a_stored_value_that_does_not_fit_any_more_is_left_out(app: Flask) -> None:
    with transaction() as session:
        session.add(Setting(name="TeaSettings.cups", value=99))
        session.add(Setting(name="TeaSettings.note", value="kept"))
    assert get(TeaSettings) == TeaSettings(note="kept")


def test_settings_that_nobody_declares_are_refused(app: Flask) -> None:
    with pytest.raises(PluginError, match="UndeclaredSettings"):
        get(UndeclaredSettings)


def test_changes_are_audited(app: Flask) -> None:
    _set(cups=3)
    _set(cups=4)
    entries = db.session.scalars(
        select(AuditEntry).where(AuditEntry.target == "portal_setting").order_by(AuditEntry.id)
    )
    assert [(entry.action, entry.changes and entry.changes["value"]) for entry in entries] == [
        ("create", 3),
        ("update", [3, 4]),
    ]


def test_a_rolled_back_change_is_forgotten(app: Flask) -> None:
    def set_and_fail() -> None:
        with transaction():
            set_values(TeaSettings, {"cups": 7})
            assert get(TeaSettings).cups == 7
            raise ZeroDivisionError

    assert get(TeaSettings).cups == 2
    with pytest.raises(ZeroDivisionError):
        set_and_fail()
    assert get(TeaSettings).cups == 2


def test_a_request_reads_them_once(app: Flask) -> None:
    _set(cups=3)
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    with app.test_request_context("/"):
        assert [get(TeaSettings).cups for _ in range(5)] == [3] * 5
    event.remove(db.engine, "before_cursor_execute", note)
    assert sum("portal_setting" in statement for statement in statements) == 1
