"""The plain resources of enrollments by REST; what older programs call is judged by tests.conformance."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from plugins.enrollments import api as enrollments
from plugins.enrollments.models import CurriculumCourse, ProgramCourseEnrollment, ProgramEnrollment
from plugins.enrollments.permissions import CATALOG_VIEW, ENROLLMENTS_EDIT, ENROLLMENTS_VIEW
from plugins.enrollments.rest.learners import progress_of
from portal.sdk import transaction, utc_now
from portal.testing.clients import ApiClient
from portal.testing.statements import counted_statements
from tests.plugins.enrollments.partner import (
    COURSE,
    CURRICULUM,
    OTHER_CURRICULUM,
    PROGRAM,
    SECOND,
    count,
    identify,
    keys,
    learner,
    make_users,
    requests,
    written,
)

pytestmark = pytest.mark.usefixtures("partner")
ROOT = "/api/v1/enrollments"
LEARNERS, TAKERS = f"{ROOT}/program-enrollments", f"{ROOT}/program-course-enrollments"
OLD = f"/api/program_enrollments/v1/programs/{PROGRAM}/enrollments/"
OLD_COURSE = f"/api/program_enrollments/v1/programs/{PROGRAM}/courses/{COURSE}/enrollments/"
Programs = Callable[..., ApiClient]


def rows(*wanted: str, status: str = "enrolled", **more: Any) -> list[dict[str, Any]]:
    given = {"status": status, "curriculum_uuid": str(CURRICULUM), **more}
    return [{"external_user_key": key, **given} for key in wanted]


def found(program: ApiClient, address: str) -> list[str]:
    answer = program.get(address)
    assert answer.status_code == 200, answer.get_json()
    return [item["external_user_key"] for item in answer.get_json()["items"]]


@pytest.mark.both_engines
def test_learners_are_found_by_filter_search_and_change(api: Programs) -> None:
    identify(make_users(["ann", "bob"]))
    written(
        enrollments.write_program_enrollments, PROGRAM, requests(["ann", "x1"]), create=True, update=False
    )
    later = requests(["bob", "x2", "100%"], "pending")
    written(enrollments.write_program_enrollments, PROGRAM, later, create=True, update=False)
    second = [{**item, "curriculum_uuid": str(OTHER_CURRICULUM)} for item in requests(["x1"])]
    written(enrollments.write_program_enrollments, SECOND, second, create=True, update=False)
    program = api(ENROLLMENTS_VIEW)

    assert found(program, LEARNERS) == ["ann", "x1", "100%", "bob", "x2", "x1"]
    assert found(program, f"{LEARNERS}?program={PROGRAM}&status=pending&waiting=true") == ["100%", "x2"]
    assert found(program, f"{LEARNERS}?waiting=false") == ["ann", "bob"]
    assert found(program, f"{LEARNERS}?search=x") == ["x1", "x2", "x1"]
    assert found(program, f"{LEARNERS}?search=100%25") == ["100%"]
    assert found(program, f"{LEARNERS}?search=BOB") == ["bob"]
    assert found(program, f"{LEARNERS}?user=ann&key=ann") == ["ann"]
    assert found(program, f"{LEARNERS}?curriculum={OTHER_CURRICULUM}") == ["x1"]
    since = quote(learner("bob").modified_at.isoformat())
    assert found(program, f"{LEARNERS}?changed_since={since}") == ["100%", "bob", "x2", "x1"]
    tomorrow = quote((utc_now() + timedelta(days=1)).isoformat())
    assert found(program, f"{LEARNERS}?changed_since={tomorrow}") == []


@pytest.mark.both_engines
def test_filters_that_no_database_can_keep_find_nothing(api: Programs) -> None:
    written(enrollments.write_program_enrollments, PROGRAM, requests(["a"]), create=True, update=False)
    program = api()
    addresses = (
        f"{LEARNERS}?search=%00",
        f"{LEARNERS}?key=%00",
        f"{LEARNERS}?user=a%00",
        f"{TAKERS}?course_key=%00",
        f"{ROOT}/course-enrollments?course_key=%00&user=%00",
        f"{ROOT}/programs?slug=%00&type=%00",
        f"{ROOT}/course-runs?course_key=%00",
    )
    for address in addresses:
        answer = program.get(address)
        assert answer.status_code in (200, 422), (address, answer.status_code)
        assert answer.get_json().get("items", []) == []
    for path in ("courses/%00/enrollments/", "courses/x/enrollments/", f"courses/{'y' * 999}/enrollments/"):
        answer = program.get(f"/api/program_enrollments/v1/programs/{PROGRAM}/{path}")
        assert answer.status_code in (404, 422)
    assert program.get("/api/program_enrollments/v1/programs/enrollments/?type=%00").status_code in (200, 422)


@pytest.mark.both_engines
def test_lists_are_pages_with_signed_cursors_at_a_constant_cost(api: Programs) -> None:
    written(enrollments.write_program_enrollments, PROGRAM, requests(keys(30)), create=True, update=False)
    active = requests(keys(30), "active")
    written(enrollments.write_program_course_enrollments, PROGRAM, COURSE, active, create=True, update=False)
    with transaction() as session:
        session.add(CurriculumCourse(curriculum_id=CURRICULUM, course_key=COURSE))
    program = api(ENROLLMENTS_VIEW)
    for address in (LEARNERS, TAKERS, OLD, OLD_COURSE):
        size = "page_size" if address in (OLD, OLD_COURSE) else "limit"
        program.get(address)
        with counted_statements() as few:
            program.get(f"{address}?{size}=2")
        with counted_statements() as many:
            page = program.get(f"{address}?{size}=29").get_json()
        assert len(many) == len(few) < 10
        assert page["next"]
    cursor = program.get(f"{LEARNERS}?limit=10").get_json()["next"]
    assert found(program, f"{LEARNERS}?limit=50&cursor={cursor}") == keys(30)[10:]
    for wrong in (
        f"{LEARNERS}?cursor={cursor}&waiting=true",
        f"{TAKERS}?cursor={cursor}",
        f"{LEARNERS}?cursor=x",
    ):
        assert program.get(wrong).get_json()["code"] == "cursor-invalid"
    assert api(ENROLLMENTS_VIEW).get(f"{LEARNERS}?cursor={cursor}").status_code == 400


@pytest.mark.both_engines
def test_every_row_of_a_write_has_its_outcome(api: Programs) -> None:
    written(enrollments.write_program_enrollments, PROGRAM, requests(["old"]), create=True, update=False)
    program = api(ENROLLMENTS_EDIT)
    sent = {
        "program": str(PROGRAM),
        "rows": [
            *rows("old", status="ended"),
            *rows("new", "x" * 256, "two", "two"),
            *rows("bad", status="?"),
        ],
    }

    plan = program.post(LEARNERS, json={**sent, "dry_run": True}).get_json()
    assert count(ProgramEnrollment) == 1
    done = program.post(LEARNERS, json=sent).get_json()

    codes = ["ended", "enrolled", "invalid-key", "duplicated", "duplicated", "invalid-status"]
    assert [item["code"] for item in plan["results"]] == [item["code"] for item in done["results"]] == codes
    assert done["counts"] == plan["counts"] == {"update": 1, "create": 1, "refuse": 4}
    assert done["results"][0]["before"] == {"status": "enrolled"}
    assert done["results"][1]["id"] == learner("new").id
    assert learner("new").changed_through == "rest"

    courses = {"program": str(PROGRAM), "course_key": COURSE, "mode": "create"}
    taken = [
        {"external_user_key": key, "status": "active", "course_staff": True} for key in ("new", "nobody")
    ]
    done = program.post(TAKERS, json={**courses, "rows": taken}).get_json()
    assert [item["code"] for item in done["results"]] == ["active", "not-in-program"]
    assert count(ProgramCourseEnrollment) == 1


def test_a_write_that_makes_no_sense_is_refused_whole(api: Programs) -> None:
    program = api(ENROLLMENTS_EDIT)
    good = rows("good")
    nowhere = str(uuid.UUID(int=9))
    refused: list[tuple[str, Any, int]] = [
        (LEARNERS, {"program": nowhere, "rows": good}, 404),
        (LEARNERS, {"program": "zzz", "rows": good}, 422),
        (LEARNERS, {"program": str(PROGRAM), "rows": [*good, {"status": "enrolled"}]}, 422),
        (LEARNERS, {"program": str(PROGRAM), "rows": [*good, *rows("")]}, 422),
        (
            LEARNERS,
            {"program": str(PROGRAM), "rows": [*good, {"external_user_key": 7, "status": "ended"}]},
            422,
        ),
        (LEARNERS, {"program": str(PROGRAM), "rows": good, "mode": "destroy"}, 422),
        (LEARNERS, {"program": str(PROGRAM), "rows": good * 5_001}, 422),
        (TAKERS, {"program": str(PROGRAM), "course_key": "nonsense", "rows": good[:0]}, 422),
    ]
    for address, sent, status in refused:
        answer = program.post(address, json=sent)
        assert answer.status_code == status, (sent, answer.get_json())
        assert answer.get_json()["code"]
    assert program.post(LEARNERS, data="x").status_code == 415
    assert api(CATALOG_VIEW).post(LEARNERS, json={}).status_code == 403
    empty = program.post(LEARNERS, json={"program": str(PROGRAM), "rows": []})
    assert empty.get_json() == {"counts": {}, "results": []}
    assert count(ProgramEnrollment) == 0


def test_a_call_that_is_repeated_with_its_key_is_done_once(api: Programs) -> None:
    program = api(ENROLLMENTS_EDIT)
    sent = {"program": str(PROGRAM), "mode": "create", "rows": rows("a")}
    headers = {"Idempotency-Key": "once"}

    first = program.post(LEARNERS, json=sent, headers=headers)
    again = program.post(LEARNERS, json=sent, headers=headers)

    assert first.get_json() == again.get_json()
    assert first.get_json()["results"][0]["code"] == "enrolled"
    old = [{"student_key": "b", "status": "enrolled", "curriculum_uuid": str(CURRICULUM)}]
    answers = [program.post(OLD, json=old, headers={"Idempotency-Key": "too"}) for _ in range(2)]
    assert [answer.get_json() for answer in answers] == [{"b": "enrolled"}] * 2


@pytest.mark.parametrize(
    ("row", "status", "told"),
    [
        ({"student_key": "x" * 256}, 422, {"x" * 256: "invalid-key"}),
        ({"student_key": "a:b, c"}, 200, {"a:b, c": "enrolled"}),
        ({"status": "new"}, 422, {"k": "invalid-status"}),
        ({"student_key": None}, 400, "rows-invalid"),
        ({"student_key": ["k"]}, 400, "rows-invalid"),
        ({"student_key": "  "}, 400, "rows-invalid"),
        ({"status": None}, 400, "rows-invalid"),
        ({"curriculum_uuid": "zzz"}, 400, "rows-invalid"),
        ({"curriculum_uuid": {}}, 400, "rows-invalid"),
        ({"student_key": "nul\0"}, 422, "json-not-storable"),
        ({"student_key": "retired_external_key_0"}, 200, {"retired_external_key_0": "enrolled"}),
    ],
)
def test_older_programs_are_told_what_is_wrong_with_a_row(
    row: dict[str, Any], status: int, told: Any, api: Programs
) -> None:
    sent = [{"student_key": "k", "status": "enrolled", "curriculum_uuid": str(CURRICULUM), **row}]

    answer = api(ENROLLMENTS_EDIT).post(OLD, json=sent)

    content = answer.get_json()
    assert answer.status_code == status, content
    assert (content["code"] if isinstance(told, str) else content) == told
    assert count(ProgramEnrollment) == (1 if status == 200 else 0)


def test_the_catalog_is_read_with_its_curricula(api: Programs) -> None:
    program = api(CATALOG_VIEW)
    programs = program.get(f"{ROOT}/programs").get_json()["items"]
    assert [item["id"] for item in programs] == [str(PROGRAM), str(SECOND)]
    assert program.get(f"{ROOT}/programs/{PROGRAM}").get_json() == programs[0]
    assert programs[0]["organizations"] == ["north"]
    assert [plan["id"] for plan in programs[0]["curricula"]] == [str(CURRICULUM)]
    (run,) = program.get(f"{ROOT}/course-runs?course_key={quote(COURSE)}").get_json()["items"]
    assert program.get(f"{ROOT}/course-runs/{run['id']}").get_json()["course_key"] == COURSE
    assert program.get(f"{ROOT}/programs/{uuid.uuid4()}").status_code == 404
    assert program.get(LEARNERS).status_code == 403


def test_a_course_run_stands_where_its_dates_say() -> None:
    now = utc_now()
    yesterday, tomorrow = now - timedelta(days=1), now + timedelta(days=1)
    assert progress_of(None, None, now) == "in_progress"
    assert progress_of(yesterday, tomorrow, now) == "in_progress"
    assert progress_of(tomorrow, None, now) == "upcoming"
    assert progress_of(None, yesterday, now) == "completed"


def test_big_writes_and_links_are_jobs(api: Programs) -> None:
    make_users(["ann"])
    written(enrollments.write_program_enrollments, PROGRAM, requests(["k"]), create=True, update=False)
    program = api()
    job = {
        "kind": "enrollments.link",
        "params": {"program": str(PROGRAM)},
        "rows": [{"external_user_key": "k", "username": "ann"}],
    }

    made = program.post("/api/v1/jobs", json=job)

    assert made.status_code in (201, 202), made.get_json()
    assert made.get_json()["kind"] == "enrollments.link"
