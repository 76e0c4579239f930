"""What docs/how-to/test-a-plugin.md shows, run: each block of the page stands here or in the tests of a new plugin."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal.panel.new_plugin import SKELETON, NewPlugin
from portal.sdk import SYSTEM, Actor, Forbidden, StoredFile, User, current_store, transaction
from portal.sdk.jobs import JobState, draft, submit, wait_for
from portal.testing import WorkerProcesses, make_file, make_user
from tests.architecture.trees import ROOT

PAGE = ROOT / "docs" / "how-to" / "test-a-plugin.md"
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)
#: Tests that run: these, those in the browser, and those of the plugin that the page speaks of.
RUN = (Path(__file__), ROOT / "tests" / "browser" / "test_as_documented.py")


@pytest.mark.both_engines
def test_a_name_is_kept(app: Flask, db_session: Session) -> None:
    user_id = make_user("K1")

    assert db_session.get_one(User, user_id).sign_in_name == "K1"


def test_only_who_may_starts_it(app: Flask, make_actor: Callable[..., Actor]) -> None:
    nobody = make_actor("portal.jobs.view", name="somebody")

    with pytest.raises(Forbidden):
        draft("portal.sweep_files", {}, nobody)


def test_a_stored_file_can_be_referred_to(app: Flask, db_session: Session) -> None:
    sha256 = make_file(b"%PDF-1.7 ...", "application/pdf")

    assert db_session.get_one(StoredFile, sha256).size_bytes == 12
    assert current_store().read(sha256).startswith(b"%PDF")


def test_a_worker_in_a_process_of_its_own_does_it(worker_processes: WorkerProcesses) -> None:
    worker_processes.start()
    request = draft("portal.sweep_files", {}, SYSTEM)
    with transaction():
        job_id = submit(request).id

    assert wait_for(job_id, timeout_seconds=60).state == JobState.FINISHED


def test_every_block_of_the_page_is_run_by_a_test() -> None:
    words = NewPlugin(name="scholarships", record="award").words()
    skeleton = [path.read_text(encoding="utf-8") for path in sorted((SKELETON / "tests").iterdir())]
    filled = [re.sub(r"@([a-zA-Z_]+)@", lambda found: words[found[1]], text) for text in skeleton]
    run = "\n".join([*filled, *(path.read_text(encoding="utf-8") for path in RUN)])
    blocks = PYTHON.findall(PAGE.read_text(encoding="utf-8"))

    assert len(blocks) > 8
    assert [block for block in blocks if block not in run] == []
