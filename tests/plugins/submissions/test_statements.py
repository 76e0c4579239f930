"""How many statements each call takes: a constant, small number."""

from collections.abc import Callable
from typing import Any

import pytest

from plugins.submissions import api
from portal.kernel.transaction import run_in_transaction
from tests.plugins.submissions.conftest import Counting, handed_in, item, scored

pytestmark = pytest.mark.both_engines


def writing(statements: Counting, call: Callable[[], Any]) -> int:
    with statements() as seen:
        run_in_transaction(call)
    return len(seen)


def reading(statements: Counting, call: Callable[[], Any]) -> int:
    with statements() as seen:
        call()
    return len(seen)


def test_handing_in_takes_three_for_one_and_for_many(statements: Counting) -> None:
    handed_in()
    assert writing(statements, lambda: api.create_submission(item(), "again")) == 3
    many = [{"student_item": item(f"s{number}"), "answer": number} for number in range(300)]
    assert writing(statements, lambda: api.create_submissions(many)) == 3


def test_scoring_takes_three_and_one_more_for_the_annotation(statements: Counting) -> None:
    uuid = handed_in()["uuid"]
    assert writing(statements, lambda: api.set_score(uuid, 1, 2)) == 3
    assert writing(statements, lambda: api.set_score(uuid, 1, 2, "me", "staff", "why")) == 4


def test_scoring_many_takes_as_many_as_scoring_one(statements: Counting) -> None:
    many = [{"student_item": item(f"s{number}"), "answer": number} for number in range(300)]
    uuids = [shape["uuid"] for shape in run_in_transaction(lambda: api.create_submissions(many))]
    scores = [{"submission_uuid": uuid, "points_earned": 1, "points_possible": 2} for uuid in uuids]
    assert writing(statements, lambda: api.set_scores(scores)) == 3


def test_resetting_takes_three_and_one_more_for_clearing(statements: Counting) -> None:
    scored(handed_in()["uuid"], 1, 2)
    assert writing(statements, lambda: api.reset_score("ann", "c1", "i1")) == 3
    assert writing(statements, lambda: api.reset_score("ann", "c1", "i1", clear_state=True)) == 4


@pytest.mark.parametrize(
    "call",
    [
        api.get_submission,
        api.get_submission_and_student,
        lambda uuid: api.get_submissions(item()),
        lambda uuid: api.get_score(item()),
        lambda uuid: api.get_highest_score(item()),
        lambda uuid: api.get_scores("c1", "ann"),
        api.get_latest_score_for_submission,
        lambda uuid: api.get_top_submissions("c1", "i1", "essay", 10),
        lambda uuid: api.get_student_ids_by_submission_uuid("c1", [uuid]),
        lambda uuid: list(api.get_all_submissions("c1", "i1", "essay")),
    ],
)
def test_a_read_is_one_statement(statements: Counting, call: Callable[[str], Any]) -> None:
    uuid = handed_in()["uuid"]
    scored(uuid, 3, 5, annotation_creator="me")
    assert reading(statements, lambda: call(uuid)) == 1


def test_streams_take_a_constant_number_per_chunk(statements: Counting) -> None:
    many = [{"student_item": item(f"s{number:04d}"), "answer": number} for number in range(500)]
    for start in (0, 500):
        for entry in many:
            entry["student_item"] = item(f"s{start + int(entry['answer']):04d}")
        run_in_transaction(lambda: api.create_submissions(many))
    run_in_transaction(lambda: api.create_submissions(many[:7]))
    with statements() as seen:
        assert len(list(api.get_all_submissions("c1", "i1", "essay"))) == 1_000
    assert len(seen) == 3
    with statements() as seen:
        assert len(list(api.get_all_course_submission_information("c1", "essay"))) == 1_007
    assert len(seen) == 3
