"""The page and the commands of schedules."""

import re
from collections.abc import Callable

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import func, select

from portal.cli import portal as command_line
from portal.jobs.engine import run_inline
from portal.jobs.models import Job
from portal.jobs.queries import get_job
from portal.jobs.schedules import ScheduleState
from portal.jobs.states import JobState
from portal.kernel.db import db
from portal.testing.clients import PortalClient

MANAGE = "portal.schedules.manage"
PAGE = "/panel/schedules/"
NAME = "portal.remove_expired"


@pytest.fixture
def manager(signed_in: Callable[..., PortalClient]) -> PortalClient:
    return signed_in(MANAGE, "portal.jobs.view", "portal.jobs.view_all")


def form_token(client: PortalClient) -> str:
    found = re.search(r'name="form_token" value="(\w+)"', client.get(PAGE).get_data(as_text=True))
    assert found
    return found[1]


def jobs() -> list[Job]:
    return list(db.session.scalars(select(Job).where(Job.kind == NAME)))


def test_page_tells_of_every_schedule(manager: PortalClient) -> None:
    page = manager.get(PAGE).get_data(as_text=True)

    for words in (
        "Remove expired sign-ins",
        "Every day at 04:05",
        "5 4 * * *",
        "admissions.nightly_check",
        "Not yet",
    ):
        assert words in page


def test_page_needs_the_permission(signed_in: Callable[..., PortalClient]) -> None:
    officer = signed_in("portal.jobs.view")

    assert officer.get(PAGE).status_code == 403
    for action in ("run", "switch"):
        assert officer.submit(f"{PAGE}{action}", {"name": NAME}, page="/panel/").status_code == 403
    assert jobs() == []


def test_run_now_leads_to_the_job_and_a_second_click_to_the_same(manager: PortalClient) -> None:
    form = {"name": NAME, "form_token": form_token(manager)}
    first, second = (manager.submit(f"{PAGE}run", form, page=PAGE) for _ in range(2))

    (job,) = jobs()
    assert first.location == second.location
    assert str(job.id) in first.location
    run_inline(job.id)
    page = manager.get(PAGE).get_data(as_text=True)
    assert "finished" in page
    assert "by Officer" in page
    assert f"/panel/jobs/{job.id}/" in page


def test_who_may_not_see_jobs_stays_on_the_page(signed_in: Callable[..., PortalClient]) -> None:
    manager = signed_in(MANAGE)
    answer = manager.submit(f"{PAGE}run", {"name": NAME, "form_token": form_token(manager)}, page=PAGE)

    assert answer.location == PAGE
    assert "/panel/jobs/" not in manager.get(PAGE).get_data(as_text=True)


def test_switch_off_and_on_again(manager: PortalClient) -> None:
    manager.submit(f"{PAGE}switch", {"name": NAME, "enabled": "0"}, page=PAGE)
    assert db.session.scalar(select(ScheduleState.enabled).where(ScheduleState.name == NAME)) is False
    assert "Switch on" in manager.get(PAGE).get_data(as_text=True)

    manager.submit(f"{PAGE}switch", {"name": NAME, "enabled": "1"}, page=PAGE)
    assert db.session.scalar(select(ScheduleState.enabled).where(ScheduleState.name == NAME)) is True


@pytest.mark.parametrize("action", ["run", "switch"])
@pytest.mark.parametrize("name", ["no.such", "", "portal.remove_expired'--"])
def test_unknown_schedule_is_not_found(manager: PortalClient, action: str, name: str) -> None:
    form = {"name": name, "enabled": "1", "form_token": form_token(manager)}

    assert manager.submit(f"{PAGE}{action}", form, page=PAGE).status_code == 404


def test_run_without_its_form_token_is_refused(manager: PortalClient) -> None:
    assert manager.submit(f"{PAGE}run", {"name": NAME}, page=PAGE).status_code == 422
    assert jobs() == []


def test_page_is_not_changed_by_a_get(manager: PortalClient) -> None:
    manager.get(PAGE)

    assert db.session.scalar(select(func.count()).select_from(ScheduleState)) == 0


def test_commands_list_and_run(app: Flask) -> None:
    runner = CliRunner()
    started = runner.invoke(command_line, ["schedules", "run", NAME], obj=app)
    (job,) = jobs()

    assert (started.exit_code, started.output.strip()) == (0, str(job.id))
    run_inline(job.id)
    listed = runner.invoke(command_line, ["schedules", "list"], obj=app).output
    (line,) = [line for line in listed.splitlines() if line.startswith(NAME)]
    assert "5 4 * * *" in line
    assert line.endswith("(finished)")
    assert get_job(job.id).state == JobState.FINISHED


def test_command_names_an_unknown_schedule(app: Flask) -> None:
    answer = CliRunner().invoke(command_line, ["schedules", "run", "no.such"], obj=app)

    assert answer.exit_code == 1
    assert "'no.such'" in answer.output
