"""The commands ``portal plugins …``."""

from pathlib import Path

import click

from portal.panel.new_plugin import NewPlugin, write_project


@click.group()
def plugins() -> None:
    """Plugins: write one of your own."""


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
    plugin = NewPlugin(name=name, record=record)
    files = write_project(plugin, project)
    click.echo(f"{len(files)} files in {project}. Next:")
    for line in (f"cd {project}", "pip install -e .", "portal migrate", "pytest"):
        click.echo(f"  {line}")
