"""The ``portal`` command: processes and set-up; the core's and the plugins' own commands are mounted beside them."""

import json
import logging
from collections.abc import Sequence
from typing import Any

import click
from flask import Flask, has_app_context

from portal import __version__
from portal.app import create_app
from portal.config import ConfigProblems, PortalConfig
from portal.hooks.declarations import CORE
from portal.hooks.registry import REGISTRY_KEY, Registry
from portal.installation import PLUGINS_FAILED
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.collector import collector_off
from portal.kernel.errors import PortalError
from portal.kernel.logs import configure_logs


class PortalGroup(click.Group):
    """Finds a command among the portal's own, then among those that loaded plugins declare."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._declared(ctx)})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        own = super().get_command(ctx, name)
        if own is not None:
            return own
        declared = self._declared(ctx).get(name)
        if declared is not None and not has_app_context():
            # Ended by click when the command has run.
            ctx.with_resource(_app(ctx).app_context())
            ctx.with_resource(acting_as(SYSTEM))
        if declared is None:
            # Settings that cannot be used hide every declared command; say so instead of "no such command".
            _app(ctx)
        return declared

    def _declared(self, ctx: click.Context) -> dict[str, click.Command]:
        try:
            app = _app(ctx)
        except ConfigProblems:
            return {}
        registry: Registry = app.extensions[REGISTRY_KEY]
        commands: dict[str, click.Command] = {}
        for owner, declared in registry.commands:
            if owner == "portal":
                commands[declared.command.name or ""] = declared.command
                continue
            group = commands.setdefault(owner, click.Group(owner, help=f"Commands of the plugin {owner}."))
            if isinstance(group, click.Group):
                group.add_command(declared.command)
        return commands

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; known errors become one line, not a traceback."""
        try:
            return super().invoke(ctx)
        except (PortalError, ConfigProblems) as error:
            raise click.ClickException(str(error)) from error


def _app(ctx: click.Context) -> Flask:
    root = ctx.find_root()
    if root.obj is None:
        with collector_off():
            root.obj = create_app()
    app: Flask = root.obj
    return app


def _process(ctx: click.Context, role: str) -> Flask:
    """Return the application of a process that stays: it logs as the settings say and shares its figures."""
    from portal.supervisor.web import begin_process

    app = _app(ctx)
    begin_process(app, role)
    return app


@click.group(cls=PortalGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="portal")
def portal() -> None:
    """Campus Portal: admit, enrol and grade students in bulk."""


@portal.command()
def init() -> None:
    """Make the home folder and its secret (mode 600). Safe to repeat."""
    config = PortalConfig.load()
    config.make_home()
    click.echo(f"Home: {config.home}")


@portal.command()
@click.pass_context
def migrate(ctx: click.Context) -> None:
    """Bring the database of the portal and of every loaded plugin to the newest revision. Safe to repeat.

    Exit status 3: the portal is up to date, but migrations of a plugin failed; it is left out until they succeed.
    """
    from portal.installation import MigrationFailed, migrate_all

    failures: dict[str, str] = {}
    ctx.find_root().obj = create_app(with_unmigrated=True)
    with _app(ctx).app_context(), acting_as(SYSTEM):
        try:
            applied = migrate_all()
        except MigrationFailed as error:
            failures, applied = error.facts["failures"], error.facts["applied"]
            if CORE in failures:
                raise
    for line in applied or ([] if failures else ["Everything is up to date."]):
        click.echo(line)
    for name, why in failures.items():
        click.echo(f"The plugin {name} is left out: {why}", err=True)
    if failures:
        click.echo(
            "Its data is as it was. Install a repaired or its former version, then: portal migrate", err=True
        )
        raise click.exceptions.Exit(PLUGINS_FAILED)


@portal.command()
def web() -> None:
    """Serve the panel (one process of several threads)."""
    from portal.supervisor.web import serve

    serve(PortalConfig.load())


@portal.command()
@click.pass_context
def worker(ctx: click.Context) -> None:
    """Work on jobs until asked to stop."""
    from portal.documents.service import warm_up
    from portal.jobs.worker import work
    from portal.kernel.processes import will_fork

    app = _process(ctx, "worker")
    will_fork()
    with app.app_context():
        warm_up()
    work(app)


@portal.command()
@click.option("--once", is_flag=True, help="Do one round and end.")
@click.pass_context
def relay(ctx: click.Context, once: bool) -> None:
    """Wake sleeping jobs, start what is scheduled, deliver mail; every few seconds."""
    from portal.supervisor.relay import forever, one_round, relay_duties

    with _process(ctx, "relay").app_context(), acting_as(SYSTEM):
        (one_round if once else forever)(relay_duties())


@portal.command()
@click.option("--once", is_flag=True, help="Do one round and end.")
@click.pass_context
def cron(ctx: click.Context, once: bool) -> None:
    """Start what is scheduled. The relay does it too; each slot runs once however many do."""
    from portal.supervisor.relay import cron_duties, forever, one_round

    with _process(ctx, "cron").app_context(), acting_as(SYSTEM):
        (one_round if once else forever)(cron_duties())


@portal.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on; a busy one moves to the next free one.")
@click.option("--workers", type=int, help="Worker processes.")
def run(**options: Any) -> None:
    """Run everything: queue server (if none is given), migrations, web, workers, relay. Ctrl-C stops all."""
    from portal.supervisor import run as run_all

    config = PortalConfig.load(**{name: value for name, value in options.items() if value is not None})
    config.make_home()
    configure_logs(config.log_level, config.log_format)
    run_all(config)


@portal.command()
@click.option("--applicants", type=click.IntRange(10, 200_000), default=2_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--serve/--no-serve", default=True, help="Serve the panel afterwards.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on.")
@click.option("--reset", is_flag=True, help="Delete the demo's home folder and end.")
def demo(applicants: int, seed: int, serve: bool, as_json: bool, reset: bool, **options: Any) -> None:
    """Make a demo university, import and admit its applicants, create their student records, then serve the panel."""
    from portal import demo as demonstration

    config = PortalConfig.load(**{name: value for name, value in options.items() if value is not None})
    if reset:
        demonstration.reset(config)
        return
    summary = demonstration.run(config, applicants, seed, serve=serve)
    if as_json:
        click.echo(json.dumps(summary))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    portal.main(args=list(arguments) if arguments is not None else None, prog_name="portal")
