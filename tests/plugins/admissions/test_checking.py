"""The nightly check as a job: what it finds is counted, and told line by line in its report."""

import pytest
from sqlalchemy import update

from plugins.admissions.models import Applicant
from portal.jobs.queries import files_of_job
from portal.jobs.schedules import run_now
from portal.sdk import SYSTEM, current_store, transaction
from portal.sdk.jobs import Job, JobState, get_job, run_inline
from tests.plugins.admissions.university import University, add_many, create_selected


def checked(name: str) -> tuple[Job, str]:
    """Run a schedule's job here; return it with its report."""
    job_id = run_now(f"admissions.{name}", SYSTEM, name)
    run_inline(job_id)
    job = get_job(job_id)
    assert (job.state, job.error) == (JobState.FINISHED, None)
    (file,) = files_of_job(job_id)
    return job, current_store().read(file.sha256).decode()


@pytest.mark.both_engines
@pytest.mark.parametrize("name", ["nightly_check", "weekly_check"])
def test_check_finds_nothing_where_all_is_well(university: University, name: str) -> None:
    create_selected(*add_many(university, 2))

    job, report = checked(name)

    assert job.result == {"broken_promises": 0}
    assert report == "All is well.\n"


def test_check_tells_what_it_found(university: University) -> None:
    uids = add_many(university, 2)
    create_selected(*uids)
    with transaction() as session:
        session.execute(update(Applicant).where(Applicant.id == uids[0]).values(locked=False))

    job, report = checked("nightly_check")

    assert job.result == {"broken_promises": 1}
    assert "whose form is open" in report
