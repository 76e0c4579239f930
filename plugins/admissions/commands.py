"""The commands ``portal admissions …``. Thin: they submit the same jobs as the panel does."""

import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from plugins.admissions.api.applicants import applicant_uid_of
from plugins.admissions.api.folders import export_folders
from plugins.admissions.api.integrity import broken_promises
from plugins.admissions.jobs import CreateStudents, ImportApplicants
from plugins.admissions.jobs.importing import PHOTOS, SHEET
from portal.sdk import current_actor, transaction
from portal.sdk.jobs import (
    Job,
    JobState,
    Upload,
    counts_by_code,
    discard,
    draft,
    get_job,
    run_inline,
    start,
    store_upload,
    submit,
    wait_for,
)

#: Longest time that a command waits for workers.
PATIENCE_SECONDS = 24 * 3600

_job_options = (
    click.option("--dry-run", is_flag=True, help="Show what would be done, then throw the plan away."),
    click.option("--yes", is_flag=True, help="Do it without asking."),
    click.option("--inline", is_flag=True, help="Work in this process; no queue server or worker is needed."),
)


def job_options(command: Any) -> Any:
    """Give a command the options that all job commands have."""
    for option in reversed(_job_options):
        command = option(command)
    return command


@click.command("import-applicants")
@click.argument("sheet", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--photos", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="ZIP of photos.")
@click.option("--container", metavar="CODE", help="Container of rows that name none.")
@click.option(
    "--mode", type=click.Choice(["create", "update", "remove"]), default="create", show_default=True
)
@click.option("--ignore", multiple=True, metavar="COLUMN", help="A column of the sheet that is not read.")
@job_options
def import_applicants(
    sheet: Path,
    photos: Path | None,
    container: str | None,
    mode: str,
    ignore: Sequence[str],
    dry_run: bool,
    yes: bool,
    inline: bool,
) -> None:
    """Import applicants from a CSV FILE: create, change or remove them."""
    files = {SHEET: _uploaded(sheet)} | ({PHOTOS: _uploaded(photos)} if photos is not None else {})
    params = {"mode": mode, "container": container, "columns": dict.fromkeys(ignore, "ignore")}
    _run(ImportApplicants.name, params, files, dry_run=dry_run, yes=yes, inline=inline)


@click.command("create-students")
@click.option(
    "--applicant", "applicants", multiple=True, metavar="ID", help="An applicant, such as app2026_123456."
)
@click.option("--container", metavar="CODE", help="All admitted applicants of a container.")
@click.option("--all", "everybody", is_flag=True, help="All admitted applicants of the portal.")
@click.option("--close-portal/--keep-open", default=None, help="Close the portal meanwhile, or not.")
@job_options
def create_students(
    applicants: Sequence[str],
    container: str | None,
    everybody: bool,
    close_portal: bool | None,
    dry_run: bool,
    yes: bool,
    inline: bool,
) -> None:
    """Make student records, with their slips, of admitted applicants."""
    if sum((bool(applicants), container is not None, everybody)) != 1:
        raise click.UsageError("Give --applicant (once or more), --container or --all.")
    if applicants:
        params: dict[str, Any] = {
            "scope": "applicants",
            "applicants": [str(applicant_uid_of(item)) for item in applicants],
        }
    else:
        params = {"scope": "portal" if everybody else "container", "container": container}
    _run(CreateStudents.name, params, {}, dry_run=dry_run, yes=yes, inline=inline, close_portal=close_portal)


@click.command("export-folders")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write to."
)
def write_folders(out: Path) -> None:
    """Write the students' folders as real directories, such as OUT/K1000000/application_slip.pdf."""
    students, files = export_folders(out)
    click.echo(f"{files} files of {students} students are in {out}.")


@click.command("check")
@click.option("--quick", is_flag=True, help="Do not read the files themselves.")
def check(quick: bool) -> None:
    """Check every promise about students and applications; exit status 1 and a list when one is broken."""
    problems = broken_promises(read_files=not quick)
    for problem in problems:
        click.echo(problem)
    if problems:
        sys.exit(1)
    click.echo("All is well.")


COMMANDS = (import_applicants, create_students, write_folders, check)


def _uploaded(path: Path) -> Upload:
    with path.open("rb") as stream:
        return store_upload(stream, path.name)


def _run(
    kind: str,
    params: Mapping[str, Any],
    files: Mapping[str, Upload],
    *,
    dry_run: bool,
    yes: bool,
    inline: bool,
    close_portal: bool | None = None,
) -> None:
    """Plan, show, ask, apply, report: the way of the panel, on the command line."""
    actor = current_actor()
    request = draft(kind, params, actor, files=files)
    with transaction():
        job_id = submit(request).id
    job = _waited(job_id, inline, until_planned=True)
    if job.state != JobState.PLANNED:
        raise click.ClickException(job.error or f"The job is {job.state}.")
    _print_plan(job)
    if dry_run or (not yes and not click.confirm("Do it?")):
        with transaction():
            discard(job_id, actor)
        click.echo("Nothing was done.")
        return
    with transaction():
        start(job_id, actor, close_portal=close_portal)
    _print_result(_waited(job_id, inline, until_planned=False))


def _waited(job_id: uuid.UUID, inline: bool, *, until_planned: bool) -> Job:
    if inline:
        run_inline(job_id)
        return get_job(job_id)
    return wait_for(job_id, PATIENCE_SECONDS, until_planned=until_planned)


def _print_plan(job: Job) -> None:
    click.echo(f"{job.title}: {job.rows_count} rows")
    for count in counts_by_code(job.id):
        reason = f" ({count.code}: {count.sample})" if count.code else ""
        click.echo(f"  {count.action:10} {count.count:>8}{reason}")


def _print_result(job: Job) -> None:
    click.echo(f"{job.title}: {job.state}")
    click.echo(
        f"  done {job.done_count}, unchanged {job.unchanged_count}, refused {job.refused_count}, "
        f"failed {job.failed_count}, cancelled {job.cancelled_count}"
    )
    for count in counts_by_code(job.id):
        if count.code:
            click.echo(f"  {count.state:10} {count.count:>8}  {count.code}: {count.sample}")
    if job.state != JobState.FINISHED or job.failed_count:
        raise click.ClickException(job.error or "Not every row was done; see the job in the panel.")
