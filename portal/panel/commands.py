"""The core's own commands, mounted directly under ``portal``: users, jobs, maintenance, doctor, sweep."""

import uuid
from typing import BinaryIO

import click

from portal.auth import accounts
from portal.auth.activation_keys import rotate_keys
from portal.auth.passwords import hashed
from portal.config import current_config
from portal.documents.service import compiled_state
from portal.files.sweeper import sweep as sweep_blobs
from portal.health.checks import prove_storage, run_checks
from portal.jobs import api, queries
from portal.jobs.models import Job
from portal.jobs.results import result_lines
from portal.jobs.states import RowState
from portal.kernel.actor import SYSTEM
from portal.kernel.db import db
from portal.kernel.errors import NotFound
from portal.kernel.transaction import transaction
from portal.maintenance import service as maintenance
from portal.panel import people_commands, token_commands
from portal.panel.job_commands import submit_job
from portal.panel.undo_commands import undo_job


@click.group()
def users() -> None:
    """Users and administrators."""


@users.command("create-admin")
@click.argument("sign_in_name")
@click.option(
    "--password", prompt=True, hide_input=True, confirmation_prompt=True, help="At least 12 characters."
)
def create_admin(sign_in_name: str, password: str) -> None:
    """Make a user with the administrator role."""
    secret = hashed(password)
    with transaction():
        accounts.create_administrator(sign_in_name, secret)
    click.echo(f"{sign_in_name} can sign in now.")


@users.command("set-password")
@click.argument("sign_in_name")
@click.option(
    "--password", prompt=True, hide_input=True, confirmation_prompt=True, help="At least 12 characters."
)
def set_password(sign_in_name: str, password: str) -> None:
    """Give a user a new password and end all sign-ins."""
    secret = hashed(password)
    with transaction():
        user = accounts.find_user_for_sign_in(sign_in_name)
        if user is None:
            raise NotFound("user-not-found", f"No user signs in as {sign_in_name!r}.")
        accounts.set_password(user.id, secret)
    click.echo(f"{sign_in_name} has a new password.")


@users.command("rotate-activation-keys")
def rotate_activation_keys() -> None:
    """Make a new key for activation codes; codes of the key before stay valid until the next rotation."""
    rotate_keys()
    click.echo("New codes use the new key from now on.")


for command in (*people_commands.COMMANDS, token_commands.create_service):
    users.add_command(command)


@click.group()
def jobs() -> None:
    """Bulk jobs: list, look, cancel, resume, retry."""


jobs.add_command(submit_job)
jobs.add_command(undo_job)


@jobs.command("list")
@click.option("--limit", default=20, show_default=True)
def list_jobs(limit: int) -> None:
    """List the newest jobs."""
    for job in db.session.scalars(db.select(Job).order_by(Job.created_at.desc()).limit(limit)):
        click.echo(_line(job))


@jobs.command()
@click.argument("job_id", type=click.UUID)
@click.option("--rows", is_flag=True, help="List the rows that were refused or failed.")
def show(job_id: uuid.UUID, rows: bool) -> None:
    """Show a job with its counts."""
    job = queries.get_job(job_id)
    click.echo(_line(job))
    if job.error:
        click.echo(f"  error: {job.error}")
    for count in queries.counts_by_code(job_id):
        click.echo(f"  {count.count:8} {count.state:10} {count.action:10} {count.code}")
    if rows:
        for state in (RowState.REFUSED, RowState.FAILED):
            for row in queries.list_rows(job_id, state=state, limit=1000):
                click.echo(f"  {row.position}: {row.label}: {row.code}: {row.message}")


@jobs.command()
@click.argument("job_id", type=click.UUID)
def cancel(job_id: uuid.UUID) -> None:
    """Ask a job to stop; what is done stays done."""
    with transaction():
        api.cancel(job_id, SYSTEM)
    click.echo("It will stop within a few seconds.")


@jobs.command()
@click.argument("job_id", type=click.UUID)
def resume(job_id: uuid.UUID) -> None:
    """Go on with a cancelled or failed job."""
    with transaction():
        api.resume(job_id, SYSTEM)
    click.echo("It goes on.")


@jobs.command()
@click.argument("job_id", type=click.UUID)
def retry(job_id: uuid.UUID) -> None:
    """Plan and apply failed and refused rows again."""
    with transaction():
        api.retry(job_id, SYSTEM)
    click.echo("Failed and refused rows are planned again.")


@jobs.command()
@click.argument("job_id", type=click.UUID)
@click.argument("file", type=click.File("wb"))
def result(job_id: uuid.UUID, file: BinaryIO) -> None:
    """Write the result file: the uploaded columns and what became of each row."""
    file.writelines(result_lines(queries.get_job(job_id)))


def _line(job: Job) -> str:
    counts = (
        f"{job.done_count} done, {job.refused_count} refused, {job.failed_count} failed of {job.rows_count}"
    )
    return f"{job.id}  {job.created_at:%Y-%m-%d %H:%M}  {job.state:9}  {job.kind}  {job.title}  ({counts})"


@click.group("maintenance")
def maintenance_commands() -> None:
    """Close the portal and open it again."""


@maintenance_commands.command()
@click.argument("reason")
def start(reason: str) -> None:
    """Close the portal; only administrators and holders of the permission pass."""
    with transaction():
        maintenance.start(reason, SYSTEM)
    click.echo("The portal is closed.")


@maintenance_commands.command()
def end() -> None:
    """Open the portal again."""
    with transaction():
        window = maintenance.current()
        if window is None:
            click.echo("The portal is open.")
            return
        maintenance.end(window.id, SYSTEM)
    click.echo("The portal is open again.")


@click.command()
def doctor() -> None:
    """Check the installation; exit status 1 when something needs a person."""
    results = {**run_checks(), "storage, tried": prove_storage()}
    for name, found in results.items():
        click.echo(f"{'ok  ' if found.ok else 'FAIL'}  {name}: {found.message}")
    for state in compiled_state():
        how = (
            f"drawn from {state.shapes_count} layouts"
            if state.compiled
            else f"laid out one by one: {state.reason}"
        )
        click.echo(f"{'ok  ' if state.compiled else 'SLOW'}  {state.kind}: {how}")
    if not all(found.ok for found in results.values()):
        raise SystemExit(1)


@click.command()
@click.option("--grace-seconds", type=int, help="Age before an unnamed blob goes; the setting when absent.")
def sweep(grace_seconds: int | None) -> None:
    """Remove stored files that no record names any more."""
    grace = current_config().sweep_grace_seconds if grace_seconds is None else grace_seconds
    click.echo(str(sweep_blobs(grace)))
