"""The pages of jobs: planned, running, ended; each to whom it belongs."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select, update

from portal.auth.actors import actor_for_user
from portal.auth.models import User
from portal.jobs import api
from portal.jobs.engine import run_inline
from portal.jobs.models import Job
from portal.jobs.queries import get_job
from portal.jobs.states import JobState
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.maintenance import service as maintenance
from tests.portal.signing_in import Visitors

Plan = Callable[..., UUID]
OFFICER = ("portal.jobs.view", "toy.make")

pytestmark = pytest.mark.both_engines


def test_the_page_of_a_planned_job_says_what_will_happen(visitors: Visitors, plan_job: Plan) -> None:
    officer = visitors.with_permissions(*OFFICER, name="officer")
    job_id = plan_job("officer")
    page = officer.get(f"/panel/jobs/{job_id}/").get_data(as_text=True)
    assert "will be created" in page
    assert "bad-name" in page
    assert "Start: 3 rows" in page
    assert "Close the portal while it runs" in page
    assert 'name="close_portal" value="1">' in page


def test_starting_runs_it_and_a_second_click_starts_nothing(visitors: Visitors, plan_job: Plan) -> None:
    officer = visitors.with_permissions(*OFFICER, name="officer")
    job_id = plan_job("officer")
    token = officer.token(f"/panel/jobs/{job_id}/")
    for _ in range(2):
        answer = officer.post(f"/panel/jobs/{job_id}/start", data={"csrf_token": token})
        assert (answer.status_code, answer.location) == (302, f"/panel/jobs/{job_id}/")
    assert get_job(job_id).state == JobState.RUNNING
    run_inline(job_id)
    job = get_job(job_id)
    assert (job.state, job.done_count, job.refused_count) == (JobState.FINISHED, 3, 1)


def test_the_tick_closes_the_portal(visitors: Visitors, plan_job: Plan) -> None:
    officer = visitors.with_permissions(*OFFICER, name="officer")
    job_id = plan_job("officer", closes=True)
    page = f"/panel/jobs/{job_id}/"
    assert 'value="1" checked>' in officer.get(page).get_data(as_text=True)
    officer.submit(f"/panel/jobs/{job_id}/start", {"close_portal": "1"}, page=page)
    assert maintenance.current() is not None
    assert officer.get(page).status_code == 503
    run_inline(job_id)
    assert maintenance.current() is None
    assert officer.get(page).status_code == 200


def test_progress_is_sent_only_when_it_changed(visitors: Visitors, plan_job: Plan) -> None:
    officer = visitors.with_permissions(*OFFICER, name="officer")
    job_id = plan_job("officer")
    first = officer.get(f"/panel/jobs/{job_id}/progress")
    assert (first.status_code, first.headers["X-Job-State"]) == (200, "planned")
    headers = {"If-None-Match": first.headers["ETag"]}
    again = officer.get(f"/panel/jobs/{job_id}/progress", headers=headers)
    assert (again.status_code, again.get_data()) == (304, b"")
    officer.submit(f"/panel/jobs/{job_id}/start", page=f"/panel/jobs/{job_id}/")
    run_inline(job_id)
    changed = officer.get(f"/panel/jobs/{job_id}/progress", headers=headers)
    assert (changed.status_code, changed.headers["X-Job-State"]) == (200, "finished")


def test_the_report_filters_rows_and_gives_the_result_file(visitors: Visitors, plan_job: Plan) -> None:
    officer = visitors.with_permissions(*OFFICER, name="officer")
    job_id = plan_job("officer", apply=True)
    run_inline(job_id)
    page = f"/panel/jobs/{job_id}/"
    report = officer.get(page).get_data(as_text=True)
    assert "Everything has an outcome" in report
    assert "Try failed and refused rows again" in report
    refused = officer.get(f"{page}?state=refused&code=bad-name").get_data(as_text=True)
    assert "bad d is a bad name" in refused
    assert '<td class="what" data-label="What">a</td>' not in refused
    result = officer.get(f"{page}result.csv", buffered=True)
    assert result.mimetype == "text/csv"
    assert "bad-name" in result.get_data(as_text=True)
    assert officer.get(f"{page}?state=nonsense&after=-7&code=x").status_code == 200


def test_long_jobs_are_paged_by_position(visitors: Visitors, plan_job: Plan) -> None:
    officer = visitors.with_permissions(*OFFICER, name="officer")
    job_id = plan_job("officer", tuple(f"thing {number:03}" for number in range(120)))
    page = f"/panel/jobs/{job_id}/"
    first = officer.get(page).get_data(as_text=True)
    assert "thing 049" in first
    assert "thing 050" not in first
    assert "after=50" in first
    last = officer.get(f"{page}?after=100").get_data(as_text=True)
    assert "thing 119" in last
    assert "First page" in last


def test_other_peoples_jobs_are_hidden_without_the_permission(visitors: Visitors, plan_job: Plan) -> None:
    visitors.with_permissions(*OFFICER, name="officer")
    job_id = plan_job("officer")
    stranger = visitors.with_permissions(*OFFICER, name="stranger")
    token = stranger.token("/panel/")
    assert "Make things" not in stranger.get("/panel/jobs/").get_data(as_text=True)
    for place in ("", "progress", "result.csv"):
        assert stranger.get(f"/panel/jobs/{job_id}/{place}").status_code == 404, place
    for verb in ("start", "cancel", "resume", "retry", "discard"):
        assert stranger.post(f"/panel/jobs/{job_id}/{verb}", data={"csrf_token": token}).status_code == 404, (
            verb
        )
    watcher = visitors.with_permissions("portal.jobs.view", "portal.jobs.view_all", name="watcher")
    page = watcher.get(f"/panel/jobs/{job_id}/").get_data(as_text=True)
    assert "You may look at this plan but not start it" in page
    token = watcher.token("/panel/")
    assert watcher.post(f"/panel/jobs/{job_id}/start", data={"csrf_token": token}).status_code == 403


def test_a_running_job_can_be_stopped_resumed_and_a_plan_thrown_away(
    visitors: Visitors, plan_job: Plan
) -> None:
    officer = visitors.with_permissions(*OFFICER, name="officer")
    job_id = plan_job("officer")
    page = f"/panel/jobs/{job_id}/"
    officer.submit(f"{page}start", page=page)
    officer.submit(f"{page}cancel", page=page)
    run_inline(job_id)
    assert get_job(job_id).state == JobState.CANCELLED
    officer.submit(f"{page}resume", page=page)
    run_inline(job_id)
    assert get_job(job_id).done_count == 3
    other = plan_job("officer", ("x",))
    assert (
        officer.submit(f"/panel/jobs/{other}/discard", page=f"/panel/jobs/{other}/").location
        == "/panel/jobs/"
    )
    assert officer.get(f"/panel/jobs/{other}/").status_code == 404
    assert officer.submit(f"{page}discard", page=page).status_code == 409


def test_a_task_shows_its_progress_and_then_its_result(visitors: Visitors) -> None:
    officer = visitors.with_permissions(*OFFICER, name="officer")
    user_id = db.session.scalar(select(User.id).where(User.sign_in_key == "officer"))
    request = api.draft("toy.count", {"upto": 3}, actor_for_user(user_id))
    with transaction():
        job_id = api.submit(request).id
    running = officer.get(f"/panel/jobs/{job_id}/").get_data(as_text=True)
    assert "data-progress-url" in running
    assert "Stop the job" in running
    run_inline(job_id)
    ended = officer.get(f"/panel/jobs/{job_id}/").get_data(as_text=True)
    assert "data-progress-url" not in ended
    assert "Counted" in ended
    assert "Result as CSV" not in ended


def test_the_page_of_a_job_whose_plugin_is_gone_still_opens(visitors: Visitors, plan_job: Plan) -> None:
    officer = visitors.with_permissions(*OFFICER, name="officer")
    job_id = plan_job("officer", apply=True)
    run_inline(job_id)
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(kind="gone.make_things"))
    page = officer.get(f"/panel/jobs/{job_id}/")
    assert page.status_code == 200
    assert "gone.make_things" in page.get_data(as_text=True)
    assert "Try failed" not in page.get_data(as_text=True)
