"""Drives a job from a terminal the way of the panel: plan, show, ask, apply, report."""

import uuid
from collections.abc import Mapping
from typing import Any

import click

from portal.jobs.api import discard, start
from portal.jobs.engine import run_inline
from portal.jobs.kinds import SHEET
from portal.jobs.models import Job
from portal.jobs.queries import counts_by_code, get_job, wait_for
from portal.jobs.sheets.encodings import TITLES
from portal.jobs.sheets.reading import Reading
from portal.jobs.states import JobState
from portal.jobs.submitting import Draft, submit
from portal.kernel.transaction import transaction

#: Longest time that a command waits for workers.
PATIENCE_SECONDS = 24 * 3600

_options = (
    click.option("--dry-run", is_flag=True, help="Show what would be done, then throw the plan away."),
    click.option("--yes", is_flag=True, help="Do it without asking."),
    click.option("--inline", is_flag=True, help="Work in this process; no queue server or worker is needed."),
)


def job_options(command: Any) -> Any:
    """Give a command the options ``--dry-run``, ``--yes`` and ``--inline`` that all job commands have."""
    for option in reversed(_options):
        command = option(command)
    return command


def drive(
    request: Draft, *, dry_run: bool, yes: bool, inline: bool, close_portal: bool | None = None
) -> None:
    """Plan the job, show its plan, ask, apply it and report. Opens its own transactions.

    Raises:
        ClickException: exit status 1 when the job failed, or nothing at all could be done.
    """
    if request.reading is not None:
        _print_reading(request.reading, request.files[SHEET].filename)
    with transaction():
        job_id = submit(request).id
    job = waited(job_id, inline, until_planned=True)
    if job.state == JobState.PLANNED:
        print_plan(job)
        if dry_run or not _is_wanted(job, yes=yes):
            nothing_to_do = not job.pending_count and not job.unchanged_count
            with transaction():
                discard(job_id, request.actor)
            click.echo("Nothing was done.")
            if nothing_to_do:
                raise click.ClickException("Every row is refused.")
            return
        with transaction():
            start(job_id, request.actor, close_portal=close_portal)
        job = waited(job_id, inline, until_planned=False)
    print_result(job)


def _is_wanted(job: Job, *, yes: bool) -> bool:
    return bool(job.pending_count) and (yes or click.confirm("Do it?"))


def waited(job_id: uuid.UUID, inline: bool, *, until_planned: bool) -> Job:
    """Return the job when it has ended, waits for a person, or (if wished) is planned."""
    if inline:
        run_inline(job_id)
        return get_job(job_id)
    return wait_for(job_id, PATIENCE_SECONDS, until_planned=until_planned)


def _print_reading(reading: Reading, filename: str) -> None:
    how = (
        f"workbook, sheet {reading.sheet_name!r}"
        if reading.kind == "xlsx"
        else f"{TITLES.get(reading.encoding, reading.encoding)}, {reading.delimiter!r} between cells"
    )
    click.echo(f"{filename}: {how}")
    for column in reading.header:
        target = reading.fields.get(column)
        order = reading.dates.get(target) if target is not None else None
        dates = f" ({order.words})" if order is not None and order != "iso" else ""
        click.echo(f"  {column} → {target}{dates}" if target else f"  {column} is not read")


def print_plan(job: Job) -> None:
    """Print what the job will do, by action and reason."""
    click.echo(f"{job.title}: {job.rows_count} rows")
    for count in counts_by_code(job.id):
        reason = f" ({count.code}: {count.sample})" if count.code else ""
        click.echo(f"  {count.action:10} {count.count:>8}{reason}")


def print_result(job: Job) -> None:
    """Print what became of the job.

    Raises:
        ClickException: exit status 1 when it failed, is held by the brake, or nothing at all could be done.
    """
    click.echo(f"{job.title}: {job.state}")
    click.echo(
        f"  done {job.done_count}, unchanged {job.unchanged_count}, refused {job.refused_count}, "
        f"failed {job.failed_count}, cancelled {job.cancelled_count}"
    )
    for count in counts_by_code(job.id):
        if count.code:
            click.echo(f"  {count.state:10} {count.count:>8}  {count.code}: {count.sample}")
    for name, value in _facts(job).items():
        click.echo(f"  {name}: {value}")
    if job.state == JobState.AWAITING_APPROVAL:
        raise click.ClickException("It changes so much that a second person must release it, in the panel.")
    if job.state != JobState.FINISHED or job.failed_count:
        raise click.ClickException(job.error or "Not every row was done; see the job in the panel.")
    if job.rows_count and not job.done_count and not job.unchanged_count:
        raise click.ClickException("No row could be done.")


def _facts(job: Job) -> Mapping[str, Any]:
    return job.result or {}
