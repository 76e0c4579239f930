"""``portal settings``: what people change while the portal runs, from the command line; secrets are never printed."""

from collections.abc import Iterator

import click
from pydantic import SecretStr

from portal.hooks.declarations import SettingsDeclaration
from portal.hooks.registry import current_registry
from portal.kernel.errors import NotFound
from portal.kernel.transaction import transaction
from portal.settings import store
from portal.settings.fields import SettingField, as_text, fields_of, from_text


@click.group("settings")
def settings() -> None:
    """Settings of the portal and its plugins that are kept in the database."""


@settings.command("list")
def list_settings() -> None:
    """List every setting with its value; a star marks what is not the default."""
    for declared in current_registry().settings.values():
        click.echo(declared.title)
        stored = store.stored_state(declared.model).fields
        for item in fields_of(declared.model):
            mark = "*" if item.name in stored else " "
            value = _shown(declared, item).replace("\n", " | ")
            click.echo(f" {mark} {declared.model.__name__}.{item.name} = {value}  ({item.title})")


@settings.command("get")
@click.argument("name")
def get_setting(name: str) -> None:
    """Print one value; NAME is SECTION.FIELD, as `portal settings list` shows it."""
    click.echo(_shown(*_found(name)))


@settings.command("set")
@click.argument("name")
@click.argument("value", required=False)
@click.option("--default", "to_default", is_flag=True, help="Go back to the default.")
def set_setting(name: str, value: str | None, to_default: bool) -> None:
    """Store one value; NAME is SECTION.FIELD. A secret is asked for when VALUE is not given."""
    declared, item = _found(name)
    if to_default:
        new = getattr(declared.model(), item.name)
    elif item.input == "image":
        raise click.UsageError("A picture is chosen on the settings page.")
    elif value is None and item.input != "secret":
        raise click.UsageError("Give VALUE, or --default.")
    else:
        new = from_text(item, value if value is not None else click.prompt(item.title, hide_input=True))
    with transaction():
        store.set_values(declared.model, {item.name: new})
    click.echo(f"{name} = {_shown(declared, item)}")


def _found(name: str) -> tuple[SettingsDeclaration, SettingField]:
    section, _, field = name.partition(".")
    declared = current_registry().settings.get(section)
    for item in fields_of(declared.model) if declared is not None else ():
        if declared is not None and item.name == field:
            return declared, item
    known = ", ".join(_names())
    raise NotFound("setting-unknown", f"There is no setting {name!r}. Known: {known}.")


def _names() -> Iterator[str]:
    for section, declared in current_registry().settings.items():
        for field in declared.model.model_fields:
            yield f"{section}.{field}"


def _shown(declared: SettingsDeclaration, item: SettingField) -> str:
    value = getattr(store.get(declared.model), item.name)
    if isinstance(value, SecretStr):
        return store.SECRET_SET if value.get_secret_value() else store.SECRET_UNSET
    return as_text(value)
