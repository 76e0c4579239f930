"""What programs of the old enrollments system call, on Campus Portal: the answers that they know."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from plugins.enrollments.models import Program
from plugins.enrollments.permissions import ENROLLMENTS_RESET
from plugins.enrollments.settings import EnrollmentsSettings
from portal.sdk import transaction
from portal.settings.store import set_values
from portal.testing.fixtures import SandboxesWith, SandboxOf
from portal.testing.sandboxes import EngineName
from tests.conformance.enrollments.rest import (
    COURSE,
    CURRICULUM,
    PROGRAM,
    World,
    answered,
    grading_plugin,
    is_as_expected,
    pages,
)

HERE = Path(__file__).parent
DOCUMENT = json.loads((HERE / "scenarios" / "enrollments_rest.json").read_text(encoding="utf-8"))
CASES = {case["id"]: case for case in DOCUMENT["cases"]}
MOST_DIFFERENCES = 0.08
RUNS = "/users/learner/programs/{}/courses"


@pytest.fixture(scope="module")
def grading_sandbox_of(sandboxes_with: SandboxesWith) -> SandboxOf:
    return sandboxes_with(grader=grading_plugin())


@pytest.fixture
def grading_app(engine: EngineName, grading_sandbox_of: SandboxOf, as_system: object) -> Iterator[Flask]:
    with grading_sandbox_of(engine).in_use() as app:
        yield app


@pytest.fixture
def world(grading_app: Flask) -> World:
    return World(grading_app, DOCUMENT["base_path"])


def differences() -> dict[str, str]:
    """Return case id → why ours is better."""
    lines = (HERE / "enrollments_rest_differences.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.both_engines
def test_every_case_is_answered_as_expected(world: World) -> None:
    wrong: dict[str, Any] = {}
    excused = differences()
    for name, case in CASES.items():
        world.make(case.get("setup") or {})
        status, content = answered(world, case)
        if is_as_expected(case["expect"], status, content) == (name in excused):
            wrong[name] = (status, content)

    assert wrong == {}


def test_few_cases_differ_and_each_says_why() -> None:
    found = differences()
    assert set(found) <= set(CASES)
    assert all(len(reason) > 20 for reason in found.values())
    assert len(found) <= MOST_DIFFERENCES * len(CASES)


@pytest.mark.both_engines
def test_what_the_notes_of_the_cases_say(world: World) -> None:
    """Judges what cases say in words only: pages, contents, whose programs are listed."""
    for size, expected in (("", [10] * 4), ("?page_size=5", [5] * 8), ("?page_size=19", [19, 19, 2])):
        world.make({"learner_rows": ["enrolled"], "runs": 40})
        assert [len(page) for page in pages(world, "learner", RUNS.format(PROGRAM) + size)] == expected

    for mode, runs in (("masters", [COURSE]), ("verified", [COURSE]), ("audit", [])):
        world.make({"learner_rows": ["enrolled"], "course_enrollments": [["learner", COURSE, mode, True]]})
        _, overview = world.answer("learner", "GET", f"/programs/{PROGRAM}/overview/")
        assert [run["course_run_id"] for run in overview["course_runs"]] == runs
        assert [run["course_run_status"] for run in overview["course_runs"]] == ["in_progress"] * len(runs)
        assert [run["due_dates"] for run in overview["course_runs"]] == [[]] * len(runs)

    world.make({})
    with transaction() as session:
        session.add(Program(slug="other", type="bachelors"))
    mine = [{"uuid": str(PROGRAM), "slug": "p1"}]
    for who, found in (("staff", mine), ("course-staff", mine), ("learner", [])):
        assert world.answer(who, "GET", "/programs/enrollments/?type=masters") == (200, found)
    world.make({"learner_rows": ["pending"]})
    assert world.answer("learner", "GET", "/programs/readonly_access/?type=bachelors") == (200, mine)


def test_pages_lead_forwards_and_back_for_their_caller_only(world: World) -> None:
    rows = CASES["rest-ce-060"]["setup"]
    world.make(rows)
    path = f"/programs/{PROGRAM}/courses/{COURSE}/enrollments/?page_size=1"
    _, first = world.answer("staff", "GET", path)
    _, second = world.answer("staff", "GET", first["next"])
    assert [page["results"][0]["student_key"] for page in (first, second)] == ["k0", "k1"]
    assert first["previous"] is None
    assert second["next"] is None
    assert world.answer("staff", "GET", second["previous"])[1]["results"] == first["results"]
    assert "page_size=1" in first["next"]

    elsewhere = (
        first["next"].replace(f"courses/{COURSE.replace('+', '%2B')}/", "").replace(f"courses/{COURSE}/", "")
    )
    assert elsewhere != first["next"]
    assert world.answer("staff", "GET", elsewhere)[0] == 404


def test_letter_case(world: World) -> None:
    case = CASES["rest-pe-056"]
    world.make({})
    assert answered(world, case) == (200, {"A1": "enrolled", "a1": "enrolled"})
    world.make({})
    with transaction():
        set_values(EnrollmentsSettings, {"key_letter_case": "fold"})
    assert answered(world, case) == (422, {"A1": "duplicated", "a1": "duplicated"})
    with transaction():
        set_values(EnrollmentsSettings, {"key_letter_case": "exact"})


def test_reset_empties_an_organization_where_a_setting_allows_it(world: World) -> None:
    rows = {"linked_course_rows": ["u1:ka", "u2:kb"]}
    path, sent = "/integration-reset", {"organization": "testorg"}
    world.make(rows)
    status, problem = world.answer("staff", "POST", path, sent)
    assert (status, problem["code"]) == (501, "reset-forbidden")
    assert world.answer("learner", "POST", path, sent)[1]["facts"] == {"permission": ENROLLMENTS_RESET}

    world.make({**rows, "feature": "ENABLE_ENROLLMENT_RESET"})
    assert world.answer("staff", "POST", path, {"organization": "nobody"})[0] == 404
    status, removed = world.answer("staff", "POST", path, sent)
    assert status == 200
    assert removed == {"program_enrollments": 2, "course_enrollments": 0, "identities": 0}
    assert world.answer("staff", "GET", f"/programs/{PROGRAM}/enrollments/")[1]["results"] == []


def test_a_row_of_wrong_kind_is_named_with_its_place(world: World) -> None:
    world.make({})
    good = {"student_key": "a1", "status": "enrolled", "curriculum_uuid": str(CURRICULUM)}
    rows: list[dict[str, object]] = [{**good}, {"status": 1.5}]
    status, problem = world.answer("staff", "POST", f"/programs/{PROGRAM}/enrollments/", rows)
    assert status == 400
    assert [item["pointer"] for item in problem["errors"]] == ["/1/student_key", "/1/curriculum_uuid"]
    many = [{**good, "student_key": f"k{number}"} for number in range(26)]
    status, problem = world.answer("staff", "POST", f"/programs/{PROGRAM}/enrollments/", many)
    assert (status, problem["facts"]) == (413, {"rows": 26, "most": 25})
