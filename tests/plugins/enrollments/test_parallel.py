"""Writers of the same learners at once: every caller gets a right answer for every row."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask import Flask

from plugins.enrollments import api
from plugins.enrollments.models import CourseEnrollment, ProgramCourseEnrollment, ProgramEnrollment
from portal.sdk import SYSTEM, acting_as, db
from tests.plugins.enrollments.partner import (
    COURSE,
    OTHER_CURRICULUM,
    PROGRAM,
    SECOND,
    count,
    identify,
    keys,
    learner,
    make_users,
    requests,
    written,
)

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("partner")]
ROUNDS = 4


def at_once(app: Flask, calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run calls in threads that start together; return their results, and raise the first error."""
    db.session.rollback()
    results: list[Any] = [None] * len(calls)
    errors: list[Exception] = []
    barrier = threading.Barrier(len(calls))

    def run(place: int) -> None:
        with app.app_context(), acting_as(SYSTEM):
            try:
                barrier.wait()
                results[place] = calls[place]()
            except Exception as error:
                errors.append(error)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def test_of_two_creators_of_the_same_keys_one_makes_each_row(app: Flask) -> None:
    for number in range(ROUNDS):
        wanted = keys(60, f"r{number}-")

        def create(order: int, wanted: list[str] = wanted) -> Any:
            return written(
                api.write_program_enrollments, PROGRAM, requests(wanted[::order]), create=True, update=False
            )

        one, two = at_once(app, [lambda: create(1), lambda: create(-1)])

        assert all(sorted((one[key], two[key])) == ["conflict", "enrolled"] for key in wanted), Counter(
            zip(one.values(), two.values(), strict=True)
        )
        assert count(ProgramEnrollment) == 60 * (number + 1)


def test_creating_and_updating_writers_agree(app: Flask) -> None:
    wanted = keys(60)
    for status in ("enrolled", "pending", "ended"):
        results = at_once(
            app,
            [
                lambda status=status, step=step: written(
                    api.write_program_enrollments,
                    PROGRAM,
                    requests(wanted[::step], status),
                    create=True,
                    update=True,
                )
                for step in (1, -1, 1)
            ],
        )

        assert all(set(result.values()) == {status} for result in results)
        assert count(ProgramEnrollment, status=status) == 60


def test_of_two_programs_only_one_makes_a_user_active_in_a_course(app: Flask) -> None:
    users = make_users(keys(40))
    identify(users)
    written(api.write_program_enrollments, PROGRAM, requests(list(users)), create=True, update=False)
    others = [{**item, "curriculum_uuid": OTHER_CURRICULUM} for item in requests(list(users))]
    written(api.write_program_enrollments, SECOND, others, create=True, update=False)

    def enroll(program: Any, order: int) -> Any:
        return written(
            api.write_program_course_enrollments,
            program,
            COURSE,
            requests(list(users)[::order], "active"),
            create=True,
            update=True,
        )

    one, two = at_once(app, [lambda: enroll(PROGRAM, 1), lambda: enroll(SECOND, -1)])

    assert all(sorted((one[key], two[key])) == ["active", "conflict"] for key in users)
    assert count(ProgramCourseEnrollment, status="active") == 40
    assert count(CourseEnrollment, is_active=True, mode="masters") == 40


def test_linking_beside_writing_leaves_no_row_behind(app: Flask) -> None:
    wanted = keys(30)
    users = make_users(keys(30, "u"))
    written(api.write_program_enrollments, PROGRAM, requests(wanted), create=True, update=False)
    names = dict(zip(wanted, users, strict=True))

    linked, enrolled = at_once(
        app,
        [
            lambda: written(api.link_program_enrollments, PROGRAM, names),
            lambda: written(
                api.write_program_course_enrollments,
                PROGRAM,
                COURSE,
                requests(wanted, "active"),
                create=True,
                update=True,
            ),
        ],
    )

    assert linked == {}
    assert set(enrolled.values()) == {"active"}
    assert count(ProgramCourseEnrollment, course_enrollment_id=None) == 0
    assert count(CourseEnrollment, is_active=True) == 30


def test_of_two_linkers_of_the_same_keys_one_links_each(app: Flask) -> None:
    wanted = keys(20)
    left, right = make_users(keys(20, "left")), make_users(keys(20, "right"))
    written(api.write_program_enrollments, PROGRAM, requests(wanted), create=True, update=False)

    one, two = at_once(
        app,
        [
            lambda names=names: written(
                api.link_program_enrollments, PROGRAM, dict(zip(wanted, names, strict=True))
            )
            for names in (left, right)
        ],
    )

    for key, mine, theirs in zip(wanted, left.values(), right.values(), strict=True):
        assert (key in one) != (key in two)
        assert learner(key).user_id == (theirs if key in one else mine)
