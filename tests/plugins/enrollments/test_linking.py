"""Waiting enrollments get users: by support, at sign-in, by any identity that appears; and lose them again."""

import pytest
from sqlalchemy import select

from plugins.enrollments import api, errors
from plugins.enrollments.hooks import CourseEntry, CourseRefusal
from plugins.enrollments.models import CourseAccessRole, CourseMode, CourseRun, ProgramEnrollment
from portal.auth.models import PendingIdentity
from portal.sdk import (
    NewIdentity,
    User,
    attach_at_sign_in,
    db,
    link_identities,
    transaction,
)
from tests.plugins.enrollments.conftest import Refusals
from tests.plugins.enrollments.partner import (
    COURSE,
    COURSES,
    OTHER_CURRICULUM,
    PROGRAM,
    PROVIDER,
    SECOND,
    count,
    course_of,
    course_row,
    keys,
    learner,
    make_users,
    requests,
    written,
)

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("partner")]


def wait(*wanted: str, status: str = "active") -> None:
    """Enroll keys without users in the program and the first course run."""
    written(api.write_program_enrollments, PROGRAM, requests(wanted), create=True, update=False)
    written(
        api.write_program_course_enrollments,
        PROGRAM,
        COURSE,
        requests(wanted, status),
        create=True,
        update=False,
    )


def relink(**names: str) -> dict[str, str]:
    result: dict[str, str] = written(api.link_program_enrollments, PROGRAM, names, relink=True)
    return result


def offer_audit(course_key: str = COURSE) -> None:
    with transaction() as session:
        run = session.scalars(select(CourseRun).filter_by(course_key=course_key)).one()
        run.modes.append(CourseMode(mode="audit"))
        run.modes.append(CourseMode(mode="masters"))


def test_each_failure_has_its_words_and_the_others_are_linked() -> None:
    users = make_users(["ann", "bob", "cy"])
    wait("a", "b", "c")
    written(api.link_program_enrollments, PROGRAM, {"c": "cy"})

    errors_by_key = written(
        api.link_program_enrollments,
        PROGRAM,
        {"a": "ann", "b": "ANN", "c": "bob", "nobody": "bob", "x" * 300: "bob"},
    )

    assert set(errors_by_key) == {"b", "c", "nobody", "x" * 300}
    assert errors_by_key["b"] == "No user found with username ANN"
    assert errors_by_key["c"].endswith("is already linked to a different account username=cy")
    assert errors_by_key["nobody"].startswith("No program enrollment found for program uuid=")
    assert course_of(users["ann"]) == ("masters", True)
    assert course_of(users["bob"]) is None


def test_a_key_that_is_none_refuses_the_call() -> None:
    with pytest.raises(ValueError, match="None"):
        written(api.link_program_enrollments, PROGRAM, {None: "ann"})


def test_relinking_moves_the_courses_and_needs_no_course_enrollment() -> None:
    users = make_users(["ann", "bob"])
    offer_audit()
    wait("a", "bare")
    written(api.link_program_enrollments, PROGRAM, {"a": "ann"})

    assert relink(a="bob") == {}

    assert course_of(users["ann"]) == ("audit", False)
    assert course_of(users["bob"]) == ("masters", True)
    assert course_row("a").user_id == users["bob"]
    with transaction():
        api.unlink_program_enrollment(learner("a"))
    assert (learner("a").user_id, course_row("a").course_enrollment_id) == (None, None)
    assert course_of(users["bob"]) == ("audit", False)


def test_unlinking_leaves_a_course_that_another_program_uses() -> None:
    users = make_users(["ann"])
    wait("a", status="inactive")
    written(api.link_program_enrollments, PROGRAM, {"a": "ann"})
    second = [{**item, "curriculum_uuid": OTHER_CURRICULUM} for item in requests(["a"])]
    written(api.write_program_enrollments, SECOND, second, create=True, update=False)
    written(api.link_program_enrollments, SECOND, {"a": "ann"})
    written(
        api.write_program_course_enrollments,
        SECOND,
        COURSE,
        requests(["a"], "active"),
        create=True,
        update=False,
    )

    with transaction():
        api.unlink_program_enrollment(learner("a"))

    assert course_of(users["ann"]) == ("masters", True)


def test_a_learner_without_key_cannot_be_unlinked() -> None:
    users = make_users(["ann"])
    with transaction() as session:
        user = session.get(User, users["ann"])
        api.create_program_enrollment(PROGRAM, OTHER_CURRICULUM, user, None, "enrolled")

    with pytest.raises(errors.EnrollmentConflict), transaction() as session:
        api.unlink_program_enrollment(session.scalars(select(ProgramEnrollment)).one())


def test_waiting_staff_become_staff() -> None:
    users = make_users(["ann"])
    wait("a")
    written(
        api.write_program_course_enrollments,
        PROGRAM,
        COURSE,
        requests(["a"], "active", course_staff=True),
        create=False,
        update=True,
    )
    assert api.is_course_staff_enrollment(course_row("a"))

    written(api.link_program_enrollments, PROGRAM, {"a": "ann"})

    assert count(CourseAccessRole, user_id=users["ann"], role="staff") == 1
    assert api.is_course_staff_enrollment(course_row("a"))


def test_an_identity_that_appears_links_every_program_of_its_organization() -> None:
    users = make_users(["ann"])
    wait("a", "b")
    second = [{**item, "curriculum_uuid": OTHER_CURRICULUM} for item in requests(["a"])]
    written(api.write_program_enrollments, SECOND, second, create=True, update=False)

    with transaction():
        link_identities(
            [
                NewIdentity(provider="other-system", external_id="b", user_id=users["ann"]),
                NewIdentity(provider=PROVIDER, external_id="a", user_id=users["ann"]),
            ]
        )

    assert {learner("a").user_id, learner("a", SECOND).user_id} == {users["ann"]}
    assert learner("b").user_id is None
    assert course_of(users["ann"]) == ("masters", True)


def test_a_refusal_never_breaks_a_sign_in_and_waits_to_be_tried_again(refusing: Refusals) -> None:
    users = make_users(["ann"])
    wait("a")
    entry = CourseEntry(user_id=users["ann"], course_key=COURSE)
    refusing[entry] = CourseRefusal(kind="full", reason="no place left")
    user = db.session.get(User, users["ann"])
    assert user is not None

    assert attach_at_sign_in(user, PROVIDER, "a") is False

    assert learner("a").user_id is None
    pending = db.session.scalars(select(PendingIdentity)).one()
    assert "CourseFullError: no place left" in pending.problem
    refusing.clear()
    user = db.session.get(User, users["ann"])
    assert user is not None
    assert attach_at_sign_in(user, PROVIDER, "a") is True
    assert learner("a").user_id == users["ann"]
    assert count(PendingIdentity) == 0


def test_a_batch_with_a_refused_pair_links_the_others_wholly(refusing: Refusals) -> None:
    users = make_users(keys(10, "u"))
    wanted = keys(10)
    wait(*wanted)
    for course in COURSES[1:]:
        written(
            api.write_program_course_enrollments,
            PROGRAM,
            course,
            requests(wanted, "active"),
            create=True,
            update=False,
        )
    refusing[CourseEntry(user_id=users["u000003"], course_key=COURSES[4])] = CourseRefusal(kind="closed")

    result = written(api.link_program_enrollments, PROGRAM, dict(zip(wanted, users, strict=True)))

    assert result == {"k000003": "EnrollmentClosedError"}
    assert [course_of(users["u000003"], course) for course in COURSES] == [None] * 5
    assert count(ProgramEnrollment, user_id=None) == 1
