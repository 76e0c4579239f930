"""The commands ``portal admissions …``. Thin: they submit the same jobs as the panel does."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from plugins.admissions.api.applicants import applicant_uid_of
from plugins.admissions.api.folders import export_folders
from plugins.admissions.api.integrity import broken_promises
from plugins.admissions.jobs import CreateStudents, ImportApplicants
from plugins.admissions.jobs.importing import PHOTOS
from portal.sdk import current_actor
from portal.sdk.jobs import Upload, draft, draft_sheet, drive, job_options, store_upload


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
    """Import applicants from a sheet (CSV or XLSX): create, change or remove them."""
    request = draft_sheet(
        ImportApplicants.name,
        {"mode": mode, "container": container},
        current_actor(),
        _uploaded(sheet),
        mapping=dict.fromkeys(ignore, "ignore"),
        files={PHOTOS: _uploaded(photos)} if photos is not None else {},
    )
    drive(request, dry_run=dry_run, yes=yes, inline=inline)


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
    request = draft(CreateStudents.name, params, current_actor())
    drive(request, dry_run=dry_run, yes=yes, inline=inline, close_portal=close_portal)


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
