"""``portal users retire`` and ``export-data``: the end of a person's data, and a copy of it."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from portal.audit.recording import record
from portal.auth.accounts import find_user_for_sign_in
from portal.auth.models import User
from portal.jobs.console import drive, job_options
from portal.jobs.intake import draft_rows
from portal.kernel.actor import current_actor
from portal.kernel.errors import NotFound
from portal.kernel.transaction import transaction
from portal.panel.personal_data import export_of
from portal.panel.retiring import RetireUsers


@click.command("retire")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@job_options
def retire_users(names: Sequence[str], **switches: bool) -> None:
    """Erase people for good: NAME is what they sign in with.

    Names, addresses, files and ways to sign in go; records that must be kept stay under a token. It cannot be undone.
    """
    rows = [{"sign_in_name": name} for name in names]
    drive(draft_rows(RetireUsers.name, {}, current_actor(), rows), **switches)


@click.command("export-data")
@click.argument("name")
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write (JSON); must not exist.",
)
def export_data(name: str, out: Path) -> None:
    """Write everything that is kept about a person: NAME is what the person signs in with."""
    user = find_user_for_sign_in(name)
    if user is None:
        raise NotFound("user-not-found", f"No user signs in as {name!r}.")
    user_id = user.id
    content = json.dumps(export_of([user_id])[user_id], ensure_ascii=False, indent=2, default=str)
    if out.exists():
        raise click.UsageError(f"{out} exists already. Choose another file.")
    with transaction():
        record("export-data", User.__tablename__, str(user_id))
    out.touch(mode=0o600)
    out.write_text(content, encoding="utf-8")
    click.echo(f"What is kept about {name} is in {out}.")


COMMANDS = (retire_users, export_data)
