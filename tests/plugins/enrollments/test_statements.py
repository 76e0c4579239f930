"""What writing costs: a constant number of statements per chunk, and the same answers on both databases."""

import pytest

from plugins.enrollments import api
from plugins.enrollments.api import course_rows, program_rows
from plugins.enrollments.models import (
    CourseEnrollmentHistory,
    ProgramCourseEnrollmentHistory,
    ProgramEnrollment,
    ProgramEnrollmentHistory,
)
from portal.sdk import db, transaction
from portal.testing.statements import counted_statements
from tests.plugins.enrollments.partner import (
    COURSE,
    COURSES,
    PROGRAM,
    count,
    course_of,
    identify,
    keys,
    make_users,
    requests,
    written,
)

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("partner")]
MANY = 300


def test_creating_and_updating_program_rows_takes_seven_statements() -> None:
    wanted = requests(keys(MANY))
    with counted_statements() as created:
        result = written(api.write_program_enrollments, PROGRAM, wanted, create=True, update=True)
    assert set(result.values()) == {"enrolled"}
    assert len(created) <= 8

    with counted_statements() as updated:
        result = written(
            api.write_program_enrollments, PROGRAM, requests(keys(MANY), "ended"), create=True, update=True
        )
    assert set(result.values()) == {"ended"}
    assert len(updated) <= 8
    assert count(ProgramEnrollmentHistory, change="create") == MANY
    assert count(ProgramEnrollmentHistory, change="update", status="ended") == MANY


def test_keys_with_users_are_realized_at_no_further_cost() -> None:
    users = make_users(keys(MANY))
    identify(users)

    with counted_statements() as statements:
        written(api.write_program_enrollments, PROGRAM, requests(keys(MANY)), create=True, update=False)

    assert len(statements) <= 8
    assert count(ProgramEnrollment, user_id=None) == 0


def test_every_further_chunk_costs_four_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_rows, "CHUNK_ROWS", 100)
    with counted_statements() as one:
        written(api.write_program_enrollments, PROGRAM, requests(keys(100, "a")), create=True, update=False)
    with counted_statements() as four:
        written(api.write_program_enrollments, PROGRAM, requests(keys(400, "b")), create=True, update=False)

    assert len(four) - len(one) <= 3 * 4
    assert count(ProgramEnrollment) == 500


@pytest.mark.parametrize("linked", [False, True])
def test_course_rows_take_eight_statements(linked: bool) -> None:
    users = make_users(keys(MANY))
    if linked:
        identify(users)
    written(api.write_program_enrollments, PROGRAM, requests(keys(MANY)), create=True, update=False)

    with counted_statements() as created:
        result = written(
            api.write_program_course_enrollments,
            PROGRAM,
            COURSE,
            requests(keys(MANY), "active"),
            create=True,
            update=True,
        )
    with counted_statements() as updated:
        written(
            api.write_program_course_enrollments,
            PROGRAM,
            COURSE,
            requests(keys(MANY), "inactive"),
            create=True,
            update=True,
        )

    assert set(result.values()) == {"active"}
    assert max(len(created), len(updated)) <= 8
    assert count(ProgramCourseEnrollmentHistory) == 2 * MANY
    assert count(CourseEnrollmentHistory) == (2 * MANY if linked else 0)
    assert course_of(users["k000000"]) == (("masters", False) if linked else None)


def test_every_further_chunk_of_course_rows_costs_five_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course_rows, "CHUNK_ROWS", 100)
    written(api.write_program_enrollments, PROGRAM, requests(keys(500)), create=True, update=False)
    with counted_statements() as one:
        written(
            api.write_program_course_enrollments,
            PROGRAM,
            COURSE,
            requests(keys(100), "active"),
            create=True,
            update=True,
        )
    with counted_statements() as five:
        written(
            api.write_program_course_enrollments,
            PROGRAM,
            COURSE,
            requests(keys(500), "active"),
            create=True,
            update=True,
        )

    assert len(five) - len(one) <= 4 * 5


def test_linking_with_five_courses_and_roles_takes_twelve_statements() -> None:
    users = make_users(keys(100, "u"))
    wanted = keys(100)
    written(api.write_program_enrollments, PROGRAM, requests(wanted), create=True, update=False)
    for course in COURSES:
        written(
            api.write_program_course_enrollments,
            PROGRAM,
            course,
            requests(wanted, "active", course_staff=True),
            create=True,
            update=False,
        )

    with counted_statements() as statements:
        errors = written(api.link_program_enrollments, PROGRAM, dict(zip(wanted, users, strict=True)))

    assert errors == {}
    assert len(statements) <= 12
    assert all(course_of(users["u000042"], course) == ("masters", True) for course in COURSES)


def test_unlinking_takes_eight_statements() -> None:
    users = make_users(keys(100))
    identify(users)
    written(api.write_program_enrollments, PROGRAM, requests(keys(100)), create=True, update=False)
    written(
        api.write_program_course_enrollments,
        PROGRAM,
        COURSE,
        requests(keys(100), "active"),
        create=True,
        update=False,
    )
    with transaction():
        rows = api.fetch_program_enrollments(PROGRAM)
        with counted_statements() as statements:
            api.unlink_program_enrollments(rows)

    assert len(statements) <= 8
    assert count(ProgramEnrollment, user_id=None) == 100
    assert course_of(users["k000000"]) == ("audit", False)


def test_planning_reads_only_and_says_what_would_happen() -> None:
    written(api.write_program_enrollments, PROGRAM, requests(["old", "same"]), create=True, update=False)
    wanted = [*requests(["old"], "ended"), *requests(["same", "new"]), *requests(["bad"], "bogus")]

    plans = api.plan_program_enrollments(PROGRAM, wanted, create=True, update=True)
    db.session.rollback()

    assert [(plan.key, plan.action.value, plan.code) for plan in plans] == [
        ("old", "update", "ended"),
        ("same", "unchanged", "enrolled"),
        ("new", "create", "enrolled"),
        ("bad", "refuse", "invalid-status"),
    ]
    assert (plans[0].before, plans[0].after) == ({"status": "enrolled"}, {"status": "ended"})
    assert plans[0].version == 1
    assert count(ProgramEnrollment) == 2
