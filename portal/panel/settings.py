"""The settings page: one form per declaration, made from its model; secrets are set or cleared, never shown."""

from dataclasses import dataclass, field
from typing import Any

from flask import flash, redirect, request, url_for
from pydantic import BaseModel

from portal.files.images import safe_image
from portal.files.service import NewFile, register
from portal.files.store import current_store
from portal.hooks.declarations import SettingsDeclaration
from portal.hooks.registry import current_registry
from portal.kernel.actor import current_actor
from portal.kernel.errors import Conflict, InvalidInput, NotFound, PortalError
from portal.kernel.transaction import transaction
from portal.mail.outbox import send as send_mail
from portal.mail.settings import MailSettings
from portal.sdk.web import PortalView, expose, send_blob
from portal.settings import store
from portal.settings.fields import SettingField, as_text, fields_of, from_text
from portal.web.institution import LOGO_LIMITS, institution

#: Names in a form beside those of the values, which begin with the prefix.
CLEAR, DEFAULT, SEEN, PREFIX = "clear", "default", "seen", "value."


@dataclass(kw_only=True)
class Section:
    """One declaration as the page shows it.

    Args:
        values: Field → what its input holds.
        stored: Fields that do not follow their default.
        is_set: Secrets and pictures that are there.
        problems: Field → what is wrong with what was typed; ``""`` is about the whole section.
        others: Field → the stored value, where it differs from what was typed and somebody else changed it.
    """

    name: str
    title: str
    fields: list[SettingField]
    values: dict[str, str]
    stored: frozenset[str]
    is_set: frozenset[str]
    seen: str
    problems: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)


class SettingsView(PortalView):
    """What people change while the portal runs: the core's settings and those of every plugin."""

    @expose("/")
    def index(self) -> Any:
        """Show every section."""
        return self._page()

    @expose("/<section>", methods=("POST",))
    def save(self, section: str) -> Any:
        """Store one section; what is wrong is shown at its field, and everything typed is kept."""
        declared = _declared(section)
        fields = fields_of(declared.model)
        reset = request.form.get(DEFAULT)
        try:
            values = _posted(fields) if reset is None else _default_of(declared.model, reset)
            _store(declared.model, values)
        except (InvalidInput, Conflict) as problem:
            return self._page(_kept(declared, fields, problem), problem.status)
        if reset is not None:
            flash("Back to the default. Anything else you changed in this form is not saved yet.", "success")
            return self._page(_kept(declared, fields, None, without=reset))
        return redirect(url_for(".index", saved=section, _anchor=section))

    @expose("/<section>/<field_name>.jpg")
    def picture(self, section: str, field_name: str) -> Any:
        """Answer with the picture that a setting holds."""
        declared = _declared(section)
        found = {item.name: item for item in fields_of(declared.model)}.get(field_name)
        sha256 = getattr(store.get(declared.model), field_name) if found and found.input == "image" else ""
        if not sha256:
            raise NotFound("setting-picture", "This setting holds no picture.")
        return send_blob(sha256, "image/jpeg", f"{field_name}.jpg", inline=True)

    @expose("/test-mail", methods=("POST",))
    def test_mail(self) -> Any:
        """Put a mail into the outbox, to see that it arrives and who it is from."""
        to = request.form.get("address", "")
        try:
            with transaction():
                name = institution().name
                text = f"This is a test mail from {name}, asked for by {current_actor().name}.\n"
                send_mail(to, f"Test mail from {name}", text)
        except PortalError as problem:
            flash(problem.message, "error")
        else:
            flash(f"A test mail to {to.strip()} is on its way; it goes out within a few seconds.", "success")
        return redirect(url_for(".index", _anchor=MailSettings.__name__))

    def _page(self, changed: Section | None = None, status: int = 200) -> Any:
        sections = [
            changed if changed is not None and changed.name == name else _section(declared)
            for name, declared in current_registry().settings.items()
        ]
        return self.render(
            "panel/settings.html",
            sections=sections,
            saved=request.args.get("saved"),
            mail_section=MailSettings.__name__,
        ), status


def _declared(name: str) -> SettingsDeclaration:
    found = current_registry().settings.get(name)
    if found is None:
        raise NotFound("settings-unknown", f"No plugin declares settings called {name[:80]!r}.")
    return found


def _section(declared: SettingsDeclaration) -> Section:
    model = declared.model
    found, fields, stored = store.get(model), fields_of(model), store.stored_state(model)
    return Section(
        name=model.__name__,
        title=declared.title,
        fields=fields,
        values={item.name: as_text(getattr(found, item.name)) for item in fields},
        stored=stored.fields,
        is_set=_set_secrets(found, fields),
        seen=stored.version,
    )


def _set_secrets(found: BaseModel, fields: list[SettingField]) -> frozenset[str]:
    names = set()
    for item in fields:
        value = getattr(found, item.name)
        if (item.input == "secret" and value is not None and value.get_secret_value()) or (
            item.input == "image" and value
        ):
            names.add(item.name)
    return frozenset(names)


def _kept(
    declared: SettingsDeclaration,
    fields: list[SettingField],
    problem: PortalError | None,
    without: str | None = None,
) -> Section:
    """Return the section with what was typed, the problems at their fields, and what others stored meanwhile."""
    section = _section(declared)
    now = dict(section.values)
    for item in fields:
        if item.name != without and item.input not in ("secret", "image"):
            section.values[item.name] = _typed(item)
    if problem is None:
        return section
    found = dict(problem.facts.get("problems") or {"": problem.message})
    known = {item.name for item in fields}
    section.problems = {name if name in known else "": message for name, message in found.items()}
    if problem.code == "changed-meanwhile":
        section.others = {name: now[name] for name in known if now[name] != section.values[name]}
    return section


def _typed(item: SettingField) -> str:
    if item.input == "switch":
        return "yes" if request.form.get(PREFIX + item.name) else "no"
    return request.form.get(PREFIX + item.name, "")


def _posted(fields: list[SettingField]) -> dict[str, Any]:
    """Return the values of the form: a secret left empty stays, a picture not chosen stays."""
    values: dict[str, Any] = {}
    cleared = set(request.form.getlist(CLEAR))
    problems: dict[str, str] = {}
    for item in fields:
        if item.name in cleared and item.input in ("secret", "image"):
            values[item.name] = None if item.is_optional else ""
        elif item.input == "image":
            try:
                values |= _picture(item)
            except InvalidInput as problem:
                problems[item.name] = problem.message
        elif item.input == "secret":
            if typed := request.form.get(PREFIX + item.name):
                values[item.name] = from_text(item, typed)
        else:
            values[item.name] = from_text(item, _typed(item))
    if problems:
        raise InvalidInput("settings-invalid", "; ".join(problems.values()), {"problems": problems})
    return values


def _picture(item: SettingField) -> dict[str, str]:
    """Return the name of the stored picture, when one was chosen: decoded, made small and kept outside transactions."""
    sent = request.files.get(PREFIX + item.name)
    if sent is None or not sent.filename:
        return {}
    try:
        picture = safe_image(sent.stream.read(LOGO_LIMITS.max_bytes + 1), LOGO_LIMITS)
    except InvalidInput as problem:
        raise InvalidInput(problem.code, problem.message.replace("photo", "picture")) from problem
    (sha256,) = current_store().put_many([picture.data])
    return {item.name: sha256}


def _default_of(model: type[BaseModel], name: str) -> dict[str, Any]:
    if name not in model.model_fields:
        raise InvalidInput(
            "settings-invalid", "There is no such setting.", {"problems": {"": "There is no such setting."}}
        )
    return {name: getattr(model(), name)}


def _store(model: type[BaseModel], values: dict[str, Any]) -> None:
    files = [item.name for item in fields_of(model) if item.input == "image" and values.get(item.name)]
    with transaction():
        known = store.get(model)
        new = [values[name] for name in files if values[name] != getattr(known, name)]
        blobs = [current_store().read(name) for name in new]
        register(
            [
                NewFile(sha256=name, size_bytes=len(blob), media_type="image/jpeg")
                for name, blob in zip(new, blobs, strict=True)
            ]
        )
        store.set_values(model, values, seen=request.form.get(SEEN, ""))
