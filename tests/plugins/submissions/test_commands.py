"""The commands: what they print, do and return as exit status."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import update

from plugins.submissions import api, commands
from plugins.submissions.api.grading import entry_shape, move, pull
from plugins.submissions.models import GraderEntry, ScoreSummary
from portal.kernel.transaction import run_in_transaction
from portal.sdk import SYSTEM, PortalError, acting_as, db, utc_now
from tests.plugins.submissions.conftest import handed_in, item, scored
from tests.plugins.submissions.sheets import line, sheet


@pytest.fixture(autouse=True)
def by_the_portal(app: Flask) -> Iterator[None]:
    with acting_as(SYSTEM):
        yield


def run(command: object, *arguments: str, answer: str = "") -> Result:
    result = CliRunner().invoke(command, arguments, input=answer)  # type: ignore[arg-type]
    db.session.rollback()
    return result


def test_a_score_is_set_with_its_reason() -> None:
    uuid = handed_in()["uuid"]
    result = run(commands.score, uuid, "4", "5", "--reason", "Second marker")
    score = api.get_latest_score_for_submission(uuid)
    assert (result.exit_code, result.output) == (0, f"Submission {uuid} has 4 of 5 points.\n")
    assert score is not None
    assert score["annotations"][0]["reason"] == "Second marker"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [(("x", "1", "2"), "no submission x"), (("UUID", "1.5", "2"), "points_earned: A whole number")],
)
def test_a_wrong_score_is_told_in_a_line(arguments: tuple[str, ...], part: str) -> None:
    uuid = handed_in()["uuid"]
    given = [uuid if text == "UUID" else text for text in arguments]
    result = run(commands.score, *given, "--reason", "why")
    assert isinstance(result.exception, PortalError)
    assert part in str(result.exception)


def test_a_sheet_of_scores_is_uploaded(tmp_path: Path) -> None:
    handed_in()
    path = tmp_path / "scores.csv"
    path.write_bytes(sheet([line(), line("nobody")]))
    result = run(commands.upload_scores, str(path), "--yes", "--inline")
    assert result.exit_code == 0, result.output
    assert "done 1" in result.output
    assert "student-item-unknown" in result.output


def test_a_reset_asks_first_clears_and_can_be_restored() -> None:
    scored(handed_in()["uuid"], 4, 5)
    where = ("ann", "c1", "i1")
    refused = run(commands.reset, *where, "--reason", "r", answer="n\n")
    assert (refused.exit_code, api.get_score(item()) is None) == (1, False)
    done = run(commands.reset, *where, "--clear", "--reason", "Cheated", "--yes")
    assert (done.exit_code, api.get_score(item()), api.get_submissions(item())) == (0, None, [])
    assert "1 submissions are back" in run(commands.restore, *where).output
    assert len(api.get_submissions(item())) == 1
    for command in (commands.reset, commands.restore):
        more = ("--reason", "r", "--yes") if command is commands.reset else ()
        assert "no student item bob" in str(run(command, "bob", "c1", "i1", *more).exception)


def test_an_export_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    handed_in()
    out = tmp_path / "c1.csv"
    assert run(commands.export, "c1", "--out", str(out)).output == f"1 submissions are in {out}.\n"
    assert b"an answer" in out.read_bytes()
    other = run(commands.export, "nowhere", "--out", str(tmp_path / "x.xlsx"))
    assert "Nothing is handed in for the course 'nowhere'" in str(other.exception)
    missing = run(commands.export, "c1", "--out", str(tmp_path / "no" / "x.csv"))
    assert (missing.exit_code, "cannot be written" in missing.output) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["c1.csv"]


def test_the_ledger_check_fails_until_it_is_mended() -> None:
    scored(handed_in()["uuid"], 4, 5)
    assert run(commands.ledger, "check").output == "All is well.\n"
    run_in_transaction(lambda: db.session.execute(update(ScoreSummary).values(highest_earned=1)))
    found = run(commands.ledger, "check")
    assert (found.exit_code, "ann · highest_earned · 1 · 4" in found.output) == (1, True)
    assert run(commands.ledger, "check", "--repair").exit_code == 0
    assert run(commands.ledger, "check").exit_code == 0


def test_the_queue_is_listed_unstuck_and_retried() -> None:
    assert run(commands.queue, "list").output == "No queue has an entry.\n"
    made = run_in_transaction(lambda: api.create_external_grader_detail(item(), "x", "q1", None))
    run_in_transaction(lambda: pull("q1"))
    assert run(commands.queue, "unstick").output == "0 entries are offered anew.\n"
    late = update(GraderEntry).values(lease_until=utc_now() - timedelta(minutes=1))
    run_in_transaction(lambda: db.session.execute(late))
    assert "q1: pulled 1\n1 handed out and not answered" in run(commands.queue, "list").output
    assert run(commands.queue, "unstick", "--queue", "other").output == "0 entries are offered anew.\n"
    assert run(commands.queue, "unstick").output == "1 entries are offered anew.\n"
    assert entry_shape(made["submission_uuid"])["status"] == "retry"
    run_in_transaction(lambda: pull("q1"))
    run_in_transaction(lambda: move([made["submission_uuid"]], "failed"))
    key = str(db.session.scalar(GraderEntry.__table__.select().with_only_columns(GraderEntry.id)))
    assert run(commands.queue, "retry", key).exit_code == 0
    again = run(commands.queue, "retry", key, "999")
    assert (again.exit_code, "999 does not exist" in again.output) == (1, True)
