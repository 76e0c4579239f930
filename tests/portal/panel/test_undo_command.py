"""``portal jobs undo``: shows what would be taken back, asks, does it."""

import uuid
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from portal.jobs import api
from portal.jobs.engine import run_inline
from portal.jobs.models import Job
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.panel.undo_commands import undo_job
from tests.portal.jobs.toy_table import Thing


@pytest.fixture
def job_id(app: Flask) -> uuid.UUID:
    request = api.draft("toy.number_things", {"numbers": {"a": 1, "b": 2}}, SYSTEM)
    with transaction():
        made = api.submit(request, apply=True).id
    run_inline(made)
    return made


def run(app: Flask, *arguments: Any, answer: str = "") -> Result:
    with acting_as(SYSTEM):
        runner = app.test_cli_runner()
        return runner.invoke(undo_job, [*map(str, arguments), "--inline"], input=answer)


def count(model: type) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_a_dry_run_or_a_no_changes_nothing_and_leaves_no_job(app: Flask, job_id: uuid.UUID) -> None:
    for arguments, answer in ((["--dry-run"], ""), ([], "n\n")):
        told = run(app, job_id, *arguments, answer=answer)
        assert "remove            2" in " ".join(told.output.split("\n"))
        assert "Nothing was done." in told.output

    assert (count(Thing), count(Job)) == (2, 1)


def test_a_yes_takes_everything_back(app: Flask, job_id: uuid.UUID) -> None:
    told = run(app, job_id, "--yes")

    assert told.exit_code == 0
    assert "done 2" in told.output
    assert count(Thing) == 0
