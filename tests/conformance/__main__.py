"""Runs scenarios of an old system on Campus Portal and writes down what happened.

Usage: ``python -m tests.conformance enrollments|submissions IN.json OUT.json [--database sqlite|postgresql]``.
Reads ids and steps only; judging is another program's work.
"""

import contextlib
import importlib
import json
import tempfile
from pathlib import Path

import click

from portal.kernel.actor import SYSTEM, acting_as
from portal.testing.postgresql import PostgresqlServer
from portal.testing.sandboxes import ENGINES, EngineName, Sandbox

SYSTEMS = ("enrollments", "submissions")


@click.command()
@click.argument("system", type=click.Choice(SYSTEMS))
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--database", type=click.Choice(ENGINES), default="sqlite", show_default=True)
def main(system: str, source: Path, target: Path, database: EngineName) -> None:
    """Run the scenarios of SOURCE and write what each step did to TARGET."""
    runner = importlib.import_module(f"tests.conformance.{system}.runner")
    document = json.loads(source.read_text(encoding="utf-8"))
    scenarios = document["scenarios"]
    if "base" in document:
        scenarios = [{"base": document["base"], **item} for item in scenarios]
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-conformance-")))
        server = stack.enter_context(PostgresqlServer()) if database == "postgresql" else None
        sandbox = Sandbox(database, folder / "home", server, plugins=runner.extra_plugins())
        app = stack.enter_context(sandbox.in_use())
        stack.enter_context(acting_as(SYSTEM))
        found = runner.observed(scenarios, app)
    target.write_text(json.dumps({"scenarios": found}), encoding="utf-8")
    click.echo(f"{len(found)} scenarios on {database} written to {target}")


if __name__ == "__main__":
    main()
