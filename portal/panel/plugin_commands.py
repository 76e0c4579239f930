"""``portal plugins``: what is installed, whether it is well, and leaving out or removing a plugin without fear."""

import importlib.metadata
from pathlib import Path

import click

from portal.config import current_config
from portal.hooks.blocking import blocked_plugins, disabled_plugins, set_disabled
from portal.hooks.discovery import API_VERSION, ENTRY_POINT_GROUP, installed_versions
from portal.hooks.registry import current_registry
from portal.installation import export_tables, migration_folders, remove_plugin, tables_of
from portal.kernel import migrations
from portal.kernel.errors import NotFound
from portal.panel.new_plugin import NewPlugin, write_project


@click.group("plugins")
def plugins() -> None:
    """Plugins: what is installed, whether it is well, writing one, leaving out and removing."""


@plugins.command("list")
def list_plugins() -> None:
    """List every installed plugin: version, API version, state, tables, problems."""
    registry = current_registry()
    problems = {problem.name: problem.text for problem in registry.problems}
    loaded = {plugin.name: plugin for plugin in registry.plugins}
    for name in sorted({*installed_versions(), *loaded, *problems} - {migrations.CORE}):
        plugin = loaded.get(name)
        version = plugin.version if plugin is not None else installed_versions().get(name, "")
        tables = len(tables_of(name))
        click.echo(f"{name} {version}  API {API_VERSION}  {_state(name, problems)}  {tables} tables")
        if name in problems:
            click.echo(f"    {problems[name]}")


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
        raise _unknown(name)
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
    _require_known(name)
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
        _require_known(name)
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


def _state(name: str, problems: dict[str, str]) -> str:
    config = current_config()
    if name in problems:
        return "left out"
    if name in blocked_plugins(config.home, config.blocked_plugins):
        return "disabled" if name in disabled_plugins(config.home) else "blocked by PORTAL_BLOCKED_PLUGINS"
    return "loaded"


def _packages() -> dict[str, str]:
    """Return name → package, of plugins that do not come with the portal itself."""
    return {
        entry.name: entry.dist.name
        for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
        if entry.dist is not None and entry.dist.name != "campus-portal"
    }


def _require_known(name: str) -> None:
    if name not in installed_versions() and name not in {
        plugin.name for plugin in current_registry().plugins
    }:
        raise _unknown(name)


def _unknown(name: str) -> NotFound:
    return NotFound("plugin-unknown", f"No installed plugin is called {name!r}. See: portal plugins list")
