"""Whatever is sent to the API: only its own errors come out, a refused call writes nothing, and no read writes."""

import math
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from plugins.submissions import api
from plugins.submissions.api import teams
from plugins.submissions.api.grading import entry_shape, move, pull, put_result
from plugins.submissions.api.waiting import queue_length, waiting
from plugins.submissions.errors import SubmissionError
from plugins.submissions.models import MODELS
from portal.kernel.db import db
from portal.kernel.transaction import run_in_transaction
from portal.testing.people import make_user
from portal.testing.statements import counted_statements
from tests.plugins.submissions.conftest import handed_in, item, scored

pytestmark = pytest.mark.both_engines
Call = Callable[..., Any]


class Odd:
    """A value that no encoder knows."""


def nested(levels: int) -> Any:
    found: Any = 1
    for _ in range(levels):
        found = [found]
    return found


#: Values that are wrong almost everywhere, or at least strange.
ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**31, 2**63, 10**40, 1.5, math.nan, math.inf, "", "  ", "x" * 300, "x" * 102_500, "\0", "a\0b",
    "\ud800", "%", "' OR 1=1 --", "{", b"bytes", [], [1], {}, {"a": 1}, {1: 2}, {"student_id__contains": "a"}, (1, 2),
    {1, 2}, Odd(), datetime.max.replace(tzinfo=UTC), date(2020, 1, 1), nested(10_000), nested(300), {"é": "\ud800"}, [math.nan],
)  # fmt: skip
#: Student items that are none.
ODD_ITEMS: tuple[Any, ...] = (
    *ODD_VALUES,
    {**item(), "more": "x"},
    {**item(), "student_id__contains": "a"},
    {"student_id": "ann"},
    {key: value for key, value in item().items() if key != "item_type"},
    *(
        {**item(), name: value}
        for name in item()
        for value in ODD_VALUES
        if not isinstance(value, int | float)
    ),
)


def rows() -> dict[str, int]:
    """Return table → number of rows."""
    db.session.rollback()
    counted = {str(m.__tablename__): select(func.count()).select_from(m) for m in MODELS}  # type: ignore[attr-defined]
    return {name: int(db.session.scalar(statement) or 0) for name, statement in counted.items()}


def tried(call: Call, *arguments: Any) -> bool:
    """Call in a transaction of its own and say whether that was refused; another error than the API's fails."""

    def run() -> None:
        found = call(*arguments)
        if hasattr(found, "__next__"):
            list(found)

    try:
        run_in_transaction(run)
    except SubmissionError:
        return True
    return False


def refused(calls: Iterable[tuple[Call, tuple[Any, ...]]]) -> int:
    """Try every call and return how many were refused; when all are, nothing may be written."""
    before, outcomes = rows(), [tried(call, *arguments) for call, arguments in calls]
    if all(outcomes):
        assert rows() == before
    return sum(outcomes)


def test_odd_student_items_are_refused(app: Flask) -> None:
    assert refused((api.create_submission, (given, "x")) for given in ODD_ITEMS) > len(ODD_ITEMS) - 20
    wrong = [given for given in ODD_ITEMS if not isinstance(given, dict) or set(given) != set(item())]
    before = rows()
    assert refused((api.create_submission, (given, "x")) for given in wrong) == len(wrong)
    assert rows() == before


def test_odd_answers_points_and_annotations_are_refused(app: Flask) -> None:
    uuid = handed_in()["uuid"]
    calls: list[tuple[Call, tuple[Any, ...]]] = []
    for odd in ODD_VALUES:
        calls += [
            (api.create_submission, (item(), odd)),
            (api.create_submission, (item(), "x", odd)),
            (api.create_submission, (item(), "x", None, odd)),
            (api.create_submissions, ([{"student_item": item(), "answer": "x"}, {"answer": odd}],)),
            (api.create_submissions, ([odd],)),
            (api.create_submissions, (odd,)),
            (api.set_scores, ([odd],)),
            (api.set_scores, (odd,)),
            (api.set_score, (odd, 1, 2)),
            (api.set_score, (uuid, odd, 2)),
            (api.set_score, (uuid, 1, odd)),
            (api.set_score, (uuid, 1, 2, odd, "kind", "why")),
            (api.set_score, (uuid, 1, 2, "me", odd, "why")),
            (api.set_score, (uuid, 1, 2, "me", "kind", odd)),
        ]
    assert refused(calls) > 150
    assert list(api.check_ledger()) == []
    for text in ("\0", "\ud800", math.nan, nested(10_000), "x" * 102_500):
        assert tried(api.create_submission, item(), text) == (text != "\0")


def test_odd_resets_restores_and_queue_entries_harm_nothing(app: Flask) -> None:
    uuid, captain = handed_in()["uuid"], make_user("captain")
    calls: list[tuple[Call, tuple[Any, ...]]] = []
    for odd in ODD_VALUES:
        calls += [
            (api.reset_score, (odd, "c1", "i1")),
            (api.reset_score, ("ann", odd, "i1")),
            (api.restore_submissions, (odd, odd, odd)),
            (api.create_external_grader_detail, (item(), "x", odd, "key")),
            (api.create_external_grader_detail, (item(), "x", "q", odd)),
            (api.create_external_grader_detail, (item(), "x", "q", "key", odd)),
            (api.create_external_grader_detail, (item(), "x", "q", "key", "", odd)),
            (api.create_external_grader_detail, (item(), "x", "q", "key", "", 1, odd)),
            (api.create_external_grader_detail, (item(), "x", "q", "key", "", 1, {"a": odd})),
            (teams.create_submission_for_team, (odd, "i1", "t", captain, ["ann"], "x")),
            (teams.create_submission_for_team, ("c1", "i1", odd, captain, ["ann"], "x")),
            (teams.create_submission_for_team, ("c1", "i1", "t", odd, ["ann"], "x")),
            (teams.create_submission_for_team, ("c1", "i1", "t", captain, odd, "x")),
            (teams.set_score, (odd, 1, 2)),
            (teams.reset_scores, (odd,)),
            (move, ([uuid], odd)),
        ]
    assert refused(calls) > 150


def test_odd_results_of_graders_are_refused(app: Flask) -> None:
    for key in (0, -1, 10**15):
        assert tried(put_result, key, "key", 1, "")
    for name in ("", "unknown", "\0", "x" * 5_000):
        assert run_in_transaction(lambda name=name: pull(name)) is None
        assert (waiting(name), queue_length(name)) == (0, 0)


def test_no_read_writes_whatever_it_is_asked(app: Flask) -> None:
    uuid = handed_in()["uuid"]
    scored(uuid, 1, 2)
    before = rows()
    one: list[Call] = [
        api.get_submission, api.get_submission_and_student, api.get_submissions, api.get_score, api.get_highest_score,
        api.get_latest_score_for_submission, entry_shape, teams.get_team_submission,
        teams.get_team_submission_from_individual_submission, teams.get_team_submission_for_student,
        teams.get_team_submission_student_ids, teams.get_team_ids_by_team_submission_uuid,
        lambda odd: api.get_submissions(item(), odd),
        lambda odd: api.get_scores(odd, "ann"),
        lambda odd: api.get_scores("c1", odd),
        lambda odd: api.get_student_ids_by_submission_uuid(odd, [uuid]),
        lambda odd: api.get_student_ids_by_submission_uuid("c1", odd),
        lambda odd: api.get_top_submissions(odd, "i1", "essay", 5),
        lambda odd: api.get_top_submissions("c1", "i1", "essay", odd),
        lambda odd: list(api.get_all_submissions("c1", odd, "essay")),
        lambda odd: list(api.get_all_course_submission_information("c1", odd)),
        lambda odd: teams.get_all_team_submissions("c1", odd),
        lambda odd: teams.get_team_submission_for_team("c1", "i1", odd),
        lambda odd: teams.get_teammates_with_submissions_from_other_teams("c1", "i1", "t", odd),
        lambda odd: list(api.check_ledger(odd)),
    ]  # fmt: skip
    with counted_statements() as seen:
        for call, odd in product(one, (*ODD_VALUES, *ODD_ITEMS[len(ODD_VALUES) : len(ODD_VALUES) + 4])):
            try:
                call(odd)
            except SubmissionError:
                db.session.rollback()
    writing = ("INSERT", "UPDATE", "DELETE")
    assert [text for text in seen if text.lstrip().startswith(writing)] == []
    assert rows() == before
