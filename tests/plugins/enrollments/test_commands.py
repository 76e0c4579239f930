"""The commands: what they print, do and return as exit status."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from plugins.enrollments import api, commands
from plugins.enrollments.models import CourseEnrollment, ProgramCourseEnrollment, ProgramEnrollment
from plugins.enrollments.settings import EnrollmentsSettings
from portal.sdk import ExternalIdentity, PortalError, User, db, transaction
from portal.settings.store import set_values
from tests.plugins.enrollments.partner import (
    COURSE,
    PROGRAM,
    PROVIDER,
    SECOND,
    count,
    identify,
    learner,
    make_users,
    requests,
    written,
)

pytestmark = [pytest.mark.both_engines, pytest.mark.usefixtures("partner")]


def run(command: object, *arguments: str, answer: str = "") -> Result:
    result = CliRunner().invoke(command, arguments, input=answer)  # type: ignore[arg-type]
    db.session.rollback()
    return result


def enrolled(*names: str, program: object = PROGRAM) -> None:
    written(api.write_program_enrollments, program, requests(names), create=True, update=False)


def allow(**values: object) -> None:
    with transaction():
        set_values(EnrollmentsSettings, values)


def test_keys_are_linked_and_each_that_is_not_is_told() -> None:
    users = make_users(["ann"])
    enrolled("k:1", "k2")
    result = run(commands.link, str(PROGRAM), "k:1:ann", "k2:nobody")
    assert result.exit_code == 1
    assert "k2: No user found with username nobody" in result.output
    assert "1 of 2 linked." in result.output
    assert learner("k:1").user_id == users["ann"]


@pytest.mark.parametrize(
    ("program", "pairs", "part"),
    [
        ("nonsense", ["k:ann"], "is no UUID"),
        (str(PROGRAM), ["k"], "is not written KEY:USERNAME"),
        (str(PROGRAM), ["k:a", "k:b"], "is there twice"),
    ],
)
def test_what_is_not_understood_links_nobody(program: str, pairs: list[str], part: str) -> None:
    result = run(commands.link, program, *pairs)
    assert result.exit_code == 2
    assert part in result.output


def test_a_reset_needs_the_setting_and_asks_before_it_deletes() -> None:
    users = make_users(["ann", "bob"])
    identify(users)
    enrolled("ann", "bob")
    enrolled("bob", program=SECOND)
    for program, status, name in (
        (PROGRAM, "active", "ann"),
        (PROGRAM, "inactive", "bob"),
        (SECOND, "active", "bob"),
    ):
        row = [{"external_user_key": name, "status": status}]
        written(api.write_program_course_enrollments, program, COURSE, row, create=True, update=False)

    refused = run(commands.reset, str(PROGRAM), "--yes")
    assert isinstance(refused.exception, PortalError)
    assert refused.exception.code == "reset-forbidden"

    allow(allow_reset=True)
    said = run(commands.reset, str(PROGRAM), answer="n\n")
    assert "Delete 2 program enrollments and 1 course enrollments for good?" in said.output
    assert count(ProgramEnrollment) == 3

    assert run(commands.reset, str(PROGRAM), "--yes").exit_code == 0
    assert (count(ProgramEnrollment), count(ProgramCourseEnrollment), count(CourseEnrollment)) == (1, 1, 1)


def test_identities_get_other_keys_and_what_waits_for_them_is_linked(tmp_path: Path) -> None:
    users = make_users(["ann", "bob"])
    identify({"old-key": users["ann"]})
    enrolled("new-key")
    with transaction() as session:
        for name, user_id in users.items():
            session.get_one(User, user_id).email = f"{name}@example.org"
    mapping = tmp_path / "keys.json"
    rows = [("ann", "first"), ("ann", "new-key"), ("bob", "k-bob"), ("eve", "k-eve")]
    mapping.write_text(json.dumps([{"email": f"{n}@example.org", "student_key": k} for n, k in rows]))

    result = run(commands.migrate_identities, str(mapping), "--provider", PROVIDER)

    assert result.exit_code == 1
    assert "eve@example.org: no one user has this address." in result.output
    assert "2 moved, 0 as they were, 1 not done." in result.output
    assert learner("new-key").user_id == users["ann"]
    assert count(ExternalIdentity, provider=PROVIDER, external_id="old-key") == 0
    again = run(commands.migrate_identities, str(mapping), "--provider", PROVIDER)
    assert "0 moved, 2 as they were" in again.output


def test_a_mapping_that_is_none_is_refused_whole(tmp_path: Path) -> None:
    mapping = tmp_path / "keys.json"
    mapping.write_text('{"ann@example.org": "k"}')
    result = run(commands.migrate_identities, str(mapping), "--provider", PROVIDER)
    assert result.exit_code == 2
    assert "is not JSON of the form" in result.output


def test_keys_follow_the_setting_for_letter_case_and_those_that_collide_stay() -> None:
    enrolled("One", "Two", "TWO")
    allow(key_letter_case="fold")
    result = run(commands.fold_all_keys)
    assert result.exit_code == 1
    assert learner("One").external_key == "one"
    assert "2 keys changed." in result.output
    assert result.output.count("stays as it is") == 1


def test_expiring_says_how_many() -> None:
    enrolled("k")
    result = run(commands.expire, "--yes", "--inline")
    assert result.exit_code == 0, result.output
    assert "expired" in result.output
    assert count(ProgramEnrollment) == 1
