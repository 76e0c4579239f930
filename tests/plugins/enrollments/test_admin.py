"""The pages of enrollments: they open, need their permission, ask a fixed number of questions, and keep the rules."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from plugins.enrollments import api, permissions
from plugins.enrollments.admin import VIEWS
from plugins.enrollments.admin.support import pairs_of
from plugins.enrollments.models import (
    CourseRun,
    Curriculum,
    Program,
    ProgramCourseEnrollment,
    ProgramEnrollment,
)
from portal.sdk import SYSTEM, InvalidInput, db, transaction
from portal.sdk.jobs import Job, run_inline, start
from portal.testing.clients import PortalClient
from portal.testing.statements import counted_statements
from tests.plugins.enrollments.partner import (
    COURSE,
    PROGRAM,
    SECOND,
    count,
    course_of,
    identify,
    keys,
    learner,
    make_users,
    requests,
    written,
)

pytestmark = pytest.mark.usefixtures("partner")

BASE = "/panel/enrollments"
PAGES = (
    "section",
    f"section/program/{PROGRAM}",
    "program-enrollment",
    "program-course-enrollment",
    "course-enrollment",
    "inspector",
    "support",
    "drift",
    "program",
    "curriculum",
    "course-run",
    "organization",
    "identity-provider",
)
VIEWING = (permissions.ENROLLMENTS_VIEW, permissions.CATALOG_VIEW, permissions.ENROLLMENTS_LINK)


def fill(number: int, prefix: str) -> None:
    names = keys(number, prefix)
    written(api.write_program_enrollments, PROGRAM, requests(names), create=True, update=False)
    active = [{"external_user_key": name, "status": "active"} for name in names]
    written(api.write_program_course_enrollments, PROGRAM, COURSE, active, create=True, update=False)


@pytest.fixture
def officer(signed_in: Callable[..., PortalClient]) -> PortalClient:
    return signed_in(*(item.name for item in permissions.PERMISSIONS), "portal.jobs.view")


def text_of(client: PortalClient, path: str) -> str:
    answer = client.get(f"{BASE}/{path}")
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


def test_all_declared_pages_are_tested_here() -> None:
    assert len(PAGES) == len(VIEWS) + 1


def test_each_page_needs_its_permission(signed_in: Callable[..., PortalClient]) -> None:
    viewer, stranger = signed_in(*VIEWING), signed_in("portal.jobs.view")
    for page in PAGES:
        path = page if page.startswith("section/program") else f"{page}/"
        assert viewer.get(f"{BASE}/{path}").status_code == 200, page
        assert stranger.get(f"{BASE}/{path}").status_code == 403, page


@pytest.mark.both_engines
def test_fuller_pages_ask_no_more_questions(officer: PortalClient) -> None:
    def questions() -> dict[str, int]:
        numbers = {}
        for page in PAGES:
            with counted_statements() as statements:
                text_of(officer, page if page.startswith("section/program") else f"{page}/")
            numbers[page] = len(statements)
        return numbers

    identify(make_users(["a000000", "a000001"]))
    fill(2, "a")
    questions()
    few = questions()
    fill(6, "b")
    assert questions() == few
    assert max(few.values()) <= 12, few


@pytest.mark.both_engines
def test_a_learner_is_found_by_key_and_by_account(officer: PortalClient) -> None:
    identify(make_users(["ann.miller"]))
    fill(1, "kx")
    written(api.write_program_enrollments, PROGRAM, requests(["ann.miller"]), create=True, update=False)

    assert "kx000000" in text_of(officer, "program-enrollment/?search=KX0000")
    found = text_of(officer, "program-enrollment/?search=ann.mill")
    assert "ann.miller" in found
    assert "kx000000" not in found
    assert "ann.miller" in text_of(officer, "inspector/?q=ann.miller")
    assert COURSE in text_of(officer, "inspector/?q=kx000000")
    assert "Nobody found" in text_of(officer, "inspector/?q=kx0000")


def test_lists_are_filtered_by_program_status_and_course_run(officer: PortalClient) -> None:
    fill(1, "ka")
    written(api.write_program_enrollments, SECOND, requests(["other"], "ended"), create=True, update=False)
    page = text_of(officer, f"program-enrollment/?flt0_0={PROGRAM}")
    assert "ka000000" in page
    assert "other" not in page
    assert "other" in text_of(officer, "program-enrollment/?flt0_1=ended")
    assert "ka000000" in text_of(officer, f"program-course-enrollment/?flt0_0={COURSE.replace('+', '%2B')}")


def test_the_page_of_a_learner_shows_history_sets_the_status_and_unlinks(officer: PortalClient) -> None:
    users = make_users(["ann"])
    identify(users)
    fill(1, "k")
    written(api.write_program_enrollments, PROGRAM, requests(["ann"]), create=True, update=False)
    active = [{"external_user_key": "ann", "status": "active"}]
    written(api.write_program_course_enrollments, PROGRAM, COURSE, active, create=True, update=False)
    number = learner("ann").id
    page = f"{BASE}/program-enrollment/details/?id={number}"

    officer.submit(f"{BASE}/program-enrollment/status", {"id": number, "status": "suspended"}, page=page)
    assert learner("ann").status == "suspended"
    officer.submit(f"{BASE}/program-enrollment/status", {"id": number, "status": "graduated"}, page=page)
    assert "is no status" in officer.get(page).get_data(as_text=True)

    officer.submit(f"{BASE}/program-enrollment/unlink", {"id": number}, page=page)
    assert learner("ann").user_id is None
    assert course_of(users["ann"]) == ("audit", False)
    text = officer.get(page).get_data(as_text=True)
    assert text.count("update") >= 2
    assert COURSE in text


@pytest.mark.both_engines
def test_pasted_lines_are_shown_first_and_linked_when_confirmed(officer: PortalClient) -> None:
    users = make_users(["ann"])
    fill(1, "k,1")
    page = f"{BASE}/support/"
    token = re.search(r'name="form_token" value="([0-9a-f]{32})"', officer.get(page).get_data(as_text=True))
    assert token

    lines = "k,1000000,ann\nnobody,ann\n"
    data = {"program": str(PROGRAM), "lines": lines, "form_token": token.group(1)}
    answer = officer.submit(page, data, page=page)
    assert answer.status_code == 302
    job = db.session.scalars(select(Job).where(Job.kind == "enrollments.link")).one()
    job_id, counts = job.id, (job.pending_count, job.refused_count)
    assert counts == (1, 1)
    assert learner("k,1000000").user_id is None

    with transaction():
        start(job_id, SYSTEM)
    run_inline(job_id)
    assert learner("k,1000000").user_id == users["ann"]


def test_a_pasted_line_that_is_none_is_named(officer: PortalClient) -> None:
    with pytest.raises(InvalidInput, match="Line 2, 'alone'"):
        pairs_of("a,b\nalone")
    page = f"{BASE}/support/"
    officer.get(page)
    answer = officer.submit(page, {"program": str(PROGRAM), "lines": "alone"}, page=page)
    assert answer.status_code == 200
    assert "Line 1" in answer.get_data(as_text=True)
    assert pairs_of("a,b\tname\n\nc;d") == [
        {"external_user_key": "a,b", "username": "name"},
        {"external_user_key": "c", "username": "d"},
    ]


@pytest.mark.both_engines
def test_drift_is_shown_and_mended(officer: PortalClient) -> None:
    identify(make_users(["ann"]))
    written(api.write_program_enrollments, PROGRAM, requests(["ann"]), create=True, update=False)
    active = [{"external_user_key": "ann", "status": "active"}]
    written(api.write_program_course_enrollments, PROGRAM, COURSE, active, create=True, update=False)
    assert "All agree" in text_of(officer, "drift/")
    with transaction() as session:
        session.execute(update(ProgramCourseEnrollment).values(course_enrollment_id=None))

    assert "not in the course run" in text_of(officer, "drift/")
    officer.submit(f"{BASE}/drift/repair", {}, page=f"{BASE}/drift/")
    assert "All agree" in text_of(officer, "drift/")


def test_programs_curricula_and_course_runs_are_edited_with_what_belongs_to_them(
    officer: PortalClient,
) -> None:
    new = f"{BASE}/program/new/"
    officer.submit(
        new, {"title": "Data", "type": "masters", "slug": "data", "organizations": "north, south"}, page=new
    )
    program = db.session.scalars(select(Program).filter_by(slug="data")).one()
    assert [author.organization_key for author in program.authors] == ["north", "south"]
    edit = f"{BASE}/program/edit/?id={program.id}"
    shown = officer.get(edit).get_data(as_text=True)
    assert "north, south" in shown
    form = {"title": "Data", "type": "masters", "slug": "data", "organizations": "south", "seen_version": "1"}
    officer.submit(edit, form, page=edit)
    db.session.expire_all()
    assert [author.organization_key for author in db.session.get_one(Program, program.id).authors] == [
        "south"
    ]

    runs = f"{BASE}/course-run/new/"
    officer.submit(
        runs, {"course_key": "course-v1:n+X+1", "title": "X", "mode_names": "audit, masters"}, page=runs
    )
    run = db.session.scalars(select(CourseRun).filter_by(course_key="course-v1:n+X+1")).one()
    assert [mode.mode for mode in run.modes] == ["audit", "masters"]
    refused = officer.submit(runs, {"course_key": "nonsense", "title": "X", "mode_names": ""}, page=runs)
    assert "is no course key" in refused.get_data(as_text=True)

    plans = f"{BASE}/curriculum/new/"
    data = {"name": "2026", "program": str(program.id), "course_keys": "course-v1:n+X+1\n", "is_active": "y"}
    officer.submit(plans, data, page=plans)
    plan = db.session.scalars(select(Curriculum).filter_by(name="2026")).one()
    assert ([course.course_key for course in plan.courses], plan.certificate_code) == (
        ["course-v1:n+X+1"],
        None,
    )


def test_the_program_page_starts_an_export(officer: PortalClient) -> None:
    fill(1, "k")
    page = f"{BASE}/section/program/{PROGRAM}"
    token = re.search(r'name="form_token" value="([0-9a-f]{32})"', officer.get(page).get_data(as_text=True))
    assert token
    officer.submit(f"{page}/take-away", {"format": "xlsx", "form_token": token.group(1)}, page=page)
    job = db.session.scalars(select(Job).where(Job.kind == "enrollments.export")).one()
    assert job.params["format"] == "xlsx"
    assert count(ProgramEnrollment) == 1
