"""Erasing people: the ledger stays and adds up, and nothing of it says whose it was."""

import io
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import MetaData, select, update
from sqlalchemy.exc import SAWarning

from plugins.submissions import api
from plugins.submissions.api import teams
from plugins.submissions.api.actions import find_item, override_score, reset_item
from plugins.submissions.api.personal_data import personal_data
from plugins.submissions.api.teams import get_team_submission
from plugins.submissions.models import GraderEntry, StudentItem
from plugins.submissions.settings import SubmissionsSettings
from portal.auth.retiring import retirement_token
from portal.files.sweeper import sweep
from portal.kernel.transaction import run_in_transaction
from portal.sdk import SYSTEM, Actor, NewIdentity, User, acting_as, current_config, db, link_identities
from portal.sdk.jobs import Job, draft_rows, get_job, run_inline, submit
from portal.settings.store import set_values
from portal.testing.people import make_user
from portal.testing.statements import counted_statements
from tests.plugins.submissions.conftest import handed_in, item, scored
from tests.plugins.submissions.sheets import line, sheet, uploaded

CANARY = "canarybird"


def retire(*names: str) -> Job:
    request = draft_rows("portal.retire_users", {}, SYSTEM, [{"sign_in_name": name} for name in names])
    job_id = run_in_transaction(lambda: submit(request, apply=True)).id
    run_inline(job_id)
    return get_job(job_id)


def everything() -> dict[str, str]:
    """Return table.column → all its values as one text."""
    db.session.rollback()
    metadata = MetaData()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        metadata.reflect(db.engine)
    found: dict[str, str] = {}
    for table in metadata.sorted_tables:
        for row in db.session.execute(select(table)).mappings():
            for name, value in row.items():
                text = json.dumps(value, default=str, ensure_ascii=False)
                found[f"{table.name}.{name}"] = found.get(f"{table.name}.{name}", "") + "\n" + text
    return found


def famous() -> int:
    """Make a student with everything that submissions can keep of one, and return the user."""
    user = make_user(CANARY)
    handed_in(CANARY, {"essay": f"I, {CANARY}"})
    (key,) = db.session.scalars(select(StudentItem.id).where(StudentItem.student_id == CANARY))
    with acting_as(Actor(name="Grace")):
        run_in_transaction(lambda: override_score(key, 3, 5, f"{CANARY} asked for it"))
        run_in_transaction(lambda: reset_item(key, clear=True, reason=f"{CANARY} begins anew"))
    handed_in(CANARY, f"again {CANARY}")
    uploaded(sheet([line(CANARY, reason=f"well done {CANARY}"), line(CANARY, earned="much")]))
    run_in_transaction(
        lambda: api.create_external_grader_detail(
            {**item(CANARY), "item_id": "i2"},
            f"code of {CANARY}",
            "q",
            CANARY,
            files={f"{CANARY}.py": io.BytesIO(CANARY.encode())},
        )
    )
    run_in_transaction(lambda: db.session.execute(update(GraderEntry).values(grader_reply=f"no, {CANARY}")))
    return user


@pytest.mark.both_engines
def test_after_retirement_no_column_and_no_file_holds_the_person(app: Flask) -> None:
    user = famous()
    scored(handed_in("ann", "mine")["uuid"], 1, 5, annotation_creator=CANARY.title())
    assert sum(CANARY in text.lower() for text in everything().values()) > 10

    job = retire(CANARY)

    assert (job.done_count, job.failed_count) == (1, 0)
    assert {name: text for name, text in everything().items() if CANARY in text.lower()} == {}
    sweep(0)
    blobs = [path for path in Path(current_config().blobs_dir).rglob("*") if path.is_file()]
    assert [path for path in blobs if CANARY.encode() in path.read_bytes()] == []

    token = retirement_token(user)
    assert list(api.check_ledger()) == []
    score = api.get_score(item(token))
    assert score is not None
    assert (score["points_earned"], score["points_possible"]) == (8, 10)
    assert {shape["answer"] for shape in api.get_submissions(item(token))} == {"(erased)"}
    assert api.get_submissions(item("ann"))[0]["answer"] == "mine"
    (given,) = (api.get_score(item("ann")) or {})["annotations"]
    assert given["creator"] == token
    assert db.session.scalars(select(GraderEntry.status)).all() == ["retired"]


@pytest.mark.both_engines
def test_a_person_gets_a_copy_of_everything_and_nothing_of_others(app: Flask) -> None:
    user = famous()
    scored(handed_in("ann", "mine")["uuid"], 1, 5)
    other = make_user("nobody")
    found = personal_data([user, other])
    assert set(found) == {user}
    text = json.dumps(found[user])
    for word in ("again", "code of", "no, ", "asked for it", "well done", "3/5", "8/10", "reset"):
        assert word in text, word
    assert "mine" not in text
    assert [line["deleted"] for line in found[user]["submissions"]] == [True, False, False]


@pytest.mark.both_engines
def test_students_are_found_by_the_system_that_the_settings_name(app: Flask) -> None:
    user, namesake = make_user("k100"), make_user("ann")
    links = [
        NewIdentity(provider="moodle", external_id="ann", user_id=user),
        NewIdentity(provider="library", external_id="bob", user_id=user),
    ]
    run_in_transaction(lambda: link_identities(links))
    run_in_transaction(lambda: set_values(SubmissionsSettings, {"student_id_system": "moodle"}))
    for student in ("ann", "bob", "k100"):
        handed_in(student)
    assert set(personal_data([user, namesake])) == {user}

    assert retire("k100", "ann").done_count == 2
    db.session.rollback()
    students = set(db.session.scalars(select(StudentItem.student_id)))
    assert students == {retirement_token(user), "bob", "k100"}


@pytest.mark.both_engines
def test_a_teams_answer_goes_with_its_last_member(app: Flask) -> None:
    captain = make_user("ann")
    make_user("bob")
    made = run_in_transaction(
        lambda: teams.create_submission_for_team("c1", "i1", "t1", captain, ["ann", "bob"], "ours")
    )
    uuid = made["team_submission_uuid"]
    retire("ann")
    assert get_team_submission(uuid)["answer"] == "ours"
    retire("bob")
    assert get_team_submission(uuid)["answer"] == "(erased)"


def test_erasing_takes_the_same_statements_for_any_number_of_people(app: Flask) -> None:
    sent: list[int] = []
    for count in (2, 6):
        names = [f"s{count}{number}" for number in range(count)]
        for name in names:
            make_user(name)
            scored(handed_in(name)["uuid"], 1, 2, annotation_creator="me")
        request = draft_rows("portal.retire_users", {}, SYSTEM, [{"sign_in_name": name} for name in names])
        job_id = run_in_transaction(lambda request=request: submit(request, apply=True)).id
        with counted_statements() as seen:
            run_inline(job_id)
        assert get_job(job_id).done_count == count
        sent.append(len(seen))
    assert sent[0] == sent[1]


def test_the_actions_still_find_what_is_left(app: Flask) -> None:
    user: Any = make_user("ann")
    handed_in("ann")
    retire("ann")
    assert find_item(retirement_token(user), "c1", "i1").submission is not None
    assert db.session.get_one(User, user).retired_at is not None
