"""What time does to enrollments: expiry, retirement, drift; grades; and students of the institution."""

import json
import uuid
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from plugins.enrollments import api
from plugins.enrollments.api.integrity import DriftKind, find_drift, repair_drift
from plugins.enrollments.api.personal_data import personal_data
from plugins.enrollments.api.retirement import RETIRED_PREFIX, retire_learners
from plugins.enrollments.api.students import enroll_students, withdraw_students
from plugins.enrollments.hooks import CourseGrade
from plugins.enrollments.models import (
    CourseEnrollment,
    Curriculum,
    ProgramCourseEnrollment,
    ProgramEnrollment,
    ProgramEnrollmentHistory,
)
from portal.sdk import RetiredUser, UsersRetired, db, transaction, utc_now
from portal.testing.statements import counted_statements
from tests.plugins.enrollments.conftest import Grades
from tests.plugins.enrollments.partner import (
    COURSE,
    CURRICULUM,
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

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("partner")]


def enrolled(*wanted: str, realized: bool = True) -> dict[str, int]:
    """Enroll keys in the program and a course run; return key to user id."""
    users = make_users(list(wanted)) if realized else {}
    identify(users)
    written(api.write_program_enrollments, PROGRAM, requests(wanted), create=True, update=False)
    written(
        api.write_program_course_enrollments,
        PROGRAM,
        COURSE,
        requests(wanted, "active"),
        create=True,
        update=False,
    )
    return users


def test_old_waiting_rows_expire_with_all_that_belongs_to_them() -> None:
    enrolled("old", "new", realized=False)
    then = utc_now() - timedelta(days=61)
    with transaction() as session:
        session.execute(update(ProgramEnrollment).filter_by(external_user_key="old").values(modified_at=then))

    with counted_statements() as statements:
        assert written(api.expire_waiting_enrollments, 60) == 1

    assert len(statements) <= 6
    assert db.session.scalars(select(ProgramEnrollment.external_user_key)).all() == ["new"]
    assert (count(ProgramCourseEnrollment), count(ProgramEnrollmentHistory)) == (1, 1)
    with pytest.raises(ValueError, match="from 0 on"):
        written(api.expire_waiting_enrollments, -1)


def test_a_retired_key_becomes_one_token_everywhere_and_stays_it() -> None:
    users = enrolled("ann", "bob")
    person = RetiredUser(user_id=users["ann"], token="t0k3n", name="Ann", sign_in_name="ann")
    event = UsersRetired(users=(person,), at=utc_now())

    assert written(retire_learners, event) == 1
    assert written(retire_learners, event) == 0

    (row,) = api.fetch_program_enrollments(PROGRAM, realized_only=True, external_user_keys=None)[:1]
    assert row.external_user_key is not None
    assert row.external_user_key.startswith(RETIRED_PREFIX)
    assert row.external_key == row.external_user_key
    assert course_row(row.external_user_key).external_key == row.external_user_key
    kept = db.session.scalars(select(ProgramEnrollmentHistory.external_user_key)).all()
    assert set(kept) == {"bob", row.external_user_key}
    assert written(
        api.write_program_enrollments,
        PROGRAM,
        requests([row.external_user_key], "ended"),
        create=False,
        update=True,
    ) == {row.external_user_key: "ended"}
    assert find_drift() == []


def test_a_person_gets_all_that_is_kept() -> None:
    users = enrolled("ann", "bob")

    found = personal_data(list(users.values()))

    assert set(found) == set(users.values())
    mine = found[users["ann"]]
    assert [row["external_user_key"] for row in mine["programs"]] == ["ann"]
    assert [(row["course_key"], row["status"]) for row in mine["courses of programs"]] == [(COURSE, "active")]
    assert [row["mode"] for row in mine["courses"]] == ["masters"]
    assert mine["history of programs"][0]["status"] == "enrolled"
    assert json.dumps(found)
    assert personal_data([0]) == {}


def test_drift_is_found_and_mended() -> None:
    users = enrolled("ann", "bob", "cy", "dan")
    rows = {key: course_row(key).id for key in users}
    with transaction() as session:
        session.execute(update(CourseEnrollment).filter_by(user_id=users["ann"]).values(is_active=False))
        session.execute(
            update(ProgramCourseEnrollment).filter_by(id=rows["bob"]).values(organization_key="wrong")
        )
        session.execute(
            update(ProgramCourseEnrollment).filter_by(id=rows["cy"]).values(course_enrollment_id=None)
        )

    found = find_drift(PROGRAM)
    assert [(drift.row_id, drift.kind) for drift in found] == [
        (rows["ann"], DriftKind.ACTIVITY),
        (rows["bob"], DriftKind.STALE_COPY),
        (rows["cy"], DriftKind.NOT_ENROLLED),
    ]
    assert written(repair_drift, found) == {}
    assert find_drift() == []
    assert course_of(users["ann"]) == ("masters", True)


def test_grades_come_from_whoever_knows_them(grading: Grades) -> None:
    users = enrolled("ann", "bob", "cy")
    grading[users["ann"]] = CourseGrade(passed=True, percent=0.95, letter="A")
    grading[users["bob"]] = CourseGrade(error="the grade book is locked")

    grades = list(api.iter_program_course_grades(PROGRAM, COURSE))
    first = list(api.iter_program_course_grades(PROGRAM, COURSE, lambda rows: rows[:1]))

    assert [grade.is_error for grade in grades] == [False, True, True]
    assert (first[0].is_error, getattr(first[0], "letter_grade", "")) == (False, "A")
    assert [getattr(grade, "error", "") for grade in grades] == [
        "",
        "the grade book is locked",
        "Unknown error",
    ]
    assert list(api.iter_program_course_grades(PROGRAM, "course-v1:north+C2+2026")) == []


@dataclass
class Student:
    """What admissions tells of a student."""

    student_id: str
    user_id: int
    certificate_code: str
    student_uid: uuid.UUID


def admitted(count: int, certificate: str = "CERT1") -> list[Student]:
    users = make_users(keys(count, "s"))
    return [Student(name, user_id, certificate, uuid.uuid4()) for name, user_id in users.items()]


def name_certificate(code: str) -> None:
    with transaction() as session:
        session.get_one(Curriculum, CURRICULUM).certificate_code = code


def test_students_are_enrolled_where_their_certificate_says_and_taken_back() -> None:
    name_certificate("CERT1")
    students = admitted(20)
    students[0].certificate_code = "OTHER"
    written(
        api.write_program_enrollments,
        PROGRAM,
        requests([students[1].student_id]),
        create=True,
        update=False,
    )

    with counted_statements() as statements:
        assert written(enroll_students, students) == 19

    assert len(statements) <= 12
    assert learner(students[1].student_id).user_id == students[1].user_id
    assert count(ProgramEnrollment, user_id=None) == 0
    written(
        api.write_program_course_enrollments,
        PROGRAM,
        COURSE,
        requests([students[2].student_id], "active"),
        create=True,
        update=False,
    )
    assert written(withdraw_students, students) == {
        students[1].student_uid: "has a program enrollment that was changed since",
        students[2].student_uid: "takes course runs of a program",
    }
    assert count(ProgramEnrollment) == 2
