"""The settings page: what is typed is kept, what is secret is never shown, and two editors do not overwrite each other."""

import io
import re
from dataclasses import replace
from typing import Literal

import pytest
from click.testing import CliRunner
from flask import Flask
from PIL import Image
from pydantic import BaseModel, Field, SecretStr
from sqlalchemy import event, select

from portal.audit.models import AuditEntry
from portal.cli import portal as command_line
from portal.files.models import StoredFile
from portal.hooks.declarations import SettingsDeclaration
from portal.hooks.registry import REGISTRY_KEY
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.mail.delivery import deliver_pending
from portal.mail.models import OutboxMessage
from portal.mail.settings import MailSettings
from portal.settings import store
from portal.settings.fields import fields_of
from portal.settings.models import Setting
from portal.testing.clients import PortalClient
from portal.web.institution import institution_logo
from tests.portal.signing_in import Visitors

PAGE = "/panel/settings/"
SECRET = "a very secret word"


class TeaSettings(BaseModel):
    cups: int = Field(2, ge=1, le=10, title="Cups", description="A day.", json_schema_extra={"unit": "cups"})
    kind: Literal["green", "black"] = "green"
    with_milk: bool = False
    note: str = Field("", max_length=200, json_schema_extra={"multiline": True})
    shops: list[str] = []
    key: SecretStr = Field(SecretStr(""), title="Key of the tea shop")


@pytest.fixture
def app(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    registry = app.extensions[REGISTRY_KEY]
    declared = {**registry.settings, "TeaSettings": SettingsDeclaration(title="Tea", model=TeaSettings)}
    monkeypatch.setitem(app.extensions, REGISTRY_KEY, replace(registry, settings=declared))
    app.extensions.pop("PORTAL_SETTINGS_CACHE", None)
    return app


@pytest.fixture
def editor(app: Flask) -> PortalClient:
    return Visitors(app).with_permissions("portal.settings.edit", name="editor")


def tea() -> TeaSettings:
    store._forget()
    db.session.rollback()
    return store.get(TeaSettings)


def seen(client: PortalClient, section: str = "TeaSettings") -> str:
    page = client.get(PAGE).get_data(as_text=True)
    form = page[page.index(f'id="{section}"') :]
    found = re.search(r'name="seen" value="([0-9a-f]+)"', form)
    assert found
    return found.group(1)


def save(client: PortalClient, version: str | None = None, **values: str) -> tuple[int, str]:
    kept = {"cups": "2", "kind": "green", "note": "", "shops": "", **values}
    form = {f"value.{name}": value for name, value in kept.items()}
    answer = client.submit(
        f"{PAGE}TeaSettings",
        {"seen": version or seen(client), **form},
        page=PAGE,
        content_type="multipart/form-data",
    )
    return answer.status_code, answer.get_data(as_text=True)


def test_the_form_is_made_from_the_model(editor: PortalClient) -> None:
    page = editor.get(PAGE).get_data(as_text=True)
    for word in (
        "Tea",
        "Cups",
        "A day.",
        "Allowed: 1 to 10.",
        "at most 200 characters",
        "Institution",
        "Europe/Vienna",
    ):
        assert word in page, word
    inputs = {item.name: item.input for item in fields_of(TeaSettings)}
    assert inputs == {
        "cups": "number",
        "kind": "choice",
        "with_milk": "switch",
        "note": "multiline",
        "shops": "lines",
        "key": "secret",
    }


@pytest.mark.both_engines
def test_values_are_stored_with_their_types_and_the_change_is_on_record(editor: PortalClient) -> None:
    status, _ = save(editor, cups="5", kind="black", with_milk="yes", note="a\r\nb", shops="One\n\n Two ")
    assert status == 302
    assert tea() == TeaSettings(cups=5, kind="black", with_milk=True, note="a\nb", shops=["One", "Two"])
    assert "Saved." in editor.get(f"{PAGE}?saved=TeaSettings").get_data(as_text=True)
    save(editor, cups="7", kind="black", with_milk="yes", note="a\nb", shops="One\nTwo")
    entries = db.session.scalars(
        select(AuditEntry).where(AuditEntry.record_id == "TeaSettings.cups").order_by(AuditEntry.id)
    ).all()
    assert [(entry.actor_name, entry.changes) for entry in entries] == [
        ("Editor", {"value": 5, "default": 2}),
        ("Editor", {"value": [5, 7]}),
    ]


def test_a_value_out_of_range_is_shown_at_its_field_and_the_rest_is_kept(editor: PortalClient) -> None:
    status, page = save(editor, cups="11", note="what I typed", kind="black")
    assert status == 422
    assert "less than or equal to 10" in page
    assert 'value="11"' in page
    assert "what I typed" in page
    assert '<option value="black" selected>' in page
    assert tea() == TeaSettings()


@pytest.mark.parametrize("name", ["NoSuchSettings", "User"])
def test_an_unknown_section_is_not_found(editor: PortalClient, name: str) -> None:
    assert editor.submit(f"{PAGE}{name}", {"seen": "0"}, page=PAGE).status_code == 404


def test_an_unknown_choice_is_refused(editor: PortalClient) -> None:
    status, page = save(editor, kind="coffee")
    assert status == 422
    assert "coffee" in page
    assert tea().kind == "green"


@pytest.mark.both_engines
def test_two_editors_do_not_overwrite_each_other(app: Flask, editor: PortalClient) -> None:
    other = Visitors(app).administrator("other")
    version = seen(editor)
    assert save(other, cups="3")[0] == 302

    status, page = save(editor, version, cups="9", note="mine")

    assert status == 409
    assert "Somebody else changed these settings" in page
    assert "Stored now, by somebody else: <strong>3</strong>" in page
    assert 'value="9"' in page
    assert tea() == TeaSettings(cups=3)
    # What was typed can be saved from there.
    assert save(editor, cups="9", note="mine")[0] == 302
    assert tea() == TeaSettings(cups=9, note="mine")


def test_a_form_without_the_version_that_was_seen_saves_nothing(editor: PortalClient) -> None:
    assert save(editor, "0" * 32, cups="9")[0] == 409


@pytest.mark.both_engines
def test_a_secret_is_set_kept_replaced_and_removed_but_never_shown(editor: PortalClient) -> None:
    save(editor, key=SECRET)
    assert tea().key.get_secret_value() == SECRET
    save(editor, cups="3")
    assert tea().key.get_secret_value() == SECRET, "left empty it stays"
    pages = [editor.get(PAGE).get_data(as_text=True), save(editor, cups="99", key="another word")[1]]
    assert all(SECRET not in page and "another word" not in page for page in pages)
    save(editor, key="another word", cups="3")
    assert tea().key.get_secret_value() == "another word"
    answer = editor.submit(
        f"{PAGE}TeaSettings",
        {"seen": seen(editor), "clear": "key", "value.cups": "3", "value.kind": "green"},
        page=PAGE,
    )
    assert answer.status_code == 302
    assert tea().key.get_secret_value() == ""
    texts = [str(entry.changes) for entry in db.session.scalars(select(AuditEntry))]
    assert not any(SECRET in text or "another word" in text for text in texts)
    assert sum("(a secret)" in text for text in texts) == 3


@pytest.mark.both_engines
def test_back_to_the_default_keeps_what_else_was_typed(editor: PortalClient) -> None:
    save(editor, cups="5", note="stored")
    form = {"default": "cups", "value.cups": "8", "value.kind": "black", "value.note": "typed"}
    answer = editor.submit(f"{PAGE}TeaSettings", {"seen": seen(editor), **form}, page=PAGE)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "typed" in page
    assert '<option value="black" selected>' in page
    assert tea() == TeaSettings(note="stored")


def test_settings_need_their_permission(app: Flask) -> None:
    visitor = Visitors(app).with_permissions("portal.users.view", name="reader")
    assert visitor.get(PAGE).status_code == 403


def picture(colour: str = "navy") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGBA", (900, 300), colour).save(buffer, "PNG")
    return buffer.getvalue()


def upload(client: PortalClient, data: bytes) -> tuple[int, str]:
    form = {
        "csrf_token": client.token(PAGE),
        "seen": seen(client, "InstitutionSettings"),
        "value.name": "University of Example",
        "value.time_zone": "Europe/Vienna",
        "value.logo": (io.BytesIO(data), "logo.png"),
    }
    answer = client.post(f"{PAGE}InstitutionSettings", data=form, content_type="multipart/form-data")
    return answer.status_code, answer.get_data(as_text=True)


@pytest.mark.both_engines
def test_the_logo_is_made_safe_and_shown_to_everybody(app: Flask, editor: PortalClient) -> None:
    assert PortalClient(app).get("/institution/logo.jpg").status_code == 404
    assert upload(editor, picture())[0] == 302
    store._forget()
    logo = institution_logo()
    assert logo is not None
    with Image.open(io.BytesIO(logo)) as shown:
        assert (shown.format, shown.size) == ("JPEG", (400, 133))
    stranger = PortalClient(app)
    assert "/institution/logo.jpg" in stranger.get("/").get_data(as_text=True)
    assert stranger.get("/institution/logo.jpg").data == logo
    row = db.session.get_one(Setting, "InstitutionSettings.logo")
    assert db.session.get(StoredFile, row.sha256) is not None


def test_a_logo_that_is_no_picture_is_refused_and_the_rest_is_kept(editor: PortalClient) -> None:
    status, page = upload(editor, b"GIF89a, or so")
    assert status == 422
    assert "The picture cannot be read" in page
    assert "University of Example" in page


def test_mail_is_from_the_stored_sender(app: Flask, editor: PortalClient) -> None:
    with transaction():
        store.set_values(MailSettings, {"sender": "office@example.org", "sender_name": "Büro, Zulassung"})
    answer = editor.submit(f"{PAGE}test-mail", {"address": "me@example.org"}, page=PAGE)
    assert answer.status_code == 302
    assert db.session.scalars(select(OutboxMessage.to_address)).one() == "me@example.org"
    sent: list[str] = []
    deliver_pending(lambda message_id, message: sent.append(str(message["From"])))
    assert sent == ['"Büro, Zulassung" <office@example.org>']


@pytest.mark.parametrize("value", ["nobody", "a@b\nBcc: x@y.org", "two@x.org, three@x.org", "@x.org"])
def test_a_sender_that_is_no_address_is_refused(app: Flask, value: str) -> None:
    with pytest.raises(Exception, match="sender"), transaction():
        store.set_values(MailSettings, {"sender": value})


def test_a_page_reads_each_section_once(app: Flask, editor: PortalClient) -> None:
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    editor.get(PAGE)
    event.remove(db.engine, "before_cursor_execute", note)
    sections = len(app.extensions["PORTAL_REGISTRY"].settings)
    reads = [statement for statement in statements if "portal_setting" in statement]
    # The values once per section, and once the times of its rows.
    assert len(reads) <= 2 * sections, reads


def test_the_command_lists_gets_and_sets(app: Flask) -> None:
    def run(*words: str, **options: str) -> str:
        answer = CliRunner().invoke(
            command_line, ["settings", *words], obj=app, catch_exceptions=False, **options
        )  # type: ignore[arg-type]
        store._forget()
        return answer.output

    assert "TeaSettings.cups = 4" in run("set", "TeaSettings.cups", "4")
    assert run("get", "TeaSettings.cups") == "4\n"
    assert "* TeaSettings.cups = 4  (Cups)" in run("list")
    assert "less than or equal" in run("set", "TeaSettings.cups", "40")
    assert "There is no setting" in run("get", "TeaSettings.saucers")
    assert SECRET not in run("set", "TeaSettings.key", input=f"{SECRET}\n")
    assert run("get", "TeaSettings.key") == "(a secret)\n"
    assert "TeaSettings.cups = 2" in run("set", "TeaSettings.cups", "--default")
