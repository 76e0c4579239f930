"""Applicants and students by REST."""

from collections.abc import Callable

import pytest

from plugins.admissions.models import Applicant
from plugins.admissions.permissions import APPLICANTS_VIEW, STUDENTS_VIEW
from portal.testing.clients import ApiClient
from portal.testing.statements import counted_statements
from tests.plugins.admissions.university import University, add_many, change, create_selected, students

APPLICANTS, STUDENTS = "/api/v1/admissions/applicants", "/api/v1/admissions/students"
Programs = Callable[..., ApiClient]


@pytest.mark.both_engines
def test_applicants_and_students_are_read_in_pages(university: University, api: Programs) -> None:
    ids = add_many(university, 5)
    create_selected(*ids[:2])
    program = api(APPLICANTS_VIEW, STUDENTS_VIEW)

    first = program.get(f"{APPLICANTS}?limit=3").get_json()
    second = program.get(f"{APPLICANTS}?limit=3&cursor={first['next']}").get_json()
    assert [item["id"] for item in first["items"] + second["items"]] == [str(key) for key in sorted(ids)]
    assert second["next"] is None

    code = first["items"][0]["container"]
    assert len(program.get(f"{APPLICANTS}?container={code}&state=created").get_json()["items"]) == 2
    assert program.get(f"{APPLICANTS}?container=nowhere").get_json()["items"] == []
    made = program.get(STUDENTS).get_json()["items"]
    assert {item["student_id"] for item in made} == {student.student_id for student in students()}
    assert all(item["certificate"] for item in made)


def test_a_list_costs_the_same_statements_whatever_its_length(university: University, api: Programs) -> None:
    create_selected(*add_many(university, 12))
    program = api(APPLICANTS_VIEW, STUDENTS_VIEW)
    program.get(APPLICANTS)
    for address in (APPLICANTS, STUDENTS):
        with counted_statements() as few:
            program.get(f"{address}?limit=2")
        with counted_statements() as many:
            program.get(f"{address}?limit=12")
        assert len(many) == len(few) < 8


def test_one_applicant_carries_the_tag_of_its_version(university: University, api: Programs) -> None:
    (key,) = add_many(university, 1)
    program = api(APPLICANTS_VIEW)
    answer = program.get(f"{APPLICANTS}/{key}")
    tag = {"If-None-Match": answer.headers["ETag"]}
    assert answer.get_json()["is_locked"] is True
    assert program.get(f"{APPLICANTS}/{key}", headers=tag).status_code == 304
    change(Applicant, key, locked=False)
    assert program.get(f"{APPLICANTS}/{key}", headers=tag).get_json()["is_locked"] is False
    assert program.get(f"{STUDENTS}/{key}").status_code == 403
