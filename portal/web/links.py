"""Addresses of pages that several rooms lead to."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import url_for

JOB_ENDPOINT = "jobs.page"
UPLOAD_ENDPOINT = "uploads.upload"


def job_url(job_id: UUID) -> str:
    """Return the address of a job's page: confirmation, progress or report, as its state wants it."""
    return url_for(JOB_ENDPOINT, job_id=job_id)


def upload_url(kind: str, params: Mapping[str, str] | None = None) -> str:
    """Return the address of the upload page of a kind of job that takes a sheet.

    Args:
        params: Parameters of the kind, filled in on the form.
    """
    return url_for(UPLOAD_ENDPOINT, kind=kind, **dict[str, Any](params or {}))
