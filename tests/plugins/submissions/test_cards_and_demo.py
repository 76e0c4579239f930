"""The cards of the dashboard and the demo's course."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from plugins.submissions import api, permissions
from plugins.submissions.api.courses import course_items, item_names
from plugins.submissions.api.queue import queue_counts
from plugins.submissions.cards import CARDS, queues_card, scores_card, submissions_card
from plugins.submissions.demo import COURSE, demo_steps
from plugins.submissions.models import GraderState
from portal.kernel.transaction import run_in_transaction
from portal.sdk import SYSTEM, DemoContext, acting_as, transaction, utc_now
from portal.sdk.jobs import counts_by_code, draft, get_job, run_inline, store_upload, submit
from portal.sdk.web import CardContent
from portal.testing.clients import PortalClient
from portal.testing.people import make_user
from portal.testing.statements import counted_statements
from tests.plugins.submissions.conftest import handed_in, item, scored
from tests.plugins.submissions.filled import with_grader


def figures(content: CardContent) -> dict[str, Any]:
    return {figure.label: figure.value for figure in content.figures}


@pytest.mark.both_engines
def test_the_cards_count_by_day_and_state_in_one_statement_each(app: Flask) -> None:
    week = [{"student_item": item("old"), "answer": 1, "submitted_at": utc_now() - timedelta(days=10)}]
    run_in_transaction(lambda: api.create_submissions(week))
    scored(handed_in()["uuid"], 1, 2)
    for place in range(4):
        with_grader(f"g{place}", place)
    run_in_transaction(lambda: api.reset_score("ann", "c1", "i1"))
    with app.test_request_context(), acting_as(SYSTEM):
        found = {}
        for load in (submissions_card, scores_card, queues_card):
            with counted_statements() as seen:
                found[load] = figures(load())
            assert sum("submissions_" in text for text in seen) == 1
    assert found[submissions_card] == {"Today": 5, "Last seven days": 5, "Last 30 days": 6}
    assert found[scores_card] == {"Today": 2, "Last seven days": 2, "Last 30 days": 2}
    assert found[queues_card] == {"Waiting": 2, "With a grader": 1, "Failed": 1}


def test_the_cards_of_an_empty_portal_load(app: Flask, signed_in: Callable[..., PortalClient]) -> None:
    client = signed_in(permissions.ITEMS_VIEW, permissions.SCORES_VIEW, permissions.GRADERS_VIEW)
    assert client.get("/panel/").status_code == 200
    with app.test_request_context(), acting_as(SYSTEM):
        assert [bool(card.load()) for card in CARDS] == [True] * 3


def run_job(kind: str, params: Mapping[str, Any], files: Mapping[str, Path]) -> dict[str, Any]:
    uploads = {}
    for name, path in files.items():
        with path.open("rb") as stream:
            uploads[name] = store_upload(stream, path.name)
    with transaction():
        job_id = submit(draft(kind, params, SYSTEM, files=uploads), apply=True).id
    run_inline(job_id)
    refused = {count.code for count in counts_by_code(job_id) if count.code}
    return {"job_id": str(job_id), "done": get_job(job_id).done_count, "refused": refused}


@pytest.mark.both_engines
def test_the_demo_course_has_scores_queues_teams_and_a_job_with_refusals(app: Flask, tmp_path: Path) -> None:
    with acting_as(SYSTEM):
        make_user("admin")
        context = DemoContext(size=100, seed=1, folder=tmp_path, run_job=run_job)
        (step,) = demo_steps(100, 1)
        facts = step.run(context)
        names = item_names(limit=10)
        items = {found.item_id: found.students for found in course_items(names)}
    assert facts["submissions"] >= 150
    assert facts["uploaded_scores"] == 51
    assert items == {"essay-1": 60, "program-1": 24, "project": 24, "quiz-1": 60}
    assert {name[0] for name in names} == {COURSE}
    states = queue_counts()["phy101-python"]
    assert set(states) == {GraderState.PENDING, GraderState.PULLED, GraderState.FAILED, GraderState.RETIRED}
    assert list(api.check_ledger()) == []
