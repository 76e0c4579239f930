"""The figures of submissions: counted after the commit, by item type, by course only when asked."""

import pytest
from flask import Flask

from plugins.submissions import api
from plugins.submissions.api.metrics import SCORES, SHARES, SIZES, SUBMISSIONS, WAITS
from portal.kernel.metrics import exposition
from portal.kernel.transaction import run_in_transaction
from tests.plugins.submissions.conftest import handed_in, item, scored

pytestmark = pytest.mark.both_engines


def figures() -> dict[str, float]:
    """Return the figures of essays, without the limits of histograms."""
    lines = [line for line in exposition().decode().splitlines() if 'item_type="essay"' in line]
    found = {line.split("{")[0]: float(line.rpartition(" ")[2]) for line in lines if "_bucket" not in line}
    return {name.removeprefix("plugin_submissions_"): value for name, value in found.items()}


@pytest.fixture(autouse=True)
def from_nothing() -> None:
    for figure in (SUBMISSIONS, SIZES, SCORES, WAITS, SHARES):
        figure.made().clear()


def test_what_was_handed_in_and_scored_is_counted(app: Flask) -> None:
    for student in ("ann", "bob"):
        scored(handed_in(student, "four")["uuid"], 1, 2)
    found = figures()
    assert found["submissions_total"] == found["scores_total"] == 2
    assert found["answer_characters_sum"] == 2 * len('"four"')
    assert found["score_share_sum"] == 1.0
    assert found["seconds_to_score_count"] == 2


def test_a_hidden_score_has_no_share(app: Flask) -> None:
    scored(handed_in()["uuid"], 5, 0)
    assert figures()["scores_total"] == 1
    assert "score_share_count" not in figures()


def test_what_is_rolled_back_is_not_counted(app: Flask) -> None:
    def refused() -> None:
        api.create_submission(item(), "gone")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_in_transaction(refused)
    assert figures() == {}
