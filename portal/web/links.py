"""Addresses of pages that several rooms lead to."""

from uuid import UUID

from flask import url_for

JOB_ENDPOINT = "jobs.page"


def job_url(job_id: UUID) -> str:
    """Return the address of a job's page: confirmation, progress or report, as its state wants it."""
    return url_for(JOB_ENDPOINT, job_id=job_id)
