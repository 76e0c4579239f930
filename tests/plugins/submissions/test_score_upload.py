"""The upload of scores: what the plan says, what is written, what is refused, and taking it back by new scores."""

from functools import partial
from itertools import product

import pytest
from flask import Flask
from sqlalchemy import func, select

from plugins.submissions import api
from plugins.submissions.models import Score, ScoreAnnotation
from portal.kernel.transaction import run_in_transaction
from portal.sdk import db
from portal.sdk.jobs import Job, JobState, RowState, list_rows
from tests.plugins.submissions.conftest import Counting, handed_in, item, scored
from tests.plugins.submissions.sheets import line, messages, sheet, undone, uploaded


def standing(student: str = "ann") -> tuple[str, str]:
    """Return the latest and the highest score of a student as text."""
    found = api.get_score(item(student)), api.get_highest_score(item(student))
    latest, highest = (f"{s['points_earned']}/{s['points_possible']}" if s else "" for s in found)
    return latest, highest


def scores_count() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Score)) or 0


def outcomes(job: Job) -> list[RowState]:
    return [RowState(row.state) for row in list_rows(job.id, limit=1000)]


@pytest.mark.both_engines
def test_the_newest_submission_gets_the_score_with_its_reason(app: Flask) -> None:
    handed_in()
    newest = handed_in()["uuid"]
    job = uploaded(sheet([line(reason="Well argued")]))

    score = api.get_latest_score_for_submission(newest)
    assert (job.state, job.done_count) == (JobState.FINISHED, 1)
    assert score is not None
    assert (score["points_earned"], score["points_possible"]) == (8, 10)
    assert score["annotations"] == [
        {"creator": "system", "annotation_type": "score_upload", "reason": "Well argued"}
    ]
    assert list(api.check_ledger()) == []


@pytest.mark.both_engines
def test_the_plan_shows_old_and_new(app: Flask) -> None:
    scored(handed_in("ann")["uuid"], 3, 10)
    handed_in("bob")
    scored(handed_in("eve")["uuid"], 8, 10)
    planned: list[tuple[object, ...]] = []

    def look() -> None:
        db.session.rollback()
        job = db.session.scalars(select(Job)).one()
        planned.extend((row.action, row.before, row.after) for row in list_rows(job.id, limit=10))

    job = uploaded(sheet([line("ann"), line("bob"), line("eve")]), look)

    new = {"points_earned": 8, "points_possible": 10}
    assert planned == [
        ("update", {"points_earned": 3, "points_possible": 10}, new),
        ("create", None, new),
        ("unchanged", None, None),
    ]
    assert (job.done_count, job.unchanged_count) == (2, 1)
    assert scores_count() == 4


def test_a_sheet_may_leave_to_the_form_what_is_the_same_everywhere(app: Flask) -> None:
    handed_in("00471")
    row = {"Student": "00471", "Marks": "7"}
    uploaded(sheet([row]), course_id=" c1 ", item_id="i1", points_possible=20)
    assert standing("00471") == ("7/20", "7/20")


#: What is wrong in a row, its code, a part of what the message says.
BAD: tuple[tuple[dict[str, str], str, str], ...] = (
    ({"points_earned": "8.5"}, "field-invalid: points_earned", "value '8.5': A whole number is needed."),
    ({"points_earned": "-1"}, "field-invalid: points_earned", "must not be below 0"),
    ({"points_earned": "NaN"}, "field-invalid: points_earned", "whole number"),
    ({"points_earned": "3000000000"}, "field-invalid: points_earned", "must not be above 2,147,483,647"),
    ({"points_possible": ""}, "field-missing: points_possible", "the cell is empty"),
    ({"student_id": ""}, "field-missing: student_id", "column student_id"),
    ({"student_id": "x" * 256}, "field-invalid: student_id", "At most 255 characters"),
    ({"student_id": "nobody"}, "student-item-unknown", "value 'nobody'"),
    ({"item_id": "other"}, "student-item-unknown", "for 'other' of 'c1'"),
    ({"item_type": "quiz", "student_id": "quizzer"}, "item-type-wrong", "the item is a 'essay'"),
    ({"student_id": "cleared"}, "nothing-handed-in", "was cleared"),
)


@pytest.mark.both_engines
def test_each_bad_row_is_refused_alone_and_says_why(app: Flask) -> None:
    for student in ("ann", "bob", "quizzer", "cleared"):
        handed_in(student)
    run_in_transaction(lambda: api.reset_score("cleared", "c1", "i1", clear_state=True))
    rows = [{**line(f"s{place}", reason=""), **values} for place, (values, _, _) in enumerate(BAD)]
    job = uploaded(sheet([*rows, line("bob", reason="")]))

    assert (job.done_count, job.refused_count) == (1, len(BAD))
    refused = messages(job, RowState.REFUSED)
    for place, ((_, code, part), (found, message)) in enumerate(zip(BAD, refused, strict=True)):
        assert (found, part in message) == (code, True), message
        assert message.startswith(f"Row {place + 2}, column ")
    assert standing("ann") == ("", "")


def test_a_second_row_for_a_student_item_is_refused_also_in_another_chunk(app: Flask) -> None:
    count = 600
    entries = [{"student_item": item(f"s{number:03d}"), "answer": 1} for number in range(count)]
    for start in (0, 300):
        run_in_transaction(lambda part=entries[start : start + 300]: api.create_submissions(part))  # type: ignore[misc]
    rows = [line(f"s{number:03d}", number) for number in range(count)]
    job = uploaded(sheet([*rows, line("s000", 1), line(" s599 ", 2)]))

    assert (job.done_count, job.refused_count) == (count, 2)
    assert {code for code, _ in messages(job, RowState.REFUSED)} <= {"duplicate"}
    assert standing("s599") == ("599/10", "599/10")


@pytest.mark.both_engines
def test_what_changed_after_the_plan_is_refused_and_planned_anew_by_a_retry(app: Flask) -> None:
    first = handed_in("ann")["uuid"]
    handed_in("bob")
    job = uploaded(sheet([line("ann"), line("bob")]), lambda: scored(first, 1, 2))

    assert outcomes(job) == [RowState.REFUSED, RowState.DONE]
    assert messages(job, RowState.REFUSED)[0][0] == "changed-since-preview"
    assert standing("ann") == ("1/2", "1/2")


@pytest.mark.both_engines
def test_uploading_the_same_sheet_twice_writes_nothing_more(app: Flask) -> None:
    handed_in("ann")
    data = sheet([line("ann")])
    uploaded(data)
    job = uploaded(data)
    assert (job.unchanged_count, scores_count()) == (1, 1)


#: Scores that a student had before the upload, in order; None: a reset.
EARLIER: tuple[list[tuple[int, int] | None], ...] = (
    [],
    [(3, 10)],
    [(9, 10), (3, 10)],
    [(3, 10), (9, 10)],
    [(5, 0)],
    [(9, 10), None],
    [(9, 10), None, (2, 10)],
    [(9, 10), (4, 0)],
)


@pytest.mark.both_engines
def test_an_undo_restores_latest_and_highest_score_by_new_scores(app: Flask) -> None:
    rows = []
    for place, (earlier, points) in enumerate(product(EARLIER, ((8, 10), (10, 10), (3, 0)))):
        uuid = handed_in(f"s{place}")["uuid"]
        for what in earlier:
            if what is None:
                run_in_transaction(partial(api.reset_score, f"s{place}", "c1", "i1"))
            else:
                scored(uuid, *what)
        rows.append(line(f"s{place}", *points))
    before = [standing(row["student_id"]) for row in rows]
    job = uploaded(sheet(rows))
    assert job.done_count == len(rows)
    written = scores_count()

    undo_job = undone(job)

    assert (undo_job.state, undo_job.done_count) == (JobState.FINISHED, len(rows))
    assert [standing(row["student_id"]) for row in rows] == before
    assert scores_count() >= written + len(rows)
    assert list(api.check_ledger()) == []


@pytest.mark.both_engines
def test_an_undo_leaves_alone_what_was_scored_since(app: Flask) -> None:
    first, _ = handed_in("ann")["uuid"], handed_in("bob")
    job = uploaded(sheet([line("ann"), line("bob")]))
    scored(first, 9, 10)

    undo_job = undone(job)

    assert (undo_job.done_count, undo_job.refused_count) == (1, 1)
    ((code, message),) = messages(undo_job, RowState.REFUSED)
    assert (code, "ann · i1 · c1 was scored or reset after the upload" in message) == ("changed-since", True)
    assert (standing("ann"), standing("bob")) == (("9/10", "9/10"), ("", ""))


def test_the_undo_says_who_and_why(app: Flask) -> None:
    handed_in()
    undone(uploaded(sheet([line()]), course_id="c1"))
    db.session.rollback()
    told = db.session.scalars(select(ScoreAnnotation).order_by(ScoreAnnotation.id.desc())).first()
    assert told is not None
    assert (told.annotation_type, told.reason) == ("score_upload_undone", "Undo of: Upload scores: c1")


@pytest.mark.both_engines
def test_planning_writing_and_undoing_a_chunk_take_a_fixed_number_of_statements(
    statements: Counting,
) -> None:
    costs = []
    for students in (["ann"], [f"s{number:03d}" for number in range(140)]):
        entries = [{"student_item": item(student), "answer": 1} for student in students]
        for made in run_in_transaction(lambda part=entries: api.create_submissions(part)):  # type: ignore[misc]
            scored(made["uuid"], 9, 10)
        with statements() as seen:
            job = uploaded(sheet([line(student, 10) for student in students]))
        with statements() as taken_back:
            undo_job = undone(job)
        assert (job.done_count, undo_job.done_count) == (len(students), len(students))
        costs.append((_of_plugin(seen), _of_plugin(taken_back)))
    assert costs[0][0] == costs[1][0]
    assert costs[0][1] == costs[1][1]


def _of_plugin(seen: list[str]) -> int:
    return sum("submissions_" in text for text in seen)
