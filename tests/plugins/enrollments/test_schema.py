"""The tables: what the migration makes is what the models say, the constraints hold, and history forgets nothing."""

import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from plugins.enrollments.models import (
    CourseEnrollment,
    CourseEnrollmentHistory,
    ProgramCourseEnrollment,
    ProgramEnrollment,
    ProgramEnrollmentHistory,
)
from plugins.enrollments.models.stamps import changing_through
from portal.kernel.db import db
from portal.kernel.migrations import drift
from portal.sdk import Actor, acting_as, transaction, utc_now
from portal.testing.people import make_user
from tests.plugins.enrollments.partner import COURSE, COURSES, CURRICULUM, OTHER_CURRICULUM, PROGRAM, SECOND

pytestmark = pytest.mark.both_engines
NOW = {"created_at": utc_now(), "modified_at": utc_now()}


def add(model: Any, **values: Any) -> int:
    with transaction() as session:
        statement = insert(model.__table__).values(**NOW, **values).returning(model.__table__.c.id)
        return session.scalars(statement).one()


def learner(key: str | None = "k", **values: Any) -> int:
    defaults = {"program_uuid": PROGRAM, "curriculum_uuid": CURRICULUM, "status": "enrolled"}
    return add(ProgramEnrollment, **{**defaults, "external_user_key": key, "external_key": key, **values})


def row(enrollment: int, **values: Any) -> int:
    defaults = {"course_key": COURSE, "status": "active", "external_key": "k", "organization_key": "north"}
    return add(ProgramCourseEnrollment, program_enrollment_id=enrollment, **{**defaults, **values})


def test_models_and_tables_agree(app: Flask) -> None:
    assert drift("enrollments") == []


@pytest.mark.parametrize(
    "values",
    [
        {"status": "bogus"},
        {"key": None},
        {"key": ""},
        {"key": "k"},
        {"external_key": None},
    ],
)
def test_the_database_refuses_learners_that_must_not_be(app: Flask, values: dict[str, Any]) -> None:
    learner()

    with pytest.raises(IntegrityError):
        learner(**{"key": "other", **values})


def test_a_user_is_in_a_curriculum_once(app: Flask) -> None:
    user_id = make_user("one")
    learner("a", user_id=user_id)
    learner("b", user_id=user_id, curriculum_uuid=OTHER_CURRICULUM)
    learner("c", user_id=user_id, program_uuid=SECOND)

    with pytest.raises(IntegrityError):
        learner("d", user_id=user_id)


def test_a_learner_is_active_in_a_course_once_by_key_and_by_user(app: Flask) -> None:
    user_id = make_user("one")
    first = learner("k", user_id=user_id)
    second = learner("k", program_uuid=SECOND)
    row(first, user_id=user_id)
    row(second, status="inactive")
    row(second, course_key=COURSES[1], organization_key="elsewhere")

    for values in ({}, {"external_key": "other", "user_id": user_id}):
        with pytest.raises(IntegrityError):
            row(learner(uuid.uuid4().hex), **values)
    with pytest.raises(IntegrityError):
        row(first, status="inactive")
    with pytest.raises(IntegrityError):
        row(second, course_key=COURSES[2], status="bogus")


def test_every_change_becomes_a_version_with_who_and_through_what(app: Flask) -> None:
    officer = Actor(name="Ada Officer")
    with acting_as(officer), transaction() as session:
        item = ProgramEnrollment(
            external_user_key="k",
            external_key="k",
            program_uuid=PROGRAM,
            curriculum_uuid=CURRICULUM,
            status="enrolled",
        )
        session.add(item)
    with acting_as(officer), changing_through("panel"), transaction():
        item.status = "pending"
    with transaction() as session:
        session.execute(
            update(ProgramEnrollment).values(
                status="ended",
                version=ProgramEnrollment.version + 1,
                changed_by="SQL",
                changed_through="job 7",
            )
        )

    lines = db.session.scalars(select(ProgramEnrollmentHistory).order_by(ProgramEnrollmentHistory.id)).all()
    assert [(line.change, line.version, line.status) for line in lines] == [
        ("create", 1, "enrolled"),
        ("update", 2, "pending"),
        ("update", 3, "ended"),
    ]
    assert [(line.changed_by, line.changed_through) for line in lines] == [
        ("Ada Officer", "api"),
        ("Ada Officer", "panel"),
        ("SQL", "job 7"),
    ]
    assert all(line.external_user_key == "k" and line.at.tzinfo is not None for line in lines)


def test_course_enrollments_have_history_too(app: Flask) -> None:
    user_id = make_user("one")
    with transaction() as session:
        item = CourseEnrollment(user_id=user_id, course_key=COURSE, mode="audit")
        session.add(item)
    with transaction():
        item.is_active = False

    lines = db.session.scalars(select(CourseEnrollmentHistory).order_by(CourseEnrollmentHistory.id)).all()
    assert [(line.mode, line.is_active) for line in lines] == [("audit", True), ("audit", False)]
