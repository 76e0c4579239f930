"""The jobs that touched a record, for its page."""

from collections.abc import Sequence
from typing import Any

from flask import url_for

from portal.jobs.models import Job
from portal.jobs.queries import jobs_of_record
from portal.web.lookups import primary_key

#: Jobs listed on a record's page; the list of jobs has them all.
SHOWN_JOBS = 8


class RecordJobs:
    """Lets the page of a record list the jobs that made, changed or were about it; mixed into the base view."""

    model: Any

    def record_jobs(self, record: Any) -> Sequence[Job]:
        """Return the newest jobs that touched the record and that the actor may see."""
        return jobs_of_record(self.model.__tablename__, self._record_key(record), SHOWN_JOBS)

    def record_jobs_url(self, record: Any) -> str:
        """Return the address of the list of all jobs that touched the record."""
        return url_for("jobs.index_view", record=f"{self.model.__tablename__}:{self._record_key(record)}")

    def _record_key(self, record: Any) -> str:
        return str(getattr(record, primary_key(self.model).key))
