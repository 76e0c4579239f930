"""The commands ``portal submissions …``. Thin: they call the API or submit the same jobs as the panel does."""

import sys
from pathlib import Path
from typing import Any

import click

from plugins.submissions import api
from plugins.submissions.api.actions import find_item, reset_item, restore_item
from plugins.submissions.api.ledger import check_ledger
from plugins.submissions.api.queue import MOST_AT_ONCE, queue_counts, retry, stuck_entries, unstick
from plugins.submissions.jobs import UploadScores
from plugins.submissions.jobs.checking import difference_lines, mend
from plugins.submissions.jobs.exporting import ExportParams, write_course
from plugins.submissions.models import GraderState
from portal.sdk import current_actor, run_in_transaction
from portal.sdk.jobs import Upload, chunked, draft_sheet, drive, job_options, store_upload

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("score")
@click.argument("submission_uuid", metavar="UUID")
@click.argument("points_earned", metavar="EARNED")
@click.argument("points_possible", metavar="POSSIBLE")
@click.option("--reason", required=True, help="Why; kept with the score.")
@click.option("--type", "kind", default="staff_defined", show_default=True, help="Kind of score.")
def score(submission_uuid: str, points_earned: str, points_possible: str, reason: str, kind: str) -> None:
    """Set the score of a submission, with the reason."""
    given: tuple[Any, ...] = (
        submission_uuid,
        points_earned,
        points_possible,
        current_actor().name,
        kind,
        reason,
    )
    run_in_transaction(lambda: api.set_score(*given))
    click.echo(f"Submission {submission_uuid} has {points_earned} of {points_possible} points.")


@click.command("upload-scores")
@click.argument("sheet", metavar="FILE", type=_FILE)
@click.option("--course", "course_id", metavar="ID", help="Course of rows that name none.")
@click.option("--item", "item_id", metavar="ID", help="Item of rows that name none.")
@click.option("--possible", "points_possible", type=int, help="Points possible of rows that do not say it.")
@click.option("--ignore", multiple=True, metavar="COLUMN", help="A column of the sheet that is not read.")
@job_options
def upload_scores(
    sheet: Path,
    course_id: str | None,
    item_id: str | None,
    points_possible: int | None,
    ignore: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    inline: bool,
) -> None:
    """Set scores from a sheet (CSV or XLSX): show what changes, ask, do it."""
    params = {"course_id": course_id, "item_id": item_id, "points_possible": points_possible}
    ignored = dict.fromkeys(ignore, "ignore")
    request = draft_sheet(UploadScores.name, params, current_actor(), _uploaded(sheet), mapping=ignored)
    drive(request, dry_run=dry_run, yes=yes, inline=inline)


@click.command("reset")
@click.argument("student_id", metavar="STUDENT")
@click.argument("course_id", metavar="COURSE")
@click.argument("item_id", metavar="ITEM")
@click.option("--clear", is_flag=True, help="Clear what was handed in, too.")
@click.option("--reason", required=True, help="Why; kept in the audit record.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
def reset(student_id: str, course_id: str, item_id: str, clear: bool, reason: str, yes: bool) -> None:
    """Reset the score of a student's item; exit status 1 when there is no such item."""
    item = find_item(student_id, course_id, item_id).item
    told = "Reset the score and clear what was handed in" if clear else "Reset the score"
    if not yes:
        click.confirm(f"{told}: {student_id}, {item_id} of {course_id}?", abort=True)
    run_in_transaction(lambda: reset_item(item, clear=clear, reason=reason))
    click.echo("Done. The earlier scores stay in the history.")


@click.command("restore")
@click.argument("student_id", metavar="STUDENT")
@click.argument("course_id", metavar="COURSE")
@click.argument("item_id", metavar="ITEM")
def restore(student_id: str, course_id: str, item_id: str) -> None:
    """Bring back what a reset has cleared; exit status 1 when there is nothing."""
    item = find_item(student_id, course_id, item_id).item
    number = run_in_transaction(lambda: restore_item(item))
    click.echo(
        f"{number} submissions are back. Their scores stay reset: set one again where it should count."
    )


@click.command("export")
@click.argument("course_id", metavar="COURSE")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@click.option("--item", "item_id", metavar="ID", help="Only this item.")
@click.option(
    "--format", "form", type=click.Choice(["csv", "xlsx"]), help="By the file's ending when left out."
)
@click.option("--without-answers", is_flag=True, help="Leave out what students wrote.")
def export(course_id: str, out: Path, item_id: str | None, form: str | None, without_answers: bool) -> None:
    """Write a course's submissions with their scores to a file; exit status 1 when there are none."""
    wanted = {"course_id": course_id, "item_id": item_id, "with_answers": not without_answers}
    ending = form or ("xlsx" if out.suffix.lower() == ".xlsx" else "csv")
    params = ExportParams.model_validate({**wanted, "format": ending})
    partial = out.with_name(f"{out.name}.part")
    try:
        with partial.open("wb") as file:
            rows = write_course(params, file, lambda done, total: None)
        partial.replace(out)
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}.") from error
    finally:
        partial.unlink(missing_ok=True)
    click.echo(f"{rows} submissions are in {out}.")


@click.group("ledger")
def ledger() -> None:
    """The ledger of scores and its summaries."""


@ledger.command("check")
@click.option("--course", "course_id", metavar="ID", help="Only this course.")
@click.option("--repair", is_flag=True, help="Rewrite the summaries that differ.")
def check(course_id: str | None, repair: bool) -> None:
    """Compare every summary with its scores; exit status 1 when one differs and is not mended."""
    found = mended = 0
    for chunk in chunked(check_ledger(course_id), MOST_AT_ONCE):
        found += len(chunk)
        for difference in chunk:
            for line in difference_lines(difference):
                click.echo(" · ".join(str(cell) for cell in line if cell != ""))
        if repair:
            mended += mend([item.student_item for item in chunk])
    if not found:
        click.echo("All is well.")
        return
    click.echo(f"{found} student items differ, {mended} mended.")
    if mended < found:
        sys.exit(1)


@click.group("queue")
def queue() -> None:
    """The queue of external graders."""


@queue.command("list")
def queue_list() -> None:
    """Show each queue with the number of its entries by state, and how many stick."""
    found = queue_counts()
    for name, counts in found.items():
        told = ", ".join(f"{state.value} {counts[state]}" for state in GraderState if state in counts)
        click.echo(f"{name}: {told}")
    if not found:
        click.echo("No queue has an entry.")
    stuck = len(stuck_entries())
    if stuck:
        more = " or more" if stuck == MOST_AT_ONCE else ""
        click.echo(f"{stuck}{more} handed out and not answered in time: portal submissions queue unstick")


@queue.command("unstick")
@click.option("--queue", "name", metavar="NAME", help="Only this queue.")
def queue_unstick(name: str | None) -> None:
    """Offer entries anew that were handed out and not answered in time."""
    number = 0
    while entries := stuck_entries(name):
        done = run_in_transaction(lambda found=entries: unstick(found)).done  # type: ignore[misc]
        number += len(done)
        if not done:
            break
    click.echo(f"{number} entries are offered anew.")


@queue.command("retry")
@click.argument("entries", metavar="ENTRY...", nargs=-1, required=True, type=click.IntRange(1, 2**63 - 1))
def queue_retry(entries: tuple[int, ...]) -> None:
    """Let failed entries wait again, by the numbers that the panel shows; exit status 1 when one has not failed."""
    result = run_in_transaction(lambda: retry(entries))
    click.echo(f"{len(result.done)} entries wait again.")
    for entry, state in result.left.items():
        told = f"is {state} and stays" if state else "does not exist"
        click.echo(f"Entry {entry} {told}.", err=True)
    if result.left:
        sys.exit(1)


COMMANDS = (score, upload_scores, reset, restore, export, ledger, queue)


def _uploaded(path: Path) -> Upload:
    with path.open("rb") as stream:
        return store_upload(stream, path.name)
