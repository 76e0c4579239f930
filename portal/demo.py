"""``portal demo``: a university to try everything on, made by the plugins' own steps through the real import jobs."""

import json
import os
import secrets
import shutil
import stat
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from flask import Flask

from portal.app import create_app
from portal.auth.accounts import create_administrator
from portal.auth.passwords import hashed
from portal.config import PortalConfig
from portal.hooks.declarations import DemoContext, DemoStep
from portal.hooks.manager import answers
from portal.jobs.api import draft, submit
from portal.jobs.queries import counts_by_code, get_job, wait_for
from portal.jobs.states import JobState
from portal.jobs.uploads import store_upload
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.errors import Conflict
from portal.kernel.transaction import transaction
from portal.settings.store import set_values
from portal.supervisor import Supervisor
from portal.web.institution import InstitutionSettings

USER = "admin"
INSTITUTION = "Example University"
#: Longest time that one job of the demo may take.
JOB_SECONDS = 3600


def run(config: PortalConfig, applicants: int, seed: int, *, serve: bool) -> dict[str, Any]:
    """Make the demo university unless it is there, then serve the panel until Ctrl-C if asked; return the summary."""
    config.make_home()
    with Supervisor(config, announce=click.echo, web=serve, log_dir=config.home / "logs") as supervisor:
        app = create_app(config)
        with app.app_context(), acting_as(SYSTEM):
            password = _administrator(config)
            summary = _known_summary(config) or _make(app, config, applicants, seed)
        _print_summary(summary)
        if serve:
            _print_welcome(supervisor.url, password, summary)
            supervisor.wait()
    return summary


def reset(config: PortalConfig) -> None:
    """Delete the demo's home folder. Refuses a folder that no demo was made in."""
    if not config.home.exists():
        click.echo(f"Nothing to reset: {config.home} does not exist.")
        return
    if not (config.home / "demo-password").exists():
        raise click.ClickException(f"{config.home} holds no demo university; it is not deleted.")
    shutil.rmtree(config.home)
    click.echo(f"Deleted {config.home}.")


def _administrator(config: PortalConfig) -> str:
    """Return the demo administrator's password, made once and kept readable for its owner only."""
    path = config.home / "demo-password"
    if path.exists():
        return path.read_text(encoding="ascii").strip()
    password = secrets.token_urlsafe(12)
    secret = hashed(password)
    with transaction():
        create_administrator(USER, secret)
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(password + "\n")
    return password


def _known_summary(config: PortalConfig) -> dict[str, Any] | None:
    path = config.home / "demo.json"
    if not path.exists():
        return None
    click.echo("The demo university is there already (`make demo-reset` starts over).")
    summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return summary


def _make(app: Flask, config: PortalConfig, applicants: int, seed: int) -> dict[str, Any]:
    folder = config.home / "demo-files"
    folder.mkdir(exist_ok=True)
    with transaction():
        set_values(InstitutionSettings, {"name": INSTITUTION})
    context = DemoContext(size=applicants, seed=seed, folder=folder, run_job=_run_job)
    found = answers("portal_demo", size=applicants, seed=seed)
    steps: list[DemoStep] = sorted((step for _, some in found for step in some), key=lambda step: step.order)
    for step in steps:
        started = time.monotonic()
        click.echo(f"{step.title} …", nl=False)
        context.facts.update(step.run(context))
        click.echo(f" {time.monotonic() - started:.1f} s")
    summary = {**context.facts, "home": str(config.home)}
    (config.home / "demo.json").write_text(json.dumps(summary), encoding="utf-8")
    return summary


def _run_job(kind: str, params: Mapping[str, Any], files: Mapping[str, Path]) -> Mapping[str, Any]:
    """Run a job of the kind through the workers and return what became of its rows."""
    uploads = {}
    for name, path in files.items():
        with path.open("rb") as stream:
            uploads[name] = store_upload(stream, path.name)
    request = draft(kind, params, SYSTEM, files=uploads)
    started = time.monotonic()
    with transaction():
        job_id = submit(request, apply=True, close_portal=False).id
    job = wait_for(job_id, JOB_SECONDS)
    if job.state != JobState.FINISHED:
        raise Conflict("demo-job-failed", f"{job.title} is {job.state}: {job.error}")
    codes: Counter[str] = Counter()
    for count in counts_by_code(job_id):
        if count.code:
            codes[count.code] += count.count
    return {
        "job_id": str(job_id),
        "rows": job.rows_count,
        "done": job.done_count,
        "refused": codes,
        "failed": job.failed_count,
        "seconds": time.monotonic() - started,
        "cpu_seconds": get_job(job_id).cpu_seconds,
    }


def _print_summary(summary: Mapping[str, Any]) -> None:
    click.echo("")
    refused = (
        ", ".join(f"{code} {count}" for code, count in sorted(summary.get("refused", {}).items())) or "none"
    )
    lines = {
        "Imported": summary.get("imported"),
        "Admitted": summary.get("admitted"),
        "Students created": summary.get("students"),
        "Slips": summary.get("slips"),
        "Refused by reason": refused,
        "Students per second": summary.get("students_per_second"),
        "CPU ms per student": summary.get("cpu_ms_per_student"),
        "Files": summary.get("home"),
    }
    for name, value in lines.items():
        click.echo(f"  {name + ':':22} {value}")
    click.echo("")


def _print_welcome(url: str, password: str, summary: Mapping[str, Any]) -> None:
    click.echo(f"Open {url} and sign in as {USER} with the password {password}")
    for title, path in summary.get("links", []):
        click.echo(f"  {title + ':':34} {url}{path}")
    click.echo("Ctrl-C stops everything.")
