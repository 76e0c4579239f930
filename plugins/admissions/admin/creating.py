"""Starts the creation of students from a page: always a job, always the person's one click."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import flash, redirect, url_for

from plugins.admissions.jobs import CreateStudents, PrintActivationLetters
from plugins.admissions.models import Applicant
from portal.sdk import TemporaryFailure, current_actor, transaction
from portal.sdk.jobs import JobState, RowState, draft, list_rows, submit, wait_for
from portal.sdk.web import job_url, sent_form_token

#: How long the button for one student waits before it shows the job's progress instead.
PATIENCE_SECONDS = 5.0


def plan_creation(params: Mapping[str, Any]) -> Any:
    """Plan the creation and lead to the page that says what will happen; nothing is created yet."""
    request = draft(CreateStudents.name, params, current_actor(), idempotency_key=sent_form_token())
    with transaction():
        job_id = submit(request).id
    return redirect(job_url(job_id))


def create_one(applicant: Applicant) -> Any:
    """Create one student at once and lead to its page, to the reason why not, or to the job's progress."""
    applicant_uid = applicant.id
    params = {"scope": "applicants", "applicants": [applicant_uid], "send_email": bool(applicant.email)}
    request = draft(CreateStudents.name, params, current_actor(), idempotency_key=sent_form_token())
    with transaction():
        job_id = submit(request, apply=True).id
    try:
        job = wait_for(job_id, PATIENCE_SECONDS)
    except TemporaryFailure:
        return redirect(job_url(job_id))
    row = next(iter(list_rows(job_id, limit=1)), None)
    if job.state != JobState.FINISHED or row is None:
        return redirect(job_url(job_id))
    if row.state == RowState.DONE and row.record_id:
        flash(f"{row.message}.", "success")
        return redirect(url_for("admissions_student.details_view", id=row.record_id))
    flash(row.message or f"No student record was made: {row.code}.", "error")
    return redirect(url_for("admissions_applicant.details_view", id=applicant_uid))


def print_letters(student_uids: Sequence[UUID]) -> Any:
    """Start the printing of activation letters and lead to its job, which holds the file to download."""
    request = draft(
        PrintActivationLetters.name,
        {"students": list(student_uids)},
        current_actor(),
        idempotency_key=sent_form_token(),
    )
    with transaction():
        job_id = submit(request, apply=True).id
    return redirect(job_url(job_id))
