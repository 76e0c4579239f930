"""The export of a course and the check of the ledger, as jobs."""

import csv
import io
import tracemalloc
from threading import Thread
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import delete, event, select, update

from plugins.submissions import api
from plugins.submissions.jobs import SCHEDULES, CheckLedger, ExportCourse
from plugins.submissions.jobs.checking import LedgerParams
from plugins.submissions.jobs.exporting import ExportParams
from plugins.submissions.models import ScoreSummary
from portal.jobs.models import JobFile
from portal.kernel.transaction import run_in_transaction
from portal.sdk import SYSTEM, current_store, db, transaction
from portal.sdk.jobs import Job, JobState, draft, get_job, run_inline, submit
from tests.plugins.submissions.conftest import Counting, handed_in, item, scored


def ran(kind: str, **params: Any) -> Job:
    """Run a task in this process."""
    with transaction():
        job_id = submit(draft(kind, params, SYSTEM)).id
    run_inline(job_id)
    return get_job(job_id)


def result_of(job: Job) -> bytes:
    sha256 = db.session.scalars(
        select(JobFile.sha256).where(JobFile.job_id == job.id, JobFile.role == "result")
    ).one()
    with current_store().open(sha256) as stream:
        return stream.read()


def lines(job: Job) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(result_of(job).decode("utf-8-sig"))))


@pytest.mark.both_engines
def test_a_course_is_exported_with_scores_reasons_and_answers(app: Flask) -> None:
    scored(handed_in("ann", {"text": "é"})["uuid"], 4, 5, annotation_creator="=1+1", annotation_reason="@why")
    handed_in("bob", "=HYPERLINK(1)")
    run_in_transaction(lambda: api.create_submission(item("eve", name="i2", kind="quiz"), [1]))
    run_in_transaction(lambda: api.create_submission(item("zoe", course="c2"), [1]))

    job = ran("submissions.export_course", course_id="c1")

    found = {line["student_id"]: line for line in lines(job)}
    assert (job.state, job.result) == (JobState.FINISHED, {"rows": 3})
    assert set(found) == {"ann", "bob", "eve"}
    ann = found["ann"]
    assert (ann["points_earned"], ann["points_possible"], ann["answer"]) == ("4", "5", '{"text": "é"}')
    assert (ann["scored_by"], ann["reason"]) == ("'=1+1", "'@why")
    assert (found["bob"]["points_earned"], found["bob"]["answer"]) == ("", '"=HYPERLINK(1)"')
    assert found["eve"]["item_type"] == "quiz"


def test_a_workbook_without_answers_of_one_item(app: Flask) -> None:
    scored(handed_in("ann")["uuid"], 4, 5)
    run_in_transaction(lambda: api.create_submission(item("eve", name="i2"), [1]))

    job = ran("submissions.export_course", course_id="c1", item_id="i1", format="xlsx", with_answers=False)

    sheet = openpyxl.load_workbook(io.BytesIO(result_of(job))).worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    assert len(rows) == 2
    assert "answer" not in rows[0]
    assert rows[1][rows[0].index("points_earned")] == 4


def test_a_course_without_submissions_is_refused_by_name(app: Flask) -> None:
    job = ran("submissions.export_course", course_id="nowhere")
    assert (job.state, "'nowhere'" in (job.error or "")) == (JobState.FAILED, True)


@pytest.mark.both_engines
def test_an_export_takes_two_statements_per_500_submissions_and_little_memory(statements: Counting) -> None:
    for start in range(0, 1_500, 500):
        entries = [{"student_item": item(f"s{n}"), "answer": "x" * 2_000} for n in range(start, start + 500)]
        run_in_transaction(lambda part=entries: api.create_submissions(part))  # type: ignore[misc]
    tracemalloc.start()
    with statements() as seen:
        job = ran("submissions.export_course", course_id="c1")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert job.result == {"rows": 1_500}
    assert sum("submissions_" in text for text in seen) <= 3 + 3 + 2
    assert peak < 12_000_000


@pytest.mark.both_engines
def test_the_check_says_what_differs_and_mends_when_told_to(app: Flask) -> None:
    scored(handed_in("ann")["uuid"], 4, 5)
    scored(handed_in("bob")["uuid"], 3, 5)
    assert ran("submissions.check_ledger").result == {"differences": 0, "mended": 0}
    of_ann = ScoreSummary.top_order == -4
    run_in_transaction(
        lambda: db.session.execute(update(ScoreSummary).where(of_ann).values(highest_earned=1))
    )
    run_in_transaction(lambda: db.session.execute(delete(ScoreSummary).where(~of_ann)))

    job = ran("submissions.check_ledger", course_id="c1")

    assert job.result == {"differences": 2, "mended": 0}
    found = [(line["student_id"], line["column"], line["stored"], line["right"]) for line in lines(job)]
    assert found[0] == ("ann", "highest_earned", "1", "4")
    assert found[1][:3] == ("bob", "", "(no summary)")
    assert ran("submissions.check_ledger", repair=True).result == {"differences": 2, "mended": 2}
    assert list(api.check_ledger()) == []
    score = api.get_score(item("bob"))
    assert score is not None
    assert score["points_earned"] == 3


def test_the_check_runs_every_day() -> None:
    assert [(entry.kind, entry.cron.split()[2:]) for entry in SCHEDULES] == [
        ("submissions.check_ledger", ["*", "*", "*"])
    ]


def test_long_work_reports_also_while_there_is_nothing_to_report(app: Flask) -> None:
    for start in (0, 500):
        entries = [{"student_item": item(f"s{n}"), "answer": 1} for n in range(start, start + 500)]
        run_in_transaction(lambda part=entries: api.create_submissions(part))  # type: ignore[misc]
    told: list[int] = []
    CheckLedger().run(LedgerParams(), lambda done, total: told.append(done))
    assert told == [500, 1_000, 1_000]
    told.clear()
    params = ExportParams(course_id="c1", item_id="other")
    result = ExportCourse().run(params, lambda done, total: told.append(done))
    assert (told, result.facts) == ([0, 500, 1_000], {"rows": 0})


@pytest.mark.both_engines
def test_a_score_set_while_the_check_reads_is_no_difference(app: Flask) -> None:
    uuid = handed_in()["uuid"]
    scored(uuid, 1, 2)
    waiting = [True]

    def another_client() -> None:
        with app.app_context():
            scored(uuid, 2, 2)
            db.session.remove()

    def between_reads(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "FROM submissions_score_summary" in statement and waiting and waiting.pop():
            client = Thread(target=another_client)
            client.start()
            client.join()

    event.listen(db.engine, "after_cursor_execute", between_reads)
    try:
        found = list(api.check_ledger())
    finally:
        event.remove(db.engine, "after_cursor_execute", between_reads)
    assert (found, waiting) == ([], [])
    score = api.get_score(item())
    assert score is not None
    assert score["points_earned"] == 2
