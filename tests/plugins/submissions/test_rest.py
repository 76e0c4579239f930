"""Submissions by REST: what is read, what is written, what is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from plugins.submissions import permissions as rights
from plugins.submissions.models import MODELS, Score
from portal.kernel.db import db
from portal.testing.clients import ApiClient
from portal.testing.statements import counted_statements
from tests.plugins.submissions.conftest import handed_in, item, scored

ROOT = "/api/v1/submissions"
Programs = Callable[..., ApiClient]


def rows() -> dict[str, int]:
    """Return table → number of rows."""
    counted = {str(m.__tablename__): select(func.count()).select_from(m) for m in MODELS}  # type: ignore[attr-defined]
    return {name: int(db.session.scalar(statement) or 0) for name, statement in counted.items()}


def new(student: str = "ann", answer: Any = "an answer", **more: Any) -> dict[str, Any]:
    return {"student_item": item(student), "answer": answer, **more}


def items_of(program: ApiClient, address: str) -> list[dict[str, Any]]:
    answer = program.get(f"{ROOT}/{address}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: list[dict[str, Any]] = answer.get_json()["items"]
    return found


@pytest.mark.both_engines
def test_an_answer_is_handed_in_scored_reset_and_restored(api: Programs) -> None:
    program = api()
    made = program.post(f"{ROOT}/submissions", json=new(answer={"text": "héllo"}))
    assert made.status_code == 201
    address = made.headers["Location"]
    shown = program.get(address)
    assert shown.get_json() == made.get_json()
    assert shown.get_json()["answer"] == {"text": "héllo"}
    assert program.get(address, headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304
    key = shown.get_json()["student_item"]["id"]

    first = {"points_earned": 3, "points_possible": 5, "reason": "a start"}
    assert program.post(f"{address}/scores", json=first).status_code == 201
    second = {"points_earned": 2, "points_possible": 5, "reason": "looked again", "kind": "peer"}
    answer = program.post(f"{address}/scores", json=second).get_json()
    assert (answer["points_earned"], answer["student_item"]["student_id"]) == (2, "ann")
    (latest,) = items_of(program, "scores?course_id=c1")
    assert latest == answer
    (top,) = items_of(program, "top?course_id=c1&item_id=i1&item_type=essay")
    assert top == {"score": 2, "content": {"text": "héllo"}}

    cleared = program.post(f"{ROOT}/items/{key}/resets", json={"reason": "again", "clear": True})
    assert cleared.status_code == 201
    assert items_of(program, "scores") == items_of(program, "submissions") == []
    assert program.get(address).status_code == 404
    history = items_of(program, f"items/{key}/scores")
    assert [(line["points_earned"], line["reset"], line["is_latest"]) for line in history] == [
        (0, True, True),
        (2, False, False),
        (3, False, False),
    ]
    assert [line["reason"] for entry in history for line in entry["annotations"]] == [
        "again",
        "looked again",
        "a start",
    ]
    assert program.post(f"{ROOT}/items/{key}/restores").get_json() == {"submissions": 1}
    assert program.get(address).status_code == 200


@pytest.mark.both_engines
def test_lists_are_paged_and_filtered(api: Programs) -> None:
    program = api()
    for student in ("dora", "ann", "cid", "bob"):
        scored(handed_in(student)["uuid"], 1, 2)
    handed_in("bob", "again", submitted_at="2020-01-01T00:00:00Z")
    for name, place in (("items", "student_id"), ("scores", "student_item")):
        first = program.get(f"{ROOT}/{name}?limit=3&course_id=c1").get_json()
        second = program.get(f"{ROOT}/{name}?limit=3&course_id=c1&cursor={first['next']}").get_json()
        found = [line[place] for line in first["items"] + second["items"]]
        names = [line["student_id"] if isinstance(line, dict) else line for line in found]
        assert (names, second["next"]) == (["ann", "bob", "cid", "dora"], None)
    (bob,) = items_of(program, "items?student_id=%20bob%20")
    attempts = items_of(program, f"submissions?student_item={bob['id']}")
    assert [line["attempt_number"] for line in attempts] == [1, 2]
    old = items_of(program, "submissions?submitted_before=2020-01-01T01:00:00%2B00:00&course_id=c1")
    assert [line["attempt_number"] for line in old] == [2]
    assert items_of(program, "submissions?submitted_from=9999-12-31T23:59:59-12:00") == []
    for odd in ("items?course_id=%00", "scores?student_id=%00", "grader-entries?queue_name=%00"):
        assert program.get(f"{ROOT}/{odd}").status_code == 422


@pytest.mark.both_engines
def test_a_list_costs_the_same_statements_whatever_its_length(api: Programs) -> None:
    program = api()
    for number in range(12):
        scored(handed_in(f"s{number}")["uuid"], 1, 2, annotation_creator="me")
    for number in range(6):
        scored(handed_in("s0")["uuid"], number, 10, annotation_creator="me")
    (key,) = {line["id"] for line in items_of(program, "items?student_id=s0")}
    for address in ("items", "submissions", "scores", f"items/{key}/scores"):
        program.get(f"{ROOT}/{address}?limit=2")
        with counted_statements() as few:
            program.get(f"{ROOT}/{address}?limit=2")
        with counted_statements() as many:
            program.get(f"{ROOT}/{address}?limit=12")
        assert len(many) == len(few) < 9


def test_a_repeated_write_is_done_once(api: Programs) -> None:
    program, key = api(), {"Idempotency-Key": "k1"}
    first = program.post(f"{ROOT}/submissions", json=new(), headers=key)
    again = program.post(f"{ROOT}/submissions", json=new(), headers=key)
    assert first.get_json() == again.get_json()
    assert rows()["submissions_submission"] == 1
    score = {"points_earned": 1, "points_possible": 2, "reason": "r"}
    address = f"{ROOT}/submissions/{first.get_json()['uuid']}/scores"
    answers = [program.post(address, json=score, headers={"Idempotency-Key": "k2"}) for _ in range(2)]
    assert answers[0].get_json() == answers[1].get_json()
    assert rows()["submissions_score"] == 1


@pytest.mark.both_engines
@pytest.mark.parametrize(
    "wrong",
    [
        {"student_item": {**item(), "item_type": "other"}},
        {"student_item": {**item(), "student_id__contains": "a"}},
        {"student_item": {"student_id": "ann"}},
        {"student_item": {**item(), "student_id": "x" * 256}},
        {"student_item": {**item(), "course_id": "  "}},
        {"student_item": [1]},
        {"answer": None},
        {"answer": "x" * 102_500},
        {"attempt_number": -1},
        {"attempt_number": 2**31},
        {"attempt_number": True},
        {"submitted_at": "2020-02-31T00:00:00Z"},
        {"submitted_at": "9999-12-31T23:59:59-12:00"},
        {"more": 1},
    ],
)
def test_a_refused_submission_leaves_nothing(api: Programs, wrong: dict[str, Any]) -> None:
    handed_in()
    before = rows()
    answer = api().post(f"{ROOT}/submissions", json={**new("bob"), **wrong})
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert rows() == before


@pytest.mark.parametrize(
    "text", ['"\\u0000"', '"\\ud800"', "NaN", "-Infinity", "1e999", "[" * 10_000 + "]" * 10_000]
)
def test_an_answer_that_cannot_be_kept_is_refused(api: Programs, text: str) -> None:
    body = '{"student_item": {"student_id": "ann", "course_id": "c", "item_id": "i", "item_type": "t"}, "answer": '
    answer = api().post(f"{ROOT}/submissions", data=f"{body}{text}}}", content_type="application/json")
    assert answer.status_code in (400, 422)
    assert set(rows().values()) == {0}


@pytest.mark.parametrize(
    "wrong",
    [
        {"points_earned": -1},
        {"points_earned": 1.5},
        {"points_earned": "3"},
        {"points_possible": 2**31},
        {"points_possible": True},
        {"points_possible": None},
        {"reason": ""},
        {"reason": "   "},
        {"reason": "x" * 2_001},
        {"kind": "x" * 256},
    ],
)
def test_a_refused_score_leaves_nothing(api: Programs, wrong: dict[str, Any]) -> None:
    address = f"{ROOT}/submissions/{handed_in()['uuid']}/scores"
    good = {"points_earned": 1, "points_possible": 2, "reason": "r"}
    assert api().post(address, json={**good, **wrong}).status_code == 422
    assert rows()["submissions_score"] == 0


def test_what_is_not_there_is_said_so(api: Programs) -> None:
    program = api()
    nobody = "00000000-0000-4000-8000-000000000000"
    score = {"points_earned": 1, "points_possible": 2, "reason": "r"}
    assert program.get(f"{ROOT}/submissions/{nobody}").status_code == 404
    assert program.get(f"{ROOT}/submissions/nothing").status_code == 404
    assert program.post(f"{ROOT}/submissions/{nobody}/scores", json=score).status_code == 404
    for key in (7, 2**62, 10**30):
        assert program.get(f"{ROOT}/items/{key}").status_code == 404
        assert program.get(f"{ROOT}/items/{key}/scores").status_code == 404
        assert program.post(f"{ROOT}/items/{key}/resets", json={"reason": "r"}).status_code == 404
        assert program.post(f"{ROOT}/items/{key}/restores").status_code == 404
    assert set(rows().values()) == {0}


def test_each_right_opens_its_own_doors(api: Programs) -> None:
    uuid = handed_in()["uuid"]
    scored(uuid, 1, 2)
    (key,) = {line["id"] for line in items_of(api(), "items")}
    doors = {
        f"GET items/{key}": rights.ITEMS_VIEW,
        "GET submissions": rights.ITEMS_VIEW,
        f"GET submissions/{uuid}": rights.ANSWERS_VIEW,
        "GET top?course_id=c1&item_id=i1&item_type=essay": rights.ANSWERS_VIEW,
        "GET scores": rights.SCORES_VIEW,
        f"GET items/{key}/scores": rights.SCORES_VIEW,
        "GET grader-queues": rights.GRADERS_VIEW,
        "GET grader-entries": rights.GRADERS_VIEW,
        "POST submissions": rights.ANSWERS_CREATE,
        "POST grader-entries": rights.ANSWERS_CREATE,
        f"POST submissions/{uuid}/scores": rights.SCORES_SET,
        f"POST items/{key}/resets": rights.SCORES_RESET,
        f"POST items/{key}/restores": rights.STATE_CLEAR,
        "POST grader-queues/q/pulls": rights.GRADERS_SERVE,
        "POST grader-entries/1/results": rights.GRADERS_SERVE,
    }
    programs = {right: api(right) for right in set(doors.values())}
    for door, needed in doors.items():
        method, address = door.split()
        for right, program in programs.items():
            answer = program.open(f"{ROOT}/{address}", method=method, json={} if method == "POST" else None)
            assert (answer.status_code != 403) == (right == needed), (door, right)


def test_clearing_needs_the_right_to_clear(api: Programs) -> None:
    handed_in()
    (key,) = {line["id"] for line in items_of(api(), "items")}
    narrow = api(rights.SCORES_RESET)
    asked = {"reason": "r", "clear": True}
    assert narrow.post(f"{ROOT}/items/{key}/resets", json=asked).status_code == 403
    assert db.session.scalar(select(func.count()).select_from(Score)) == 0
    assert narrow.post(f"{ROOT}/items/{key}/resets", json={"reason": "r"}).status_code == 201


@pytest.mark.both_engines
def test_reads_write_nothing(api: Programs) -> None:
    scored(handed_in()["uuid"], 1, 2)
    program, before = api(), rows()
    uuid = items_of(program, "submissions")[0]["uuid"]
    (key,) = {line["id"] for line in items_of(program, "items")}
    addresses = ["scores", f"submissions/{uuid}", f"items/{key}", f"items/{key}/scores", "grader-queues"]
    addresses += ["top?course_id=no&item_id=no&item_type=no", "grader-entries", "items?student_id=unknown"]
    with counted_statements() as seen:
        for address in addresses:
            assert program.get(f"{ROOT}/{address}").status_code == 200
    writing = ("INSERT INTO submissions_", "UPDATE submissions_", "DELETE FROM submissions_")
    written = [text for text in seen if text.lstrip().startswith(writing)]
    assert written == []
    assert rows() == before
