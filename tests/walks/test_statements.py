"""The bulk path sends few statements, and not more of them when there are more students in a chunk."""

import pytest

from benchmarks.campus import Intake, quick_photo, started
from plugins.admissions.jobs import CreateStudents
from portal.jobs.applying import Pace
from portal.jobs.engine import run_inline
from portal.jobs.queries import get_job
from portal.testing.statements import counted_statements
from tests.walks.conftest import CampusOf
from tests.walks.walk import create_in_portal

pytestmark = pytest.mark.both_engines
MOST_PER_STUDENT = 0.2


def test_a_full_chunk_takes_a_fifth_of_a_statement_per_student(
    campus_of: CampusOf, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pace, "starting", classmethod(lambda cls, most: cls(most=most, rows=most)))
    monkeypatch.setattr(Pace, "measured", lambda self, rows, seconds: None)
    rows = CreateStudents.chunk_rows
    campus = campus_of(engine)
    with campus.open():
        intake, sent = Intake(photo_of=quick_photo), []
        for chunks in (1, 2):
            intake.add(chunks * rows)
            job_id = create_in_portal(close_portal=False, apply=False)
            run_inline(job_id)
            started(job_id)
            with counted_statements() as statements:
                run_inline(job_id)
            assert get_job(job_id).done_count == chunks * rows
            sent.append(len(statements))
    # What a second chunk takes is what every further one takes, whatever a run takes once.
    assert (sent[1] - sent[0]) / rows <= MOST_PER_STUDENT, sent
