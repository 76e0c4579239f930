"""``portal plugins``: what is installed, whether it is well, and leaving out or removing a plugin without fear."""

import importlib.metadata
from pathlib import Path

import click

from portal.config import current_config
from portal.hooks.blocking import set_disabled
from portal.hooks.discovery import ENTRY_POINT_GROUP
from portal.hooks.registry import current_registry
from portal.installation import (
    InstalledPlugin,
    export_tables,
    installed_plugin,
    installed_plugins,
    migration_folders,
    remove_plugin,
    tables_of,
)
from portal.kernel import migrations
from portal.panel.new_plugin import NewPlugin, write_project


@click.group("plugins")
def plugins() -> None:
    """Plugins: what is installed, whether it is well, writing one, leaving out and removing."""


@plugins.command("list")
def list_plugins() -> None:
    """List every installed plugin: version, API version, state, tables, problems."""
    for plugin in installed_plugins():
        if plugin.name == migrations.CORE:
            continue
        api = f"  API {plugin.api_version}" if plugin.api_version else ""
        click.echo(f"{plugin.name} {plugin.version}{api}  {plugin.state}  {len(plugin.tables)} tables")
        if plugin.reason:
            click.echo(f"    {plugin.reason} {plugin.remedy}")


@plugins.command("check")
@click.argument("name", required=False)
def check_plugins(name: str | None) -> None:
    """Say whether the plugins (or one) load, and whether their tables are as their models say. Exit status 1 if not."""
    registry = current_registry()
    found = [
        f"{problem.name}: {problem.text}" for problem in registry.problems if name in (None, problem.name)
    ]
    names = [plugin.name for plugin in registry.plugins if name in (None, plugin.name)]
    if name is not None and not names and not found:
        found = [_not_loaded(installed_plugin(name))]
    folders = migration_folders()
    waiting = migrations.pending({owner: folders[owner] for owner in names if owner in folders})
    for owner in names:
        if owner in waiting:
            found.append(f"{owner}: {len(waiting[owner])} migrations are missing. Run: portal migrate")
        else:
            found += [f"{owner}: tables differ from models: {item}" for item in migrations.drift(owner)]
    for text in found:
        click.echo(text, err=True)
    click.echo(f"{len(names)} plugins looked at, {len(found)} problems.")
    if found:
        raise click.exceptions.Exit(1)


@plugins.command("new")
@click.argument("name")
@click.option(
    "--record", default="entry", show_default=True, help="What one of its records is: one word, singular."
)
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="New or empty folder for the project; NAME in this folder unless given.",
)
def new(name: str, record: str, folder: Path | None) -> None:
    """Write the project of a plugin NAME that works as it is, with tests: change it into what you want."""
    project = folder or Path(name)
    files = write_project(NewPlugin(name=name, record=record), project)
    click.echo(f"{len(files)} files in {project}. Next:")
    for line in (f"cd {project}", "pip install -e .", "portal migrate", "pytest"):
        click.echo(f"  {line}")


@plugins.command("disable")
@click.argument("name")
def disable(name: str) -> None:
    """Leave a plugin out from the next start on; its tables stay."""
    if name == migrations.CORE:
        raise click.ClickException(
            "The portal itself cannot be left out. Name a plugin; portal plugins list shows them."
        )
    installed_plugin(name)
    changed = set_disabled(current_config().home, name, disabled=True)
    click.echo(
        f"{name} is left out from the next start on. Restart the portal."
        if changed
        else f"{name} is left out already."
    )


@plugins.command("enable")
@click.argument("name")
def enable(name: str) -> None:
    """Load a plugin again that was left out by `portal plugins disable` or `remove`."""
    changed = set_disabled(current_config().home, name, disabled=False)
    if name in current_config().blocked_plugins:
        raise click.ClickException(f"{name} is left out by PORTAL_BLOCKED_PLUGINS. Take it off there.")
    if not changed:
        installed_plugin(name)
    click.echo(f"{name} is loaded from the next start on. Run portal migrate, then restart the portal.")


@plugins.command("remove")
@click.argument("name")
@click.option(
    "--export", type=click.Path(file_okay=False, path_type=Path), help="Folder for its tables as CSV."
)
@click.option("--yes", is_flag=True, help="Do not ask; without --export nothing is kept.")
def remove(name: str, export: Path | None, yes: bool) -> None:
    """Delete a plugin's tables, after exporting them, and leave it out; then uninstall its package.

    Other plugins' tables stay. Installing it again later begins with empty tables.
    """
    tables = [table for table in tables_of(name) if not table.endswith("_alembic_version")]
    if export is None and tables and not yes and click.confirm("Export its tables first?", default=True):
        export = click.prompt("Folder", type=click.Path(file_okay=False, path_type=Path))
    if export is not None and tables:
        for table, rows in export_tables(name, export).items():
            click.echo(f"{export / table}.csv: {rows} rows")
    if not yes:
        click.confirm(f"Delete {len(tables)} tables of {name} for good?", abort=True)
    removed = remove_plugin(name)
    set_disabled(current_config().home, name, disabled=True)
    click.echo(f"{len(removed.tables)} tables of {name} deleted. It is left out from the next start on.")
    package = _packages().get(name)
    if package is not None:
        click.echo(f"Restart the portal, then: pip uninstall {package}")


def _not_loaded(plugin: InstalledPlugin) -> str:
    return f"{plugin.name}: {plugin.reason} {plugin.remedy}"


def _packages() -> dict[str, str]:
    """Return name → package, of plugins that do not come with the portal itself."""
    return {
        entry.name: entry.dist.name
        for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
        if entry.dist is not None and entry.dist.name != "campus-portal"
    }
