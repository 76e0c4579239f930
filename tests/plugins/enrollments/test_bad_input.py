"""Bad rows are their own answer, bad calls are one clear error; never half a batch."""

import uuid
from typing import Any

import pytest
from sqlalchemy import select

from plugins.enrollments import api, errors
from plugins.enrollments.api import course_rows, program_rows
from plugins.enrollments.hooks import CourseEntry, CourseRefusal
from plugins.enrollments.models import CourseEnrollment, ProgramCourseEnrollment, ProgramEnrollment
from plugins.enrollments.settings import EnrollmentsSettings
from portal.sdk import transaction
from portal.settings.store import set_values
from tests.plugins.enrollments.conftest import Refusals
from tests.plugins.enrollments.partner import (
    COURSE,
    CURRICULUM,
    OTHER_CURRICULUM,
    PROGRAM,
    SECOND,
    count,
    identify,
    learner,
    make_users,
    requests,
    written,
)

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("partner")]


def write(rows: list[dict[str, Any]], *, create: bool = True, update: bool = True) -> dict[str, str]:
    result: dict[str, str] = written(
        api.write_program_enrollments, PROGRAM, rows, create=create, update=update
    )
    return result


def enroll(rows: list[dict[str, Any]], course: Any = COURSE, *, create: bool = True) -> dict[str, str]:
    result: dict[str, str] = written(
        api.write_program_course_enrollments, PROGRAM, course, rows, create=create, update=True
    )
    return result


def test_every_bad_row_has_its_own_answer_and_the_good_ones_are_written() -> None:
    users = make_users(["taken", "again"])
    identify({"taken": users["taken"], "again": users["taken"]})
    write(requests(["taken"]))
    rows = [
        *requests(["good"]),
        *requests(["twice"]),
        *requests(["twice"], "ended"),
        *requests(["status"], "bogus"),
        {"external_user_key": "no status", "curriculum_uuid": CURRICULUM},
        {"external_user_key": "status type", "status": 7, "curriculum_uuid": CURRICULUM},
        {"external_user_key": "no curriculum", "status": "enrolled"},
        {"external_user_key": "curriculum", "status": "enrolled", "curriculum_uuid": "zzz"},
        *requests(["x" * 256]),
        *requests(["nul\0"]),
        *requests(["half \ud800"]),
        *requests(["again"]),
        *requests(["key: with, marks;\n'quotes\" and 100%"]),
        *requests(["fine"]),
    ]
    rows.append({"external_user_key": 12, "status": "enrolled", "curriculum_uuid": CURRICULUM})

    assert write(rows) == {
        "good": "enrolled",
        "twice": "duplicated",
        "status": "invalid-status",
        "no status": "invalid-status",
        "status type": "invalid-status",
        "no curriculum": "invalid-curriculum",
        "curriculum": "invalid-curriculum",
        "x" * 256: "invalid-key",
        "nul\0": "invalid-key",
        "half \ud800": "invalid-key",
        "again": "conflict",
        "key: with, marks;\n'quotes\" and 100%": "enrolled",
        "fine": "enrolled",
        12: "invalid-key",
    }
    assert count(ProgramEnrollment) == 4
    assert learner("key: with, marks;\n'quotes\" and 100%").status == "enrolled"


def test_two_new_keys_of_one_user_get_one_place() -> None:
    users = make_users(["one"])
    identify({"a": users["one"], "b": users["one"]})

    assert write(requests(["a", "b"])) == {"a": "enrolled", "b": "conflict"}


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([{"status": "enrolled"}], errors.MissingField),
        ([{"external_user_key": None, "status": "enrolled"}], errors.InvalidRequest),
        ([{"external_user_key": "", "status": "enrolled"}], errors.InvalidRequest),
        ([{"external_user_key": ["k"], "status": "enrolled"}], errors.InvalidRequest),
    ],
)
def test_a_row_that_names_nobody_refuses_the_call_before_anything_is_written(
    rows: list[dict[str, Any]], error: type[Exception]
) -> None:
    with pytest.raises(error):
        write([*requests(["good"]), *rows])
    with pytest.raises(error):
        enroll([*requests(["good"], "active"), *rows])

    assert count(ProgramEnrollment) == 0


def test_unknown_programs_and_courses_refuse_the_call() -> None:
    write(requests(["k"]))
    with pytest.raises(errors.ProgramDoesNotExistException):
        written(api.write_program_enrollments, uuid.uuid4(), requests(["k"]), create=True, update=True)
    with pytest.raises(errors.InvalidCourseKey):
        enroll(requests(["k"], "active"), "nonsense")
    with pytest.raises(errors.NonExistentCourseError):
        enroll(requests(["k"], "active"), "course-v1:north+NONE+2026")

    assert enroll(requests(["nobody"], "active"), "course-v1:north+NONE+2026") == {"nobody": "not-in-program"}
    assert count(ProgramCourseEnrollment) == 0


def test_empty_lists_do_nothing() -> None:
    assert write([]) == {}
    assert enroll([]) == {}
    assert written(api.link_program_enrollments, PROGRAM, {}) == {}


def test_letter_case_counts_unless_the_setting_says_otherwise() -> None:
    assert write(requests(["Key", "KEY"])) == {"Key": "enrolled", "KEY": "enrolled"}
    with transaction():
        set_values(EnrollmentsSettings, {"key_letter_case": "fold"})

    assert write(requests(["Straße", "STRASSE"])) == {"Straße": "duplicated", "STRASSE": "duplicated"}
    assert write(requests(["Straße"])) == {"Straße": "enrolled"}
    assert write(requests(["STRASSE"], "ended"), create=False) == {"STRASSE": "ended"}
    assert learner("Straße").status == "ended"


@pytest.mark.parametrize("letter_case", ["exact", "fold"])
def test_duplicates_are_found_across_chunks(letter_case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_rows, "CHUNK_ROWS", 2)
    monkeypatch.setattr(course_rows, "CHUNK_ROWS", 2)
    with transaction():
        set_values(EnrollmentsSettings, {"key_letter_case": letter_case})
    wanted = ["k1", "k2", "k3", "K1", "k4", "k2"]
    twice = {"k2"} | ({"k1", "K1"} if letter_case == "fold" else set())

    found = write(requests(wanted))
    taken = enroll(requests(wanted, "active"))

    assert {key for key, told in found.items() if told == "duplicated"} == twice
    assert {key for key, told in taken.items() if told == "duplicated"} == twice
    assert count(ProgramEnrollment) == count(ProgramCourseEnrollment) == len(set(wanted) - twice)


def test_a_user_is_linked_once_whatever_is_asked() -> None:
    make_users(["ann", "bob"])
    write(requests(["a", "b"]))
    link = {"a": "ann", "b": "ann"}

    first = written(api.link_program_enrollments, PROGRAM, link)
    again = written(api.link_program_enrollments, PROGRAM, {"a": "ann", "b": "bob"})

    assert set(first) == {"b"}
    assert "IntegrityError" in first["b"]
    assert set(again) == {"a"}
    assert count(ProgramEnrollment, user_id=None) == 0


def test_forbidden_changes_of_status_are_illegal_operations() -> None:
    write(requests(["k"], "ended"))
    with transaction():
        set_values(EnrollmentsSettings, {"forbidden_transitions": ["ended>enrolled"]})

    assert write(requests(["k"])) == {"k": "illegal-operation"}
    with transaction():
        assert api.change_program_enrollment_status(learner("k"), "enrolled") == "illegal-operation"
    assert learner("k").status == "ended"


def test_a_user_is_active_in_a_course_once_whatever_the_keys_and_programs() -> None:
    users = make_users(["one"])
    identify({"a": users["one"]})
    write(requests(["a", "b"]))
    with transaction() as session:
        session.scalars(
            select(ProgramEnrollment).filter_by(external_user_key="b")
        ).one().curriculum_uuid = OTHER_CURRICULUM
    written(api.link_program_enrollments, PROGRAM, {"b": "one"})

    assert enroll(requests(["a", "b"], "active")) == {"a": "active", "b": "conflict"}
    assert enroll(requests(["b"], "inactive")) == {"b": "inactive"}
    second = [{**item, "curriculum_uuid": OTHER_CURRICULUM} for item in requests(["a"])]
    written(api.write_program_enrollments, SECOND, second, create=True, update=False)
    result = written(
        api.write_program_course_enrollments,
        SECOND,
        COURSE,
        requests(["a"], "active"),
        create=True,
        update=True,
    )
    assert result == {"a": "conflict"}


def test_single_writes_refuse_what_bulk_writes_refuse() -> None:
    write(requests(["k"]))
    with pytest.raises(errors.EnrollmentConflict), transaction():
        api.create_program_enrollment(PROGRAM, CURRICULUM, None, "k", "enrolled")
    with pytest.raises(ValueError, match="invalid ProgramEnrollmentStatus"), transaction():
        api.create_program_enrollment(PROGRAM, CURRICULUM, None, "n", "bogus")
    with transaction():
        api.create_program_course_enrollment(learner("k"), COURSE, "active")
    with pytest.raises(errors.EnrollmentConflict), transaction():
        api.create_program_course_enrollment(learner("k"), COURSE, "active")

    assert count(ProgramCourseEnrollment) == 1


def test_a_refused_user_is_that_rows_answer(refusing: Refusals) -> None:
    users = make_users(["full", "closed", "free"])
    identify(users)
    write(requests([*users, "waiting"]))
    refusing[CourseEntry(user_id=users["full"], course_key=COURSE)] = CourseRefusal(
        kind="full", reason="30 of 30 places are taken"
    )
    refusing[CourseEntry(user_id=users["closed"], course_key=COURSE)] = CourseRefusal(kind="closed")

    assert enroll(requests([*users, "waiting"], "active")) == {
        "full": "course-full",
        "closed": "enrollment-closed",
        "free": "active",
        "waiting": "active",
    }
    assert count(CourseEnrollment) == 1
    linked = written(api.link_program_enrollments, PROGRAM, {"waiting": "full"})
    assert "already" in written(api.link_program_enrollments, PROGRAM, {"full": "full"})["full"]
    assert linked == {
        "waiting": "IntegrityError: the user is in this curriculum of the program already, under another key"
    }
    refusing.clear()
    assert enroll(requests(list(users), "active")) == dict.fromkeys(users, "active")
