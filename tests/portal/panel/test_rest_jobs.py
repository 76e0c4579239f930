"""Jobs by REST: from rows, from a file, planned, applied, followed, undone; what is refused, and why."""

import io
import json
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import insert
from werkzeug.test import TestResponse

from portal.auth import accounts
from portal.jobs.engine import run_inline
from portal.jobs.queries import get_job
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.transaction import transaction
from portal.testing.clients import ApiClient
from portal.testing.people import make_token, make_user
from tests.portal.jobs.toy_table import Thing

ROWS = [{"name": "lamp", "code": "00471"}, {"name": "chair"}, {"name": "bad table"}]
SHEET = b"Name;Code number;Colour\nlamp;00471;red\nchair;;green\n"
Programs = Callable[..., ApiClient]


@pytest.fixture
def program(api: Programs) -> ApiClient:
    return api("portal.jobs.view", "toy.make")


def made(program: ApiClient, *, headers: dict[str, str] | None = None, **body: Any) -> TestResponse:
    content = {"kind": "toy.list_things", "rows": ROWS, **body}
    return program.post("/api/v1/jobs", json=content, headers=headers or {})


@pytest.mark.both_engines
def test_rows_are_planned_looked_at_applied_and_reported(program: ApiClient) -> None:
    answer = made(program)
    job = answer.get_json()
    assert answer.status_code == 202, job
    assert answer.headers["Location"] == job["links"]["self"]
    assert (job["state"], job["counts"]["pending"], job["counts"]["refused"]) == ("planned", 2, 1)

    plan = program.get(job["links"]["plan"]).get_json()
    assert {(item["action"], item["count"]) for item in plan["by_code"]} == {("create", 2), ("refuse", 1)}
    refused = program.get(job["links"]["rows"] + "?action=refuse").get_json()["items"]
    assert [(row["code"], row["label"], row["position"]) for row in refused] == [("bad-name", "bad table", 3)]

    seen = program.get(job["links"]["self"])
    started = program.post(f"{job['links']['self']}/apply", headers={"If-Match": seen.headers["ETag"]})
    assert (started.status_code, started.get_json()["state"]) == (202, "running")
    run_inline(UUID(job["id"]))

    after = program.get(job["links"]["self"]).get_json()
    assert (after["state"], after["counts"]["done"]) == ("finished", 2)
    result = program.get(job["links"]["result"], buffered=True)
    assert result.mimetype == "text/csv"
    assert result.get_data(as_text=True).splitlines()[1].startswith("lamp,00471,1,done")


def test_a_sheet_with_its_mapping_becomes_a_job(program: ApiClient) -> None:
    data = {
        "kind": "toy.list_things",
        "params": json.dumps({"limit": 5}),
        "mapping": json.dumps({"Colour": "ignore"}),
        "sheet": (io.BytesIO(SHEET), "things.csv"),
    }
    answer = program.post("/api/v1/jobs/upload", data=data, content_type="multipart/form-data")
    job = answer.get_json()
    assert answer.status_code == 202, job
    assert (job["params"]["limit"], job["counts"]["pending"]) == (5, 2)
    (file,) = program.get(job["links"]["files"]).get_json()["items"]
    assert (file["role"], file["filename"]) == ("input", "things.csv")
    assert program.get(file["url"], buffered=True).get_data() == SHEET


def test_a_parameter_that_selects_rows_needs_no_sheet(program: ApiClient) -> None:
    answer = program.post("/api/v1/jobs", json={"kind": "toy.make_things", "params": {"names": ["a", "b"]}})
    assert answer.get_json()["counts"]["pending"] == 2


def test_a_task_runs_only_when_it_is_said(program: ApiClient) -> None:
    refused = program.post("/api/v1/jobs", json={"kind": "toy.count"})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "job-has-no-plan")
    answer = program.post("/api/v1/jobs", json={"kind": "toy.count", "apply": True})
    run_inline(UUID(answer.get_json()["id"]))
    job = program.get(answer.headers["Location"]).get_json()
    assert (job["state"], job["error"], job["result"]) == ("finished", None, {"counted": 3})


def test_a_plan_is_not_applied_unseen_or_stale(program: ApiClient) -> None:
    address = made(program).headers["Location"]
    missing = program.post(f"{address}/apply")
    assert (missing.status_code, missing.get_json()["code"]) == (428, "precondition-missing")
    stale = program.post(f"{address}/apply", headers={"If-Match": '"of-another-day"'})
    assert (stale.status_code, stale.get_json()["code"]) == (412, "changed-meanwhile")
    assert program.get(address).get_json()["state"] == "planned"


def test_a_plan_is_thrown_away(program: ApiClient) -> None:
    answer = made(program)
    gone = program.delete(answer.headers["Location"], headers={"If-Match": answer.headers["ETag"]})
    assert (gone.status_code, gone.get_data()) == (204, b"")
    assert program.get(answer.headers["Location"]).status_code == 404


def test_nothing_new_is_304(program: ApiClient) -> None:
    answer = made(program)
    again = program.get(answer.headers["Location"], headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")


def test_a_job_is_stopped_and_goes_on(program: ApiClient) -> None:
    address = made(program).headers["Location"]
    assert program.post(f"{address}/cancel").get_json()["state"] == "cancelled"
    assert program.post(f"{address}/resume").get_json()["state"] == "running"
    run_inline(UUID(address.rpartition("/")[2]))
    assert program.get(address).get_json()["counts"]["done"] == 2


def test_what_was_done_is_undone_by_a_job_of_its_own(program: ApiClient) -> None:
    answer = program.post(
        "/api/v1/jobs", json={"kind": "toy.number_things", "params": {"numbers": {"a": 1}}, "apply": True}
    )
    job = answer.get_json()
    assert answer.status_code == 202, job
    run_inline(UUID(job["id"]))
    undo = program.post(f"{job['links']['self']}/undo")
    assert undo.status_code == 202, undo.get_json()
    assert undo.get_json()["undoes"] == job["id"]
    assert undo.headers["Location"] != job["links"]["self"]


def test_the_same_key_makes_one_job(program: ApiClient, api: Programs) -> None:
    first = made(program, headers={"Idempotency-Key": "monday"})
    second = made(program, headers={"Idempotency-Key": "monday"})
    assert second.get_json()["id"] == first.get_json()["id"]
    assert (second.status_code, second.headers["Location"]) == (202, first.headers["Location"])
    assert second.headers["Idempotent-Replayed"] == "true"

    other = made(program, headers={"Idempotency-Key": "monday"}, rows=ROWS[:1])
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency-key-used")
    somebody = made(api("portal.jobs.view", "toy.make"), headers={"Idempotency-Key": "monday"})
    assert somebody.get_json()["id"] != first.get_json()["id"]


def test_a_call_that_failed_may_be_sent_again_with_its_key(program: ApiClient) -> None:
    wrong = made(program, headers={"Idempotency-Key": "k"}, rows=[{"colour": "red"}])
    assert wrong.status_code == 422
    assert made(program, headers={"Idempotency-Key": "k"}).status_code == 202


def test_the_same_file_with_the_same_key_makes_one_job(program: ApiClient) -> None:
    def send(content: bytes) -> TestResponse:
        data = {"kind": "toy.list_things", "sheet": (io.BytesIO(content), "things.csv")}
        return program.post("/api/v1/jobs/upload", data=data, headers={"Idempotency-Key": "file"})

    assert send(SHEET).get_json()["id"] == send(SHEET).get_json()["id"]
    assert send(SHEET + b"sofa;;red\n").get_json()["code"] == "idempotency-key-used"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"kind": "toy.nothing"}, 404, "job-kind-unknown"),
        ({"rows": []}, 422, "rows-empty"),
        ({"rows": [{"name": "a", "size": 1}]}, 422, "column-unknown"),
        ({"rows": [{"code": "1"}]}, 422, "column-missing"),
        ({"rows": [{"name": {"deep": 1}}]}, 422, "not-valid"),
        ({"params": {"limit": 0}}, 422, "job-params-invalid"),
        ({"wish": True}, 422, "not-valid"),
        ({"rows": None}, 422, "sheet-missing"),
    ],
)
def test_a_bad_job_is_refused_by_name(
    program: ApiClient, body: dict[str, Any], status: int, code: str
) -> None:
    answer = made(program, **body)
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert answer.mimetype == "application/problem+json"
    assert problem["detail"]


def test_only_the_own_jobs_are_seen_and_changed(program: ApiClient, api: Programs) -> None:
    address = made(program).headers["Location"]
    other = api("portal.jobs.view", "toy.make")
    assert other.get(address).status_code == 404
    assert other.post(f"{address}/cancel").status_code == 404
    assert other.get("/api/v1/jobs").get_json()["items"] == []


def test_the_permission_of_the_kind_is_needed_too(api: Programs) -> None:
    answer = made(api("portal.jobs.view"))
    assert (answer.status_code, answer.get_json()["facts"]) == (403, {"permission": "toy.make"})


def test_jobs_are_listed_in_pages(program: ApiClient) -> None:
    wanted = [made(program, rows=[{"name": f"thing {number}"}]).get_json()["id"] for number in range(5)]
    found, address = [], "/api/v1/jobs?limit=2&state=planned"
    while address:
        answer = program.get(address)
        found += [item["id"] for item in answer.get_json()["items"]]
        address = answer.headers["Link"][1:].partition(">")[0] if "Link" in answer.headers else ""
    assert found == wanted[::-1]


def test_who_am_i_and_what_can_be_done(program: ApiClient) -> None:
    me = program.get("/api/v1/me").get_json()
    assert me["permissions"] == ["portal.jobs.view", "toy.make"]
    assert program.api_token.startswith(f"cpt_{me['token']['prefix']}_")
    kinds = {item["name"]: item for item in program.get("/api/v1/job-kinds").get_json()["items"]}
    things = kinds["toy.list_things"]
    assert (things["takes"], things["columns"][1]["is_identifier"]) == ("sheet", True)
    assert things["params"]["properties"]["limit"]["maximum"] == 1_000_000
    assert kinds["toy.count"]["takes"] == "nothing"
    assert program.get(f"/api/v1/jobs/{uuid4()}").get_json()["code"] == "job-not-found"


def test_a_job_acts_for_the_owner_with_the_tokens_permissions_and_no_more(app: Flask) -> None:
    program = ApiClient(app)
    program.api_token = make_token(make_user("root", is_administrator=True), "portal.jobs.view", "toy.make")
    answer = made(program).get_json()
    assert answer["started_by"] == "Root (token test)"
    job = get_job(UUID(answer["id"]))
    assert (sorted(job.grants), job.is_administrator) == (["portal.jobs.view", "toy.make"], False)


def test_when_to_look_again_is_said_while_a_job_is_worked_on(program: ApiClient) -> None:
    planned = made(program)
    assert "Retry-After" not in planned.headers
    running = made(program, apply=True)
    assert (running.get_json()["state"], running.headers["Retry-After"]) == ("running", "2")


def test_a_held_job_is_released_by_a_person_and_not_by_a_program(api: Programs, app: Flask) -> None:
    with acting_as(SYSTEM), transaction() as session:
        session.execute(insert(Thing), [{"name": f"t{number}", "number": 1} for number in range(4)])
        robot = accounts.create_service("robot", "Robot", ["operator"]).id
    rights = ("portal.jobs.view", "portal.jobs.view_all", "portal.jobs.release", "toy.make")
    maker, other, program = api(*rights), api(*rights), ApiClient(app)
    program.api_token = make_token(robot)
    wish = {"numbers": {f"t{number}": 0 for number in range(3)}, "brakes": True}
    body = {"kind": "toy.number_things", "params": wish, "apply": True}
    held = maker.post("/api/v1/jobs", json=body)
    assert held.get_json()["state"] == "awaiting_approval", held.get_json()
    assert held.get_json()["impact"]["lines"]
    release = {"path": f"{held.headers['Location']}/release", "headers": {"If-Match": held.headers["ETag"]}}
    for nobody in (maker, program):
        refused = nobody.post(**release)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "second-person-needed")
    assert other.post(**release).get_json()["state"] == "running"


@pytest.mark.both_engines
def test_the_same_call_from_many_sides_at_once_makes_one_job(program: ApiClient, app: Flask) -> None:
    gate, answers = threading.Barrier(6), []

    def call() -> None:
        client = ApiClient(app)
        client.api_token = program.api_token
        gate.wait()
        answers.append(made(client, headers={"Idempotency-Key": "rush"}))

    threads = [threading.Thread(target=call) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    good = [answer.get_json()["id"] for answer in answers if answer.status_code == 202]
    early = [answer.get_json()["code"] for answer in answers if answer.status_code != 202]
    assert len(set(good)) == 1
    assert set(early) <= {"call-not-ended"}
    assert [job["id"] for job in program.get("/api/v1/jobs").get_json()["items"]] == good[:1]
