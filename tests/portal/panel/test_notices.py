"""Who is told when a job ends."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal.auth.accounts import create_user
from portal.hooks.events import JobFinished
from portal.jobs.models import Job
from portal.jobs.states import JobState
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.mail.models import OutboxMessage
from portal.panel.notices import tell_starter


@pytest.mark.parametrize(("seconds", "mails"), [(600, 1), (5, 0)])
def test_starter_of_a_long_job_gets_one_mail_with_the_report(app: Flask, seconds: int, mails: int) -> None:
    now = utc_now()
    with transaction():
        user_id = create_user("officer", "An Officer", email="officer@example.org").id
        job = Job(
            kind="toy.make",
            title="Make things",
            state=JobState.FINISHED,
            params={},
            grants=[],
            actor_user_id=user_id,
            actor_name="officer",
            started_at=now - timedelta(seconds=seconds),
            finished_at=now,
        )
        db.session.add(job)
        db.session.flush()
        job_id = job.id

    tell_starter(
        JobFinished(
            job_id=job_id, kind="toy.make", state="finished", counts={"done": 3}, actor_user_id=user_id
        )
    )

    sent = db.session.scalars(select(OutboxMessage)).all()
    assert len(sent) == mails
    if sent:
        assert f"/panel/jobs/{job_id}/" in sent[0].body
        assert "3 done" in sent[0].body
