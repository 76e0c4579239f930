"""The summary of scores: what writers keep is what a recomputation gives."""

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from plugins.submissions import api
from plugins.submissions.models import ScoreSummary
from portal.kernel.db import db
from portal.kernel.transaction import run_in_transaction
from tests.plugins.submissions.conftest import handed_in, item, scored

pytestmark = pytest.mark.both_engines

#: A score as (earned, possible), or a reset.
EVENTS = st.lists(
    st.one_of(st.none(), st.tuples(st.integers(0, 6), st.integers(0, 6))), min_size=1, max_size=12
)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(EVENTS)
def test_writers_and_recomputation_agree_on_any_ledger(
    app: Flask, events: list[tuple[int, int] | None]
) -> None:
    uuid = handed_in()["uuid"]
    for what in events:
        if what is None:
            run_in_transaction(lambda: api.reset_score("ann", "c1", "i1"))
        else:
            scored(uuid, *what)
    assert list(api.check_ledger()) == []


def test_scores_of_one_item_in_one_call_count_in_their_order(app: Flask) -> None:
    uuid = handed_in()["uuid"]
    points = [(5, 10), (8, 10), (2, 10)]
    entries = [{"submission_uuid": uuid, "points_earned": e, "points_possible": p} for e, p in points]
    assert run_in_transaction(lambda: api.set_scores(entries)) == [None, None, None]
    latest, highest = api.get_score(item()), api.get_highest_score(item())
    assert latest is not None
    assert highest is not None
    assert (latest["points_earned"], highest["points_earned"]) == (2, 8)
    assert list(api.check_ledger()) == []


def test_a_wrong_summary_is_found_shown_and_mended(app: Flask) -> None:
    scored(handed_in("ann")["uuid"], 4, 5)
    scored(handed_in("bob")["uuid"], 3, 5)
    statement = update(ScoreSummary).values(highest_earned=1, top_order=None)
    run_in_transaction(lambda: db.session.execute(statement))

    found = list(api.check_ledger("c1"))
    assert [difference.student_id for difference in found] == ["ann", "bob"]
    assert found[0].right is not None
    assert found[0].right["highest_earned"] == 4
    assert run_in_transaction(lambda: api.repair_ledger("c1")) == 2
    assert list(api.check_ledger()) == []
    assert [entry["score"] for entry in api.get_top_submissions("c1", "i1", "essay", 5)] == [4, 3]


def test_points_whose_product_passes_32_bits_compare_exactly(app: Flask) -> None:
    uuid = handed_in()["uuid"]
    scored(uuid, 2_147_483_646, 2_147_483_647)
    scored(uuid, 2_147_483_645, 2_147_483_646)
    highest = api.get_highest_score(item())
    assert highest is not None
    assert highest["points_earned"] == 2_147_483_646
