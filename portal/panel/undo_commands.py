"""``portal jobs undo``: take back what a job did, from the command line."""

import uuid

import click

from portal.jobs.api import discard, start, undo
from portal.jobs.console import print_plan, print_result, waited
from portal.jobs.states import JobState
from portal.kernel.actor import current_actor
from portal.kernel.transaction import transaction


@click.command("undo")
@click.argument("job_id", type=click.UUID)
@click.option("--dry-run", is_flag=True, help="Show what would be taken back and what kept.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.option("--inline", is_flag=True, help="Work in this process; no queue server or worker is needed.")
def undo_job(job_id: uuid.UUID, dry_run: bool, yes: bool, inline: bool) -> None:
    """Take back what an ended job did; what was changed or used since is kept, with the reason."""
    actor = current_actor()
    with transaction():
        undo_id = undo(job_id, actor).id
    job = waited(undo_id, inline, until_planned=True)
    if job.state == JobState.PLANNED:
        print_plan(job)
        if dry_run or not job.pending_count or not (yes or click.confirm("Undo it?")):
            with transaction():
                discard(undo_id, actor)
            click.echo("Nothing was done.")
            return
        with transaction():
            start(undo_id, actor)
        job = waited(undo_id, inline, until_planned=False)
    print_result(job)
