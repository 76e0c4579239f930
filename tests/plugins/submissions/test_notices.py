"""What other plugins are told: after the commit, of what was kept, many at once."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from flask import Flask

from plugins.submissions import api
from plugins.submissions.api import teams
from plugins.submissions.hooks import ScoreReset, ScoresSet, SubmissionsCreated
from portal.kernel.transaction import in_transaction, run_in_transaction
from portal.sdk import hookimpl
from portal.testing.fixtures import SandboxesWith, SandboxOf
from portal.testing.people import make_user
from portal.testing.sandboxes import EngineName
from tests.plugins.submissions.conftest import handed_in, item, scored

pytestmark = pytest.mark.both_engines
_heard: list[Any] = []


def _heard_by(name: str) -> Any:
    def hear(event: Any) -> None:
        # Outside the transaction: what is told of is there already, for everybody.
        assert not in_transaction()
        _heard.append(event)

    hear.__name__ = name
    return hookimpl(hear)


def listener() -> ModuleType:
    """Return a plugin that keeps every notice."""
    module = ModuleType("a_listener")
    module.__dict__.update(PORTAL_API="1", NAME="listener", REQUIRES=("submissions",))
    for name in ("submissions_created", "submissions_scores_set", "submissions_score_reset"):
        setattr(module, name, _heard_by(name))
    return module


@pytest.fixture(scope="module")
def heard_sandboxes(sandboxes_with: SandboxesWith) -> SandboxOf:
    return sandboxes_with(listener=listener())


@pytest.fixture(autouse=True)
def listening(engine: EngineName, heard_sandboxes: SandboxOf) -> Iterator[Flask]:
    with heard_sandboxes(engine).in_use() as app:
        _heard.clear()
        yield app


def test_one_notice_tells_of_many(listening: Flask) -> None:
    entries = [{"student_item": item(f"s{number}"), "answer": number} for number in range(300)]
    made = run_in_transaction(lambda: api.create_submissions(entries))
    (created,) = _heard
    assert isinstance(created, SubmissionsCreated)
    assert [one.uuid for one in created.submissions] == [shape["uuid"] for shape in made]
    assert vars(created.submissions[7]) | {"submitted_at": None} == {
        **item("s7"), "uuid": made[7]["uuid"], "attempt_number": 1, "submitted_at": None,
    }  # fmt: skip

    _heard.clear()
    scores = [{"submission_uuid": x["uuid"], "points_earned": "3", "points_possible": 5} for x in made]
    run_in_transaction(lambda: api.set_scores(scores))
    (scored_event,) = _heard
    assert isinstance(scored_event, ScoresSet)
    assert len(scored_event.scores) == 300
    # The points as the caller gave them.
    assert vars(scored_event.scores[0]) | {"created_at": None} == {
        "points_earned": "3", "points_possible": 5, "anonymous_user_id": "s0", "course_id": "c1", "item_id": "i1",
        "created_at": None,
    }  # fmt: skip


def test_a_reset_is_told_of_unless_it_shall_not(listening: Flask) -> None:
    scored(handed_in()["uuid"], 1, 2)
    _heard.clear()
    run_in_transaction(lambda: api.reset_score("ann", "c1", "i1", emit_signal=False))
    run_in_transaction(lambda: api.reset_score("nobody", "c1", "i1"))
    assert _heard == []
    run_in_transaction(lambda: api.reset_score("ann", "c1", "i1", clear_state=True))
    (event,) = _heard
    assert isinstance(event, ScoreReset)
    assert (event.anonymous_user_id, event.course_id, event.item_id) == ("ann", "c1", "i1")


def test_a_team_is_told_of_together(listening: Flask) -> None:
    captain = make_user("captain")
    team = run_in_transaction(
        lambda: teams.create_submission_for_team("c1", "i1", "t1", captain, ["ann", "bob"], "ours")
    )
    run_in_transaction(lambda: teams.set_score(team["team_submission_uuid"], 1, 2))
    told = [
        [one.anonymous_user_id for one in event.scores] for event in _heard if isinstance(event, ScoresSet)
    ]
    assert sorted(name for names in told for name in names) == ["ann", "bob"]


def test_nothing_is_told_of_what_is_refused_or_rolled_back(listening: Flask) -> None:
    uuid = handed_in()["uuid"]
    _heard.clear()

    def gone() -> None:
        api.create_submission(item("bob"), "x")
        api.set_score(uuid, 1, 2)
        api.reset_score("ann", "c1", "i1")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_in_transaction(gone)
    with pytest.raises(api.InvalidPointsError):
        scored(uuid, -1, 2)
    with pytest.raises(api.SubmissionRequestError):
        handed_in(answer=None)
    assert _heard == []
