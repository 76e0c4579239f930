"""The pages of submissions: they open, find, filter, show answers as text only, and ask a fixed number of questions."""

from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import select

from plugins.submissions import api, permissions
from plugins.submissions.admin import VIEWS
from plugins.submissions.admin.filters import pair_text
from plugins.submissions.admin.uploading import UploadView
from plugins.submissions.api.courses import item_names
from plugins.submissions.models import GraderEntry, StudentItem, Submission, TeamSubmission
from portal.kernel.migrations import drift
from portal.kernel.transaction import run_in_transaction
from portal.sdk import db
from portal.testing.clients import PortalClient
from portal.testing.statements import counted_statements
from tests.plugins.admissions.test_crawl import crawl, written
from tests.plugins.submissions.conftest import handed_in, item, scored
from tests.plugins.submissions.filled import SCRIPT, fill

PANEL = "/panel/submissions"
LISTS = ["section", "student-item", "submission", "score", "team-submission", "grader-entry"]
VIEWING = (
    permissions.ITEMS_VIEW,
    permissions.ANSWERS_VIEW,
    permissions.SCORES_VIEW,
    permissions.GRADERS_VIEW,
)


@pytest.fixture
def officer(app: Flask, signed_in: Callable[..., PortalClient]) -> PortalClient:
    return signed_in(*VIEWING)


def text_of(client: PortalClient, path: str) -> str:
    answer = client.get(path, follow_redirects=True)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


def first(model: type) -> int:
    db.session.rollback()
    found: Any = model
    return int(db.session.scalar(select(found.id).order_by(found.id)) or 0)


def details() -> dict[str, str]:
    """Return the page of one record of each kind."""
    models = {
        "student-item": StudentItem,
        "submission": Submission,
        "team-submission": TeamSubmission,
        "grader-entry": GraderEntry,
    }
    found = {name: f"{PANEL}/{name}/details/?id={first(model)}" for name, model in models.items()}
    return {**found, "item": f"{PANEL}/section/item?course=c1&item=i1"}


@pytest.mark.both_engines
def test_models_and_tables_agree_also_on_what_lists_need(app: Flask) -> None:
    assert drift("submissions") == []


def test_all_declared_pages_are_tested_here() -> None:
    leading_elsewhere = [view for view in VIEWS if view.view is UploadView]
    assert len(LISTS) + len(leading_elsewhere) == len(VIEWS)


def test_each_page_needs_its_permission(
    officer: PortalClient, signed_in: Callable[..., PortalClient]
) -> None:
    fill(1)
    stranger = signed_in("portal.jobs.view")
    for page in [f"{PANEL}/{name}/" for name in LISTS] + list(details().values()):
        assert officer.get(page).status_code == 200, page
        assert stranger.get(page).status_code == 403, page


@pytest.mark.both_engines
def test_more_records_ask_no_more_questions(officer: PortalClient) -> None:
    pages = [f"{PANEL}/{name}/" for name in LISTS]

    def questions() -> dict[str, int]:
        numbers = {}
        for page in [*pages, *details().values()]:
            with counted_statements() as statements:
                text_of(officer, page)
            numbers[page] = len(statements)
        return numbers

    fill(2)
    questions()
    few = questions()
    fill(6, start=2)

    assert questions() == few
    assert max(few.values()) <= 12, few


def test_what_students_and_graders_wrote_is_shown_as_text_only(officer: PortalClient) -> None:
    fill(2)
    found = [*details().values(), f"{PANEL}/score/", f"{PANEL}/submission/"]
    found += [f"{PANEL}/submission/details/?id={key}" for key in db.session.scalars(select(Submission.id))]
    pages = [text_of(officer, page) for page in found]
    assert not any(SCRIPT in page for page in pages)
    assert sum(str(escape(SCRIPT, quote=True)) in page.replace("&#39;", "&#x27;") for page in pages) > 3


def test_an_answer_is_a_download_and_needs_its_own_permission(
    officer: PortalClient, signed_in: Callable[..., PortalClient]
) -> None:
    handed_in("ann", f"{SCRIPT} {'x' * 50_000}")
    page, file = details_of_first(), f"{PANEL}/submission/{first(Submission)}/answer.json"
    answer = officer.get(file)
    assert answer.mimetype == "application/json"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Only the beginning is shown" in text_of(officer, page)
    assert len(text_of(officer, page)) < 60_000
    other = signed_in(permissions.ITEMS_VIEW)
    assert other.get(file).status_code == 403
    assert "do not include reading answers" in text_of(other, page)
    assert "alert" not in text_of(other, page)


def details_of_first() -> str:
    return f"{PANEL}/submission/details/?id={first(Submission)}"


@pytest.mark.both_engines
def test_lists_are_searched_by_student_and_uuid_and_filtered_by_item(officer: PortalClient) -> None:
    fill(2)
    uuid = handed_in("Zoe")["uuid"]
    other = uuid[:-1] + ("1" if uuid.endswith("0") else "0")
    scored(uuid, 1, 2)
    for name in ("student-item", "submission", "score"):
        page = text_of(officer, f"{PANEL}/{name}/?search=zo")
        assert ("Zoe" in page, ">s1<" in page) == (True, False), name
    assert ">Zoe<" in text_of(officer, f"{PANEL}/submission/?search={uuid}")
    assert "Nothing found" in text_of(officer, f"{PANEL}/submission/?search={other}")
    assert "t1" in text_of(officer, f"{PANEL}/team-submission/?search=t1")
    chosen = text_of(officer, f"{PANEL}/student-item/?flt0_0={quote(pair_text('c1', 'i9'))}")
    assert (">g1<" in chosen, "Zoe" in chosen) == (True, False)
    typed = text_of(officer, f"{PANEL}/submission/?flt0_0={quote(pair_text('c1', 'openassessment'))}")
    assert (">m1<" in typed, "Zoe" in typed) == (True, False)
    for odd in ("x", '["c1"]', '["a","b\\u0000"]', "[1,2]"):
        assert officer.get(f"{PANEL}/student-item/?flt0_0={quote(odd)}").status_code == 200


@pytest.mark.both_engines
def test_the_queue_is_filtered_by_state_and_queue(officer: PortalClient) -> None:
    fill(4)
    page = text_of(officer, f"{PANEL}/grader-entry/?flt0_0=failed")
    assert ("g3" in page, "g0 " in page) == (True, False)
    assert "g1" in text_of(officer, f"{PANEL}/grader-entry/?flt0_4=q1")


@pytest.mark.both_engines
def test_items_are_named_in_order_page_by_page(app: Flask) -> None:
    names = [(course, name) for course in ("a", "b", "é") for name in ("1", "10", "2", "É")]
    entries = [
        {"student_item": item(student, course, name), "answer": 1}
        for course, name in names
        for student in ("x", "y")
    ]
    run_in_transaction(lambda: api.create_submissions(entries))
    assert item_names(limit=100) == names
    found: list[tuple[str, str]] = []
    while page := item_names(found[-1] if found else ("", ""), 5):
        found += page
    assert found == names
    assert item_names(limit=100, course_id="b") == names[4:8]
    assert item_names(("b", "10"), 100, course_id="b") == names[6:8]
    assert item_names(limit=3, course_id="none") == []


def test_the_item_page_shows_spread_mean_and_top(officer: PortalClient) -> None:
    for student, points in (("ann", 10), ("bob", 5), ("eve", 0), ("zoe", 4)):
        scored(handed_in(student)["uuid"], points, 10)
    page = text_of(officer, details()["item"])
    assert '<th scope="row">50–59 %</th><td class="number" data-value="1">1</td>' in page
    assert "48 %" in page
    assert page.index(">ann<") < page.index(">bob<") < page.index(">zoe<")
    assert ">eve<" not in page
    assert officer.get(f"{PANEL}/section/item?course=c1&item=nothing").status_code == 404
    assert officer.get(f"{PANEL}/section/item?course=c1%00&item=i1").status_code == 422
    assert "No such course" in text_of(officer, f"{PANEL}/section/?course=nowhere")


GRANTED = {each.name: each.permissions for each in permissions.ROLES} | {
    "looks at scores": {permissions.SCORES_VIEW},
    "looks at queues": {permissions.GRADERS_VIEW},
    "looks at items": {permissions.ITEMS_VIEW},
}


@pytest.mark.parametrize(
    ("role", "least"),
    [
        ("instructor", 25),
        ("submissions_administrator", 35),
        ("looks at scores", 3),
        ("looks at queues", 5),
        ("looks at items", 20),
    ],
)
def test_looking_at_every_page_works_and_changes_nothing(
    app: Flask, signed_in: Callable[..., PortalClient], role: str, least: int
) -> None:
    fill(3)
    client = signed_in(*GRANTED[role])
    with written() as statements:
        pages = crawl(client)
    assert statements == []
    assert {path: status for path, status in pages.items() if status >= 400} == {}
    assert len(pages) >= least, sorted(pages)
