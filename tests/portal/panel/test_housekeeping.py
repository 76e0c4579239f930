"""What the portal tidies up by itself."""

import os
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from portal.auth.models import UserSession
from portal.files.local import LocalStore
from portal.files.store import current_store
from portal.jobs.engine import run_inline
from portal.jobs.queries import get_job
from portal.jobs.schedules import run_now
from portal.jobs.states import JobState
from portal.kernel.actor import SYSTEM
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.testing.clients import PortalClient
from portal.testing.people import make_user, sign_in

pytestmark = pytest.mark.both_engines


def done(name: str) -> dict[str, int]:
    """Run a schedule's job here and return what it says it did."""
    job_id = run_now(name, SYSTEM, "a" * 32)
    run_inline(job_id)
    job = get_job(job_id)
    assert (job.state, job.error) == (JobState.FINISHED, None)
    assert job.result is not None
    return job.result


def test_files_that_nothing_names_are_removed(app: Flask) -> None:
    store = current_store()
    assert isinstance(store, LocalStore)
    young, old = store.put_many([b"young", b"old"])
    os.utime(store.root / old[:2] / old, (0, 0))

    assert done("portal.sweep_files") == {"records": 0, "files": 1, "left_by_writers": 0}
    assert store.missing([young, old]) == {old}


def test_expired_sign_ins_are_removed_and_others_stay(app: Flask) -> None:
    user_id = make_user("somebody")
    for _ in range(3):
        sign_in(PortalClient(app), user_id)
    newest = db.session.scalars(select(UserSession.id).order_by(UserSession.id.desc())).first()
    with transaction() as session:
        session.execute(
            update(UserSession)
            .where(UserSession.id != newest)
            .values(expires_at=utc_now() - timedelta(hours=1))
        )

    assert done("portal.remove_expired")["sign_ins"] == 2
    assert db.session.scalar(select(func.count()).select_from(UserSession)) == 1
