"""The commands ``portal schedules …``."""

import click

from portal.jobs.schedules import list_schedules, run_now
from portal.kernel.actor import SYSTEM
from portal.kernel.ids import new_id
from portal.web.formatting import portal_zone


@click.group()
def schedules() -> None:
    """What starts by the clock: list, run now."""


@schedules.command("list")
def list_all() -> None:
    """List every schedule with its next and last run, in the institution's time zone."""
    zone = portal_zone()
    for item in list_schedules(zone):
        coming = f"next {item.next_at.astimezone(zone):%Y-%m-%d %H:%M}" if item.next_at else "off"
        last = "never ran"
        if item.last is not None:
            outcome = item.last.state or item.last.problem or "job gone"
            last = f"last {item.last.at.astimezone(zone):%Y-%m-%d %H:%M} ({outcome})"
        click.echo(f"{item.name:36} {item.cron:16} {coming:22} {last}")


@schedules.command()
@click.argument("name")
def run(name: str) -> None:
    """Start the job of the schedule NAME now, whatever its times; prints the job's id."""
    click.echo(run_now(name, SYSTEM, new_id().hex))
