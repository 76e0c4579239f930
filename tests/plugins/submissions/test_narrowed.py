"""An institution's plugin may keep people to some courses: pages, figures and uploads stay within them."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select

from plugins.submissions import api, permissions
from plugins.submissions.api.courses import count_submissions_of, course_lines
from plugins.submissions.models import Score, ScoreSummary, StudentItem, Submission
from portal.hooks.manager import PLUGINS_KEY, Plugins
from portal.kernel.transaction import run_in_transaction, transaction
from portal.sdk import Actor, hookimpl
from portal.sdk.jobs import RowState
from portal.testing.clients import PortalClient
from tests.plugins.submissions.conftest import handed_in, item, scored
from tests.plugins.submissions.sheets import line, messages, sheet, uploaded

PANEL = "/panel/submissions"


@hookimpl
def portal_narrow_rows(actor: Actor, permission: str, model: type) -> Any:
    """Keep everybody to the course c1."""
    mine = StudentItem.course_id == "c1"
    if model is StudentItem:
        return mine
    if model is Submission:
        return Submission.course_id == "c1"
    if model is Score:
        return Score.student_item_id.in_(select(StudentItem.id).where(mine))
    return None


@pytest.fixture
def narrowed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    faculty = ModuleType("faculty")
    vars(faculty)["portal_narrow_rows"] = portal_narrow_rows
    core = app.extensions[PLUGINS_KEY].modules["portal"]
    monkeypatch.setitem(app.extensions, PLUGINS_KEY, Plugins(core, extra={"faculty": faculty}))


@pytest.fixture
def two_courses(narrowed: None) -> None:
    scored(handed_in("ann")["uuid"], 4, 5)
    made = run_in_transaction(lambda: api.create_submission(item("eve", course="c2"), "secret"))
    scored(made["uuid"], 5, 5)


@pytest.mark.both_engines
def test_pages_and_figures_show_the_own_courses_only(
    two_courses: None, signed_in: Callable[..., PortalClient]
) -> None:
    client = signed_in(permissions.ITEMS_VIEW, permissions.SCORES_VIEW, permissions.ANSWERS_VIEW)
    for name in ("student-item", "submission", "score"):
        page = client.get(f"{PANEL}/{name}/").get_data(as_text=True)
        assert (">ann<" in page, ">eve<" in page) == (True, False), name
    assert client.get(f"{PANEL}/section/item?course=c1&item=i1").status_code == 200
    assert client.get(f"{PANEL}/section/item?course=c2&item=i1").status_code == 404
    page = client.get(f"{PANEL}/section/").get_data(as_text=True)
    assert ('data-label="Course">c1<' in page, 'data-label="Course">c2<' in page) == (True, False)
    assert '<span class="figure-value">1</span>' in page


@pytest.mark.both_engines
def test_an_upload_does_not_reach_other_courses(two_courses: None) -> None:
    job = uploaded(sheet([line("ann", 1), line("eve", 1, course_id="c2")]))
    ((code, _),) = messages(job, RowState.REFUSED)
    assert (job.done_count, code) == (1, "student-item-unknown")


@pytest.mark.both_engines
def test_an_export_and_the_ledger_check_stay_within_the_own_courses(two_courses: None) -> None:
    assert [line[0]["course_id"] for line in course_lines("c1", permissions.EXPORT)] == ["c1"]
    assert list(course_lines("c2", permissions.EXPORT)) == []
    assert count_submissions_of("c2", permissions.EXPORT) == 0
    with transaction() as session:
        session.execute(delete(ScoreSummary))
    assert {found.course_id for found in api.check_ledger()} == {"c1"}
