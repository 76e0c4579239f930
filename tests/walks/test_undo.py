"""Undoing a creation with real workers, one of them killed in the middle: it goes on by itself and nothing is half undone."""

import uuid
from collections.abc import Sequence

import pytest
from sqlalchemy import func, select

from plugins.admissions.api.integrity import broken_promises
from plugins.admissions.models import Applicant, ApplicantState, Student
from portal.jobs.api import start, undo
from portal.jobs.models import JobRow
from portal.jobs.queries import get_job, wait_for
from portal.jobs.queue_health import queue_health
from portal.jobs.states import JobState, RowState
from portal.kernel.actor import SYSTEM
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.sdk import User
from tests.walks.walk import PATIENCE_SECONDS, Walk, create, until_begun

COUNT = 400


def sign_in(applicant: uuid.UUID) -> None:
    """Leave the trace that a student has signed in."""
    with transaction() as session:
        student = session.scalars(select(Student).where(Student.applicant_uid == applicant)).one()
        user = session.get(User, student.user_id)
        assert user is not None
        user.last_seen_at = utc_now()


def left(uids: Sequence[uuid.UUID]) -> dict[ApplicantState, int]:
    """Count the applicants by state; who is created must have a student, and nobody else may."""
    db.session.rollback()
    states = select(Applicant.state, func.count()).where(Applicant.id.in_(uids)).group_by(Applicant.state)
    found = {ApplicantState(state): count for state, count in db.session.execute(states)}
    made = select(func.count()).select_from(Student).where(Student.applicant_uid.in_(uids))
    assert db.session.scalar(made) == found.get(ApplicantState.CREATED, 0)
    return found


@pytest.mark.both_engines
def test_an_undo_survives_the_death_of_the_workers_and_keeps_who_has_signed_in(walk: Walk) -> None:
    assert {worker.pid for worker in queue_health().workers} == set(walk.worker_ids())
    uids = walk.intake.add(COUNT)
    job_id = create(uids)
    assert wait_for(job_id, PATIENCE_SECONDS).done_count == COUNT
    sign_in(uids[0])
    with transaction():
        undo_id = undo(job_id, SYSTEM).id
    wait_for(undo_id, PATIENCE_SECONDS, until_planned=True)
    with transaction():
        start(undo_id, SYSTEM)

    until_begun(undo_id)
    for horse in walk.horses():
        horse.kill()
    assert get_job(undo_id).pending_count > 0

    ended = wait_for(undo_id, PATIENCE_SECONDS)
    assert (ended.state, ended.done_count, ended.refused_count) == (JobState.FINISHED, COUNT - 1, 1)
    assert left(uids) == {ApplicantState.ADMITTED: COUNT - 1, ApplicantState.CREATED: 1}
    states = select(JobRow.state, func.count()).where(JobRow.job_id == undo_id).group_by(JobRow.state)
    counted = {RowState(state): count for state, count in db.session.execute(states)}
    assert counted == {RowState.DONE: COUNT - 1, RowState.REFUSED: 1}
    assert broken_promises(read_files=False) == []
