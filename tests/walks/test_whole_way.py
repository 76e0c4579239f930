"""From two files to students with slips, through real workers, as a newcomer does it."""

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select

from benchmarks.campus import CREATE_STUDENTS, IMPORT_APPLICANTS, started, submitted
from plugins.admissions.api.workflow import transition_many
from plugins.admissions.demo import CONTAINERS, write_university_files
from plugins.admissions.models import Applicant, ApplicantFile, ApplicantState, Container, Student
from portal.files.sweeper import sweep
from portal.jobs.queries import counts_by_code, wait_for
from portal.jobs.states import JobState, RowState
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from tests.walks.proof import blobs, findings
from tests.walks.walk import PATIENCE_SECONDS, Walk

pytestmark = pytest.mark.both_engines
COUNT = 240


def test_import_admit_and_create(walk: Walk, tmp_path: Path) -> None:
    before = db.session.scalar(select(func.count()).select_from(Applicant)) or 0
    written = write_university_files(tmp_path, COUNT, seed=7)
    imported = submitted(
        IMPORT_APPLICANTS, {"mode": "create"}, {"sheet": written.sheet, "photos": written.photos}, apply=False
    )
    planned = wait_for(imported, PATIENCE_SECONDS, until_planned=True)
    assert planned.rows_count == COUNT
    assert db.session.scalar(select(func.count()).select_from(Applicant)) == before

    started(imported)
    job = wait_for(imported, PATIENCE_SECONDS)
    assert job.state == JobState.FINISHED
    assert job.done_count + job.refused_count == COUNT
    assert 0 < job.refused_count <= sum(written.flaws.values())
    codes = Counter({count.code: count.count for count in counts_by_code(imported) if count.code})
    assert codes.total() == job.refused_count
    assert (db.session.scalar(select(func.count()).select_from(Applicant)) or 0) - before == job.done_count

    made = [_create_students_of(container.code) for container in CONTAINERS]
    assert sum(made) > COUNT * 0.7
    assert _cared_for(CONTAINERS[0].code)


def _create_students_of(code: str) -> int:
    # Other walks may have left admitted applicants in the same portal.
    there_before = len(_applicants(code, ApplicantState.ADMITTED))
    submitted_ones = _applicants(code, ApplicantState.SUBMITTED)
    db.session.rollback()
    with transaction():
        outcomes = transition_many(submitted_ones, "admit")
    db.session.rollback()
    admitted = _applicants(code, ApplicantState.ADMITTED)
    assert len(admitted) == there_before + sum(outcome.refusal is None for outcome in outcomes)

    job_id = submitted(CREATE_STUDENTS, {"scope": "container", "container": code}, close_portal=False)
    job = wait_for(job_id, PATIENCE_SECONDS)

    assert job.state == JobState.FINISHED
    assert (job.rows_count, job.failed_count) == (len(admitted), 0)
    refused = [count for count in counts_by_code(job_id) if count.state == RowState.REFUSED]
    assert all(count.code and count.sample for count in refused)
    found = findings([job_id])
    assert (found.students, found.faults) == (job.done_count, {})
    return job.done_count


def _applicants(code: str, state: ApplicantState) -> list:
    wanted = select(Applicant.id).join(Container).where(Container.code == code, Applicant.state == state)
    return list(db.session.scalars(wanted))


def _cared_for(code: str) -> bool:
    """Sweep at once: what the jobs left behind has no name, what students have stays."""
    sweep(0)
    left = blobs()
    photos = select(func.count(func.distinct(ApplicantFile.sha256)))
    students = db.session.scalar(select(func.count()).select_from(Student)) or 0
    return left.nameless == 0 and left.files >= students + (db.session.scalar(photos) or 0)
