"""The jobs that read sheets of learners: what their plans say, what they write, and taking it back."""

import pytest
from flask import Flask

from plugins.enrollments import api
from plugins.enrollments.errors import NonExistentCourseError
from plugins.enrollments.models import CourseEnrollment, ProgramCourseEnrollment, ProgramEnrollment
from plugins.enrollments.settings import EnrollmentsSettings
from portal.sdk import transaction
from portal.sdk.jobs import Job, JobState
from portal.settings.store import set_values
from portal.testing.statements import counted_statements
from tests.plugins.enrollments.partner import (
    COURSE,
    PROGRAM,
    count,
    course_of,
    course_row,
    identify,
    keys,
    learner,
    make_users,
    requests,
    written,
)
from tests.plugins.enrollments.sheets import (
    COURSES,
    LINK,
    PROGRAMS,
    SYNC,
    codes,
    line,
    rows_of,
    undone,
    uploaded,
)

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("partner")]


def enrolled(*names: str, status: str = "enrolled") -> None:
    written(api.write_program_enrollments, PROGRAM, requests(names, status), create=True, update=True)


def in_course(*names: str, status: str = "active") -> None:
    written(
        api.write_program_course_enrollments,
        PROGRAM,
        COURSE,
        [{"external_user_key": name, "status": status} for name in names],
        create=True,
        update=True,
    )


def test_the_plan_shows_what_is_created_changed_refused_with_row_column_and_value(app: Flask) -> None:
    enrolled("there", "same")
    rows = [line("new"), line("there", "suspended"), line("same"), line("odd", "graduated"), line("new")]
    job = uploaded(PROGRAMS, rows)

    assert [(row.action, row.state, row.code) for row in rows_of(job)] == [
        ("create", "done", ""),
        ("update", "done", ""),
        ("unchanged", "unchanged", ""),
        ("refuse", "refused", "invalid-status"),
        ("refuse", "refused", "duplicate"),
    ]
    assert rows_of(job)[1].before == {"status": "enrolled"}
    assert rows_of(job)[1].after == {"status": "suspended"}
    assert "Row 5, column status, value 'graduated'" in rows_of(job)[3].message
    assert learner("there").status == "suspended"


def test_letter_case_makes_no_second_learner_where_the_setting_folds_keys(app: Flask) -> None:
    with transaction():
        set_values(EnrollmentsSettings, {"key_letter_case": "fold"})
    job = uploaded(PROGRAMS, [line("K1"), line("k1")])
    assert codes(job) == [("done", ""), ("refused", "duplicate")]


def test_rows_without_key_are_refused_and_harm_no_other(app: Flask) -> None:
    job = uploaded(PROGRAMS, [line(""), line("x" * 256), line("ok"), line("with:colon,comma")])
    assert codes(job) == [("refused", "invalid-key")] * 2 + [("done", "")] * 2


def test_who_was_changed_since_the_preview_is_left_alone(app: Flask) -> None:
    enrolled("ann", "bob")
    rows = [line("ann", "ended"), line("bob", "ended")]
    job = uploaded(PROGRAMS, rows, before_start=lambda: enrolled("ann", status="suspended"))
    assert codes(job) == [("refused", "changed-since-preview"), ("done", "")]
    assert (learner("ann").status, learner("bob").status) == ("suspended", "ended")


def test_undoing_removes_who_was_new_and_restores_the_others(app: Flask) -> None:
    enrolled("old", "moved")
    job = uploaded(PROGRAMS, [line("old", "ended"), line("moved", "ended"), line("new"), line("studying")])
    enrolled("moved", status="pending")
    in_course("studying")

    back = undone(job)

    assert sorted(codes(back)) == [
        ("done", ""),
        ("done", ""),
        ("refused", "changed-since"),
        ("refused", "has-courses"),
    ]
    assert learner("old").status == "enrolled"
    assert learner("moved").status == "pending"
    assert count(ProgramEnrollment) == 3


def test_a_course_sheet_gives_and_undoing_takes_back_what_users_had_before(app: Flask) -> None:
    users = make_users(["ann", "bob"])
    identify(users)
    enrolled("ann", "bob", "waiting")
    with transaction() as session:
        session.add(CourseEnrollment(user_id=users["bob"], course_key=COURSE, mode="audit", is_active=True))

    job = uploaded(COURSES, [line(name, "active") for name in ("ann", "bob", "waiting")], course_key=COURSE)
    assert codes(job) == [("done", "")] * 3
    assert course_of(users["bob"]) == ("masters", True)

    assert undone(job).done_count == 3
    assert count(ProgramCourseEnrollment) == 0
    assert course_of(users["bob"]) == ("audit", True)
    assert course_of(users["ann"]) == ("masters", False)


def test_a_course_row_that_was_changed_since_is_kept(app: Flask) -> None:
    enrolled("ann")
    in_course("ann", status="inactive")
    job = uploaded(COURSES, [line("ann", "active")], course_key=COURSE)
    in_course("ann", status="inactive")
    assert codes(undone(job)) == [("refused", "changed-since")]
    assert course_row("ann").status == "inactive"


def test_the_staff_column_works_alone_and_takes_yes_and_no_only(app: Flask) -> None:
    enrolled("ann", "bob")
    in_course("ann", "bob")
    rows = [line("ann", "active", course_staff="yes"), line("bob", "active", course_staff="perhaps")]
    job = uploaded(COURSES, rows, course_key=COURSE)
    assert codes(job) == [("done", ""), ("refused", "invalid-course-staff")]
    assert [item.role for item in course_row("ann").role_assignments] == ["staff"]


def test_a_course_run_that_does_not_exist_is_one_clear_error(app: Flask) -> None:
    enrolled("ann")
    with pytest.raises(NonExistentCourseError) as raised:
        uploaded(COURSES, [line("ann", "active")], course_key="course-v1:north+NONE+2026")
    assert "course-v1:north+NONE+2026" in raised.value.message
    assert count(ProgramCourseEnrollment) == 0


def test_keys_get_their_accounts_with_the_courses_that_wait_and_give_them_back(app: Flask) -> None:
    users = make_users(["ann", "bob", "eve"])
    enrolled("k1", "k2", "k3")
    in_course("k1")
    rows = [
        {"external_user_key": "k1", "username": "ann"},
        {"external_user_key": "k2", "username": "nobody"},
        {"external_user_key": "k9", "username": "bob"},
        {"external_user_key": "k3", "username": ""},
    ]
    job = uploaded(LINK, rows)
    assert codes(job) == [
        ("done", ""),
        ("refused", "user-not-found"),
        ("refused", "not-in-program"),
        ("refused", "cell-missing"),
    ]
    assert "Correct the name" in rows_of(job)[1].message
    assert course_of(users["ann"]) == ("masters", True)

    assert codes(uploaded(LINK, rows[:1])) == [("unchanged", "")]
    taken = [{"external_user_key": "k1", "username": "eve"}]
    assert codes(uploaded(LINK, taken)) == [("refused", "linked-elsewhere")]
    relinked = uploaded(LINK, taken, relink=True)
    assert rows_of(relinked)[0].before == {"account": "ann"}
    assert learner("k1").user_id == users["eve"]

    assert codes(undone(job)) == [("refused", "changed-since")]
    assert codes(undone(relinked)) == [("done", "")]
    assert learner("k1").user_id == users["ann"]


def test_undoing_a_link_lets_the_learner_wait_again(app: Flask) -> None:
    users = make_users(["ann"])
    enrolled("k1")
    in_course("k1")
    job = uploaded(LINK, [{"external_user_key": "k1", "username": "ann"}])
    assert codes(undone(job)) == [("done", "")]
    assert learner("k1").user_id is None
    assert course_of(users["ann"]) == ("audit", False)


def test_a_whole_sheet_withdraws_who_is_missing_and_undoing_brings_them_back(app: Flask) -> None:
    enrolled("stays", "goes")
    enrolled("gone", status="canceled")
    job = uploaded(SYNC, [line("stays"), line("new")])
    assert [(row.label, row.action) for row in rows_of(job)] == [
        ("stays", "unchanged"),
        ("new", "create"),
        ("goes (not in the sheet)", "remove"),
    ]
    assert learner("goes").status == "canceled"
    undone(job)
    assert learner("goes").status == "enrolled"


def test_a_sheet_that_withdraws_many_waits_for_a_second_person(app: Flask) -> None:
    enrolled(*keys(200))
    job = uploaded(SYNC, [line(key) for key in keys(100)])
    assert job.state == JobState.AWAITING_APPROVAL
    assert count(ProgramEnrollment, status="enrolled") == 200


def questions(job_rows: int, prefix: str) -> int:
    with counted_statements() as statements:
        job = uploaded(PROGRAMS, [line(key) for key in keys(job_rows, prefix)])
    assert job.done_count == job_rows
    return len(statements)


def test_more_rows_of_a_chunk_are_no_more_statements(app: Flask) -> None:
    questions(3, "warm")
    few, many = questions(3, "a"), questions(300, "b")
    assert many <= few + 2, (few, many)


def undo_questions(job: Job) -> int:
    with counted_statements() as statements:
        undone(job)
    return len(statements)


def test_undoing_more_rows_is_no_more_statements(app: Flask) -> None:
    few, many = (
        uploaded(PROGRAMS, [line(key) for key in keys(number, f"u{number}-")]) for number in (3, 300)
    )
    undo_questions(uploaded(PROGRAMS, [line("warm")]))
    first, second = undo_questions(few), undo_questions(many)
    assert second <= first + 2, (first, second)
