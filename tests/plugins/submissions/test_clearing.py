"""Clearing a student item, and taking that back."""

import pytest
from flask import Flask

from plugins.submissions import api
from plugins.submissions.errors import SubmissionNotFoundError
from portal.kernel.transaction import run_in_transaction
from tests.plugins.submissions.conftest import handed_in, item, scored

pytestmark = pytest.mark.both_engines


def cleared() -> None:
    run_in_transaction(lambda: api.reset_score("ann", "c1", "i1", clear_state=True))


def restored() -> int:
    return run_in_transaction(lambda: api.restore_submissions("ann", "c1", "i1"))


def attempts() -> list[int]:
    return [shape["attempt_number"] for shape in api.get_submissions(item())]


def test_what_was_cleared_comes_back_but_its_score_stays_reset(app: Flask) -> None:
    uuid = handed_in()["uuid"]
    scored(uuid, 3, 5)
    cleared()
    with pytest.raises(SubmissionNotFoundError):
        api.get_submission(uuid)
    assert restored() == 1
    assert api.get_submission(uuid)["attempt_number"] == 1
    assert api.get_score(item()) is None


def test_numbers_given_meanwhile_are_then_there_twice_and_the_next_is_larger(app: Flask) -> None:
    handed_in(), handed_in()
    cleared()
    handed_in()
    cleared()
    handed_in()
    assert restored() == 3
    assert sorted(attempts()) == [1, 1, 1, 2]
    assert handed_in()["attempt_number"] == 3


def test_nothing_to_restore_is_no_error(app: Flask) -> None:
    assert restored() == 0
    handed_in()
    assert restored() == 0
