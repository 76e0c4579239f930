"""The commands ``portal enrollments …``. Thin: they submit the same jobs as the panel does, or call the API."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from plugins.enrollments.api import link_program_enrollments
from plugins.enrollments.api.inputs import uuid_or_none
from plugins.enrollments.api.moving_keys import MOST, fold_keys, move_identities
from plugins.enrollments.api.resetting_programs import count_reset, reset_programs
from plugins.enrollments.jobs import ExpireWaiting, ExportProgram
from portal.sdk import PortalError, current_actor, run_in_transaction
from portal.sdk.jobs import chunked, draft, drive, job_options


@click.command("link")
@click.argument("program")
@click.argument("pairs", metavar="KEY:USERNAME…", nargs=-1, required=True)
@click.option("--relink", is_flag=True, help="Take keys that belong to other accounts from them.")
def link(program: str, pairs: Sequence[str], relink: bool) -> None:
    """Link student keys of PROGRAM (its UUID) to accounts; says what went wrong for each key.

    Exit status 1 when a key could not be linked; the others are. For many use
    ``portal jobs submit enrollments.link FILE``.
    """
    program_uuid = uuid_or_none(program)
    if program_uuid is None:
        raise click.BadParameter(f"{program!r} is no UUID.", param_hint="PROGRAM")
    wanted = _pairs(pairs)
    errors = run_in_transaction(partial(link_program_enrollments, program_uuid, wanted, relink=relink))
    for key, text in errors.items():
        click.echo(f"{key}: {text}", err=True)
    click.echo(f"{len(wanted) - len(errors)} of {len(wanted)} linked.")
    if errors:
        raise click.exceptions.Exit(1)


def _pairs(texts: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        # From the right: keys may hold colons, names do not.
        key, _, name = (part.strip() for part in text.rpartition(":"))
        if not key or not name:
            raise click.BadParameter(f"{text!r} is not written KEY:USERNAME.", param_hint="KEY:USERNAME")
        if key in found:
            raise click.BadParameter(f"The key {key!r} is there twice.", param_hint="KEY:USERNAME")
        found[key] = name
    return found


@click.command("expire")
@click.option("--days", type=click.IntRange(1, 36_500), default=60, show_default=True)
@job_options
def expire(days: int, dry_run: bool, yes: bool, inline: bool) -> None:
    """Delete enrollments that have waited for an account for so many days without any change."""
    drive(draft(ExpireWaiting.name, {"days": days}, current_actor()), dry_run=dry_run, yes=yes, inline=inline)


@click.command("export")
@click.argument("program")
@click.option("--format", "format_", type=click.Choice(["csv", "xlsx"]), default="csv", show_default=True)
@click.option("--with-courses", is_flag=True, help="One row for each course run of each student.")
@job_options
def export(program: str, format_: str, with_courses: bool, dry_run: bool, yes: bool, inline: bool) -> None:
    """Export who is in PROGRAM (its UUID); the job's page has the file."""
    params = {"program": program, "format": format_, "with_courses": with_courses}
    drive(draft(ExportProgram.name, params, current_actor()), dry_run=dry_run, yes=yes, inline=inline)


@click.command("reset")
@click.argument("programs", metavar="PROGRAM…", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(programs: Sequence[str], yes: bool) -> None:
    """Delete all enrollments of programs; only where the setting “Allow a reset” is on."""
    found = count_reset(programs)
    question = (
        f"Delete {found.enrollments} program enrollments and {found.courses} course enrollments for good?"
    )
    if not yes:
        click.confirm(question, abort=True)
    done = run_in_transaction(partial(reset_programs, programs))
    click.echo(f"{done.enrollments} program enrollments and {done.courses} course enrollments deleted.")


@click.command("migrate-identities")
@click.argument("mapping", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--provider", required=True, metavar="SLUG", help="Identity provider whose keys change.")
@click.option("--dry-run", is_flag=True, help="Only say how many addresses the file holds.")
def migrate_identities(mapping: Path, provider: str, dry_run: bool) -> None:
    """Give users new student keys at a provider. FILE is JSON: [{"email": …, "student_key": …}, …].

    Who is listed twice gets the last key. What waits for a key is linked. Exit status 1 when an address is nobody's, or
    a key could not be given.
    """
    keys = _keys_by_email(mapping)
    if dry_run:
        click.echo(f"{len(keys)} addresses; nothing was done.")
        return
    moved = unchanged = 0
    problems: list[str] = []
    for page in chunked(keys.items(), MOST):
        done, same, wrong = _moved(provider, dict(page))
        moved, unchanged, problems = moved + done, unchanged + same, problems + wrong
    for text in problems:
        click.echo(text, err=True)
    click.echo(f"{moved} moved, {unchanged} as they were, {len(problems)} not done.")
    if problems:
        raise click.exceptions.Exit(1)


def _moved(provider: str, keys: Mapping[str, str]) -> tuple[int, int, list[str]]:
    """Move these keys in a transaction; where one of them cannot be moved, one by one."""
    try:
        found = run_in_transaction(lambda: move_identities(provider, keys))
    except PortalError as error:
        if len(keys) == 1:
            return 0, 0, [f"{next(iter(keys))}: {error.message}"]
        parts = [_moved(provider, {email: key}) for email, key in keys.items()]
        return (
            sum(part[0] for part in parts),
            sum(part[1] for part in parts),
            [t for part in parts for t in part[2]],
        )
    return (
        found.moved,
        found.unchanged,
        [f"{email}: no one user has this address." for email in found.missing],
    )


def _keys_by_email(mapping: Path) -> dict[str, str]:
    try:
        rows: Any = json.loads(mapping.read_text(encoding="utf-8"))
        return {
            str(row["email"]): str(row["student_key"]) for row in rows if row["email"] and row["student_key"]
        }
    except (ValueError, TypeError, KeyError) as error:
        message = f'{mapping.name} is not JSON of the form [{{"email": "…", "student_key": "…"}}]: {error}'
        raise click.BadParameter(message, param_hint="FILE") from error


@click.command("fold-keys")
def fold_all_keys() -> None:
    """Bring all keys into the form that the setting “Letter case of external keys” asks for; after changing it.

    Exit status 1 when two keys would become one; they stay as they are and are named.
    """
    after, changed = 0, 0
    refused: list[str] = []
    while True:
        after, done, stayed = run_in_transaction(partial(fold_keys, after))
        changed, refused = changed + done, refused + stayed
        if not after:
            break
    for key in refused:
        click.echo(f"{key}: another key of its curriculum has the same form; it stays as it is.", err=True)
    click.echo(f"{changed} keys changed.")
    if refused:
        raise click.exceptions.Exit(1)


COMMANDS = (link, expire, export, reset, migrate_identities, fold_all_keys)
