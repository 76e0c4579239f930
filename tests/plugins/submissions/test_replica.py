"""Reads that may be some seconds old go to the replica when the caller asks for it; all others never do."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, delete, update

from plugins.submissions import api
from plugins.submissions.models import Score, Submission
from portal.config import CONFIG_KEY
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.replica import REPLICA_KEY, Beat, Replica, current_replica
from portal.kernel.transaction import run_in_transaction, transaction
from portal.testing.postgresql import PostgresqlServer
from portal.testing.sandboxes import Sandbox
from tests.plugins.submissions.conftest import handed_in, item, scored

pytestmark = pytest.mark.both_engines

#: Reading calls that ask for the replica; each tells where it read from: the copy's answer is "copy", its points 7.
ASKING: dict[str, Callable[[str], Any]] = {
    "get_submission": lambda uuid: api.get_submission(uuid, read_replica=True)["answer"],
    "get_submission_and_student": lambda uuid: api.get_submission_and_student(uuid, read_replica=True)[
        "answer"
    ],
    "get_all_submissions": lambda uuid: [x["answer"] for x in api.get_all_submissions("c1", "i1", "essay")],
    "course information": lambda uuid: [
        submission["answer"] for _, submission, _ in api.get_all_course_submission_information("c1", "essay")
    ],
    "get_top_submissions": lambda uuid: [
        x["content"] for x in api.get_top_submissions("c1", "i1", "essay", 5)
    ],
    "get_latest_score_for_submission": lambda uuid: (
        api.get_latest_score_for_submission(uuid, read_replica=True) or {}
    )["points_earned"],
}


@pytest.fixture
def uuid(app: Flask) -> str:
    key = str(handed_in(answer="primary")["uuid"])
    scored(key, 3, 10)
    return key


@pytest.fixture
def copy_url(uuid: str, sandbox: Sandbox, request: pytest.FixtureRequest) -> str:
    """A second database with what the primary has at this moment, and a fresh beat."""
    with transaction() as session:
        session.execute(delete(Beat))
        session.add(Beat(id=1, at=utc_now()))
    db.session.remove()
    db.engine.dispose()
    if sandbox.engine == "sqlite":
        target = sandbox.config.home / "replica.sqlite3"
        shutil.copyfile(sandbox.config.home / "portal.sqlite3", target)
        return f"sqlite:///{target}"
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    server.create("portal_replica", template=str(db.engine.url.database))
    return server.url("portal_replica")


@pytest.fixture
def copy(app: Flask, copy_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The second database, changed behind the application's back, as its replica."""
    config = app.config[CONFIG_KEY].model_copy(update={"read_replica_url": copy_url})
    monkeypatch.setitem(app.config, CONFIG_KEY, config)
    monkeypatch.setitem(app.extensions, REPLICA_KEY, Replica(url=copy_url, most_seconds=10))
    engine = create_engine(copy_url)
    with engine.begin() as connection:
        connection.execute(update(Submission).values(raw_answer='"copy"'))
        connection.execute(update(Score).values(points_earned=7))
    yield
    engine.dispose()
    used = current_replica()
    if used is not None and used.engine is not None:
        used.engine.dispose()


def test_who_asks_for_the_replica_reads_from_it_and_nobody_else(copy: None, uuid: str) -> None:
    found = {name: call(uuid) for name, call in ASKING.items()}
    assert found == {
        "get_submission": "copy",
        "get_submission_and_student": "copy",
        "get_all_submissions": ["copy"],
        "course information": ["copy"],
        "get_top_submissions": ["copy"],
        "get_latest_score_for_submission": 7,
    }
    assert api.get_submission(uuid)["answer"] == "primary"
    assert [shape["answer"] for shape in api.get_submissions(item())] == ["primary"]
    score = api.get_score(item())
    assert score is not None
    assert score["points_earned"] == 3
    primary = list(api.get_all_submissions("c1", "i1", "essay", read_replica=False))
    assert primary[0]["answer"] == "primary"


def test_inside_a_transaction_everybody_reads_what_was_just_written(copy: None, uuid: str) -> None:
    def read() -> set[str]:
        newest = api.create_submission(item(), "newest")["uuid"]
        return {
            api.get_submission(newest, read_replica=True)["answer"],
            *(shape["answer"] for shape in api.get_all_submissions("c1", "i1", "essay")),
        }

    assert run_in_transaction(read) == {"newest"}


def test_without_a_replica_the_primary_answers(app: Flask, uuid: str) -> None:
    assert ASKING["get_submission"](uuid) == "primary"
    assert ASKING["get_latest_score_for_submission"](uuid) == 3
