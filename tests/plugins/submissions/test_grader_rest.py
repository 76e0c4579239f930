"""External graders: the queue in its old shape below ``/xqueue/``, and the clean one below ``/api/v1``."""

import io
import json
import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask_security import hash_password
from sqlalchemy import func, select, update

from plugins.submissions import api as submissions_api
from plugins.submissions.models import GraderEntry, Score
from plugins.submissions.permissions import ANSWERS_CREATE, GRADERS_SERVE, GRADERS_VIEW
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.transaction import run_in_transaction
from portal.sdk import User
from portal.testing.clients import ApiClient, PortalClient
from portal.testing.people import make_user
from tests.plugins.submissions.conftest import item

ROOT = "/api/v1/submissions"
PASSWORD = "a long enough password"


def queued(student: str = "ann", **more: Any) -> str:
    """Put an answer of five points into the queue q and return the submission's uuid."""
    made = run_in_transaction(
        lambda: submissions_api.create_external_grader_detail(
            item(student), {"text": "x"}, "q", "key", "grade.py", 5, **more
        )
    )
    return str(made["submission_uuid"])


def let_leases_end() -> None:
    past = utc_now() - timedelta(seconds=1)
    run_in_transaction(lambda: db.session.execute(update(GraderEntry).values(lease_until=past)))


def entry(uuid: str) -> GraderEntry:
    db.session.rollback()
    found = db.session.scalars(select(GraderEntry).join(GraderEntry.submission)).all()
    return next(one for one in found if str(one.submission.uuid) == uuid)


@pytest.fixture
def grader(app: Flask) -> PortalClient:
    """A program that has signed in with name and password."""
    key = make_user("grader", GRADERS_SERVE)
    stored = hash_password(PASSWORD)
    run_in_transaction(lambda: db.session.execute(update(User).where(User.id == key).values(password=stored)))
    client = PortalClient(app)
    assert client.get("/xqueue/login/").get_json() == {"return_code": 0, "content": ""}
    answer = client.post("/xqueue/login/", data={"username": "grader", "password": PASSWORD})
    assert answer.get_json() == {"return_code": 0, "content": "Logged in"}
    return client


def pulled(client: PortalClient) -> dict[str, Any]:
    """Take an entry and return its parts, opened."""
    answer = client.get("/xqueue/get_submission/?queue_name=q").get_json()
    assert answer["return_code"] == 0, answer
    return {name: json.loads(part) for name, part in json.loads(answer["content"]).items()}


def put(client: PortalClient, header: Any, score: Any) -> tuple[int, int]:
    data = {"xqueue_header": json.dumps(header), "xqueue_body": json.dumps({"score": score})}
    answer = client.post("/xqueue/put_result/", data=data)
    return answer.status_code, answer.get_json()["return_code"]


@pytest.mark.both_engines
def test_an_entry_is_pulled_and_graded_once(grader: PortalClient) -> None:
    uuid = queued(files={"main.py": io.BytesIO(b"print()")})
    assert grader.get("/xqueue/get_queuelen/?queue_name=q").get_json()["content"] == 1
    parts = pulled(grader)
    assert grader.get("/xqueue/get_queuelen/?queue_name=q").get_json()["content"] == 0
    assert json.loads(parts["xqueue_body"]["grader_payload"]) == {"grader": "grade.py"}
    address = parts["xqueue_files"]["main.py"].partition("/xqueue/")[2]
    assert grader.get(f"/xqueue/{address}").data == b"print()"
    empty = grader.get("/xqueue/get_submission/?queue_name=q")
    assert (empty.status_code, empty.get_json()["return_code"]) == (200, 1)

    assert put(grader, parts["xqueue_header"], 0.5) == (200, 0)
    score = submissions_api.get_latest_score_for_submission(uuid)
    assert score is not None
    assert (score["points_earned"], score["points_possible"]) == (2, 5)
    assert entry(uuid).status == "retired"
    assert put(grader, parts["xqueue_header"], 1) == (409, 1)
    assert db.session.scalar(select(func.count()).select_from(Score)) == 1


@pytest.mark.both_engines
def test_when_the_lease_ends_another_grader_gets_another_key(grader: PortalClient) -> None:
    uuid = queued()
    first = pulled(grader)["xqueue_header"]
    let_leases_end()
    second = pulled(grader)["xqueue_header"]
    assert first["submission_id"] == second["submission_id"]
    assert first["submission_key"] != second["submission_key"]
    assert put(grader, first, 1) == (403, 1)
    assert submissions_api.get_latest_score_for_submission(uuid) is None
    assert put(grader, second, 1) == (200, 0)


@pytest.mark.both_engines
def test_what_was_cleared_is_not_handed_out(grader: PortalClient) -> None:
    queued()
    run_in_transaction(lambda: submissions_api.reset_score("ann", "c1", "i1", clear_state=True))
    assert grader.get("/xqueue/get_submission/?queue_name=q").get_json()["return_code"] == 1
    run_in_transaction(lambda: submissions_api.restore_submissions("ann", "c1", "i1"))
    assert pulled(grader)


@pytest.mark.both_engines
def test_a_score_that_cannot_be_stored_counts_as_a_failure(grader: PortalClient) -> None:
    for number, score in enumerate(["much", None, [1], {}, math.nan, math.inf, 1e300, -1]):
        uuid = queued(f"s{number}")
        assert put(grader, pulled(grader)["xqueue_header"], score) == (200, 0)
        assert (entry(uuid).status, entry(uuid).num_failures) == ("retry", 1)
        run_in_transaction(lambda: db.session.execute(update(GraderEntry).values(status="failed")))
    assert db.session.scalar(select(func.count()).select_from(Score)) == 0


def test_a_result_of_another_form_is_refused(grader: PortalClient) -> None:
    uuid = queued()
    pulled(grader)
    odd = {"submission_id": "x", "submission_key": "k"}
    for header in ("{}", "[]", "1", "", "{", json.dumps(odd), "[" * 9_999):
        for data in ({"xqueue_header": header, "xqueue_body": '{"score": 1}'}, {"xqueue_header": header}, {}):
            answer = grader.post("/xqueue/put_result/", data=data)
            assert (answer.status_code, answer.get_json()["return_code"]) == (400, 1)
    assert (entry(uuid).status, entry(uuid).num_failures) == ("pulled", 0)


def test_odd_calls_are_answered_in_the_shape_of_the_queue(grader: PortalClient) -> None:
    for method, address, status in (
        ("GET", "get_submission/", 400),
        ("GET", "get_queuelen/", 400),
        ("GET", "get_submission/?queue_name=%00", 422),
        ("GET", "files/00000000-0000-4000-8000-000000000000/", 404),
        ("POST", "status/", 200),
    ):
        answer = grader.open(f"/xqueue/{address}", method=method)
        assert answer.status_code == status, address
        assert set(answer.get_json()) == {"return_code", "content"}
    assert put(grader, {"submission_id": 10**15, "submission_key": "k"}, 1) == (404, 1)


def test_only_programs_with_the_right_are_let_in(app: Flask, grader: PortalClient) -> None:
    queued()
    nobody = PortalClient(app)
    for method, address in (
        ("GET", "get_submission/?queue_name=q"),
        ("POST", "put_result/"),
        ("POST", "status/"),
    ):
        assert nobody.open(f"/xqueue/{address}", method=method).status_code == 403
    wrong = nobody.post("/xqueue/login/", data={"username": "grader", "password": "wrong"})
    assert (wrong.status_code, wrong.get_json()["return_code"]) == (401, 1)
    elsewhere = grader.get("/xqueue/get_submission/?queue_name=q", headers={"Sec-Fetch-Site": "cross-site"})
    assert elsewhere.status_code == 403
    assert grader.post("/xqueue/logout/").status_code == 200
    assert grader.post("/xqueue/status/").status_code == 403


@pytest.mark.both_engines
def test_the_clean_queue_does_the_same(api: Callable[..., ApiClient]) -> None:
    writer, program, viewer = api(ANSWERS_CREATE), api(GRADERS_SERVE), api(GRADERS_VIEW)
    body = {"student_item": item(), "answer": "mine", "queue_name": "q", "points_possible": 5}
    made = writer.post(f"{ROOT}/grader-entries", json=body)
    assert (made.status_code, made.get_json()["status"]) == (201, "pending")
    (queue,) = viewer.get(f"{ROOT}/grader-queues").get_json()["items"]
    assert queue == {"queue_name": "q", "entries": {"pending": 1}}

    key = {"Idempotency-Key": "once"}
    first = program.post(f"{ROOT}/grader-queues/q/pulls", headers=key).get_json()["entry"]
    assert program.post(f"{ROOT}/grader-queues/q/pulls", headers=key).get_json()["entry"] == first
    assert program.post(f"{ROOT}/grader-queues/q/pulls").get_json()["entry"] is None
    assert (first["answer"], first["student_id"]) == ("mine", "ann")
    let_leases_end()
    second = program.post(f"{ROOT}/grader-queues/q/pulls").get_json()["entry"]
    address = f"{ROOT}/grader-entries/{second['submission_id']}/results"
    assert program.post(address, json={"key": first["key"], "score": 1}).status_code == 403
    for wrong in (
        {"key": second["key"], "score": -1},
        {"key": second["key"]},
        {"score": 1},
        {"key": 1, "score": 1},
    ):
        assert program.post(address, json=wrong).status_code == 422
    good = {"key": second["key"], "score": 0.8, "reply": "good"}
    assert program.post(address, json=good).get_json() == {"is_scored": True}
    assert program.post(address, json=good).status_code == 409
    (done,) = viewer.get(f"{ROOT}/grader-entries?status=retired&queue_name=q").get_json()["items"]
    assert done["submission_uuid"] == made.get_json()["submission_uuid"]
    score = submissions_api.get_score(item())
    assert score is not None
    assert score["points_earned"] == 4


def test_a_file_is_fetched_by_graders_only(api: Callable[..., ApiClient]) -> None:
    queued(files={"main.py": b"print()"})
    program = api(GRADERS_SERVE)
    files = program.post(f"{ROOT}/grader-queues/q/pulls").get_json()["entry"]["files"]
    assert program.get(files["main.py"]).data == b"print()"
    assert api(GRADERS_VIEW).get(files["main.py"]).status_code == 403
