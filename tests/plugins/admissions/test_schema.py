"""The tables: what the migration makes is what the models say, and the constraints hold."""

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from plugins.admissions.models import Applicant, Certificate, Student, StudyCourse
from plugins.admissions.models.names import folded, folded_name
from portal.kernel.migrations import drift
from portal.sdk import transaction
from tests.plugins.admissions.university import (
    University,
    add,
    add_many,
    change,
    create_selected,
    force,
    get,
    students,
)


@pytest.mark.both_engines
def test_models_and_tables_agree(app: Flask) -> None:
    assert drift("admissions") == []


@pytest.mark.both_engines
def test_an_applicant_can_have_one_student_only(university: University) -> None:
    one, two = add_many(university, 2)
    create_selected(one, two)

    with pytest.raises(IntegrityError):
        force(Student, students()[0].id, applicant_uid=two)


@pytest.mark.both_engines
@pytest.mark.parametrize("values", [{"reg_number": "SAME"}, {"state": "nonsense"}, {"sex": "x"}])
def test_the_database_refuses_what_must_not_be(university: University, values: dict[str, str]) -> None:
    add(university, reg_number="SAME")
    uid = add(university)

    with pytest.raises(IntegrityError):
        force(Applicant, uid, **values)


def test_a_certificate_that_somebody_studies_cannot_be_removed(university: University) -> None:
    create_selected(add(university))

    with pytest.raises(IntegrityError), transaction() as session:
        session.delete(session.get(Certificate, university.certificate))


def test_a_student_has_one_current_study_course(university: University) -> None:
    create_selected(add(university))
    course = students()[0].study_course
    assert course is not None
    values = {
        "student_uid": course.student_uid,
        "certificate_id": course.certificate_id,
        "entry_mode": "ug_ft",
        "entry_session": 2026,
        "current_session": 2026,
        "current_level": 200,
    }

    with pytest.raises(IntegrityError), transaction() as session:
        session.add(StudyCourse(**values))
    with transaction() as session:
        session.add(StudyCourse(**values, is_current=False))


def test_the_search_name_follows_the_name(university: University) -> None:
    uid = add(university)

    change(Applicant, uid, firstname="Olúwafẹ́mi", lastname="Łukasz-O’Brien")

    assert get(Applicant, uid).fullname == "oluwafemi lukasz-o'brien"


def test_names_are_compared_without_accents_and_case() -> None:
    assert folded("  ADÉYẸMÍ  Ọ̀ṣun ") == "adeyemi osun"
    assert folded_name("Renée", "", "Straße") == "renee strasse"
