"""People who cancel, click twice, start the same thing together, or edit what a running job has in hand."""

import threading
import time
import uuid
from collections.abc import Sequence

import pytest
from sqlalchemy import select

from benchmarks.campus import CREATE_STUDENTS, started, submitted
from plugins.admissions.models import Student
from portal.jobs.api import cancel, draft, resume, submit
from portal.jobs.queries import counts_by_code, get_job, list_rows, wait_for
from portal.jobs.states import JobState, RowState
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from tests.walks.editor import Editor
from tests.walks.proof import findings
from tests.walks.walk import PATIENCE_SECONDS, Walk, assert_ended_whole, create, until_begun

pytestmark = pytest.mark.both_engines


def students_of(uids: Sequence[uuid.UUID]) -> int:
    db.session.rollback()
    return len(db.session.scalars(select(Student.id).where(Student.applicant_uid.in_(uids))).all())


def test_a_cancelled_job_stops_within_seconds_and_resumes_where_it_stopped(walk: Walk) -> None:
    uids = walk.intake.add(1_500)
    job_id = create(uids)
    until_begun(job_id)
    with transaction():
        cancel(job_id, SYSTEM)
    asked = time.monotonic()

    job = wait_for(job_id, PATIENCE_SECONDS)

    assert time.monotonic() - asked < 5
    assert job.state == JobState.CANCELLED
    assert job.cancelled_count > 0
    assert job.done_count == students_of(uids)
    assert findings([job_id]).faults == {}
    with transaction():
        resume(job_id, SYSTEM)
    assert_ended_whole(job_id, 1_500)


def test_two_clicks_of_two_people_start_one_job_once(walk: Walk) -> None:
    uids = walk.intake.add(60)
    params = {"scope": "applicants", "applicants": [str(uid) for uid in uids]}
    job_ids: list[uuid.UUID] = []

    def click() -> None:
        with walk.campus.app.app_context(), acting_as(SYSTEM):
            request = draft(CREATE_STUDENTS, params, SYSTEM, idempotency_key="the-one-form")
            with transaction():
                job_id = submit(request).id
            job_ids.append(started(job_id))

    threads = [threading.Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(job_ids) == 4
    assert len(set(job_ids)) == 1
    assert_ended_whole(job_ids[0], 60)


def test_overlapping_scopes_make_each_student_once_and_say_who_has_it(walk: Walk) -> None:
    uids = walk.intake.add(240)
    first = create(uids[:160], apply=False)
    second = create(uids[80:], apply=False)
    third = submitted(CREATE_STUDENTS, {"scope": "portal"}, apply=False)
    for job_id in (first, second, third):
        wait_for(job_id, PATIENCE_SECONDS, until_planned=True)
    for job_id in (first, second, third):
        started(job_id, close_portal=False)

    jobs = [wait_for(job_id, PATIENCE_SECONDS) for job_id in (first, second, third)]

    assert [job.state for job in jobs] == [JobState.FINISHED] * 3
    assert students_of(uids) == 240
    assert sum(job.done_count for job in jobs) == 240
    assert findings([first, second, third]).faults == {}
    refused = {
        count.code for job in jobs for count in counts_by_code(job.id) if count.state == RowState.REFUSED
    }
    # Whoever came later was told of the job that had the applicant, or found the student made already.
    assert refused <= {
        "in-other-job",
        "already-created",
        "wrong-state",
        "not-admitted",
        "changed-since-preview",
    }
    in_other = list_rows(second, state=RowState.REFUSED, code="in-other-job")
    assert all("Create students from" in row.message for row in in_other)


def test_an_editor_beside_a_job_without_preview_sees_no_error_and_slips_show_the_last_change(
    walk: Walk,
) -> None:
    uids = walk.intake.add(400)
    with Editor(walk.campus.app, uids).at_work() as editor:
        job_id = create(uids)
        wait_for(job_id, PATIENCE_SECONDS)
    assert editor.errors == []
    assert editor.edited
    assert_ended_whole(job_id, 400)


def test_rows_changed_since_a_confirmed_preview_are_refused_and_only_those(walk: Walk) -> None:
    uids = walk.intake.add(400)
    job_id = create(uids, apply=False)
    wait_for(job_id, PATIENCE_SECONDS, until_planned=True)
    with Editor(walk.campus.app, uids).at_work() as editor:
        time.sleep(0.3)
        before_start = set(editor.edited)
        started(job_id)
        job = wait_for(job_id, PATIENCE_SECONDS)

    assert editor.errors == []
    assert before_start
    refused = list_rows(job_id, state=RowState.REFUSED, limit=1000)
    assert {row.code for row in refused} == {"changed-since-preview"}
    changed = {uuid.UUID(row.subject) for row in refused if row.subject}
    assert before_start <= changed <= editor.edited
    assert (job.done_count, job.done_count + job.refused_count) == (400 - len(changed), 400)
    assert get_job(job_id).failed_count == 0
    assert findings([job_id]).faults == {}
