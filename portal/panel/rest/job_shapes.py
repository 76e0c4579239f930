"""What the operations on jobs take and answer."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Any

from apiflask.fields import UploadFile
from flask import url_for
from pydantic import BaseModel, ConfigDict, Field, Json

from portal.jobs.models import Job, JobFile, JobRow
from portal.jobs.queries import CodeCount
from portal.jobs.sheets.dates import DateOrder
from portal.jobs.states import Action, JobState, RowState
from portal.sdk.rest import Listing, PageQuery, from_record

Cell = str | int | float | bool | None
KindName = Annotated[
    str, Field(min_length=1, max_length=120, description="Name of the kind, see `/job-kinds`.")
]
ApplyField = Annotated[
    bool,
    Field(
        description="False: plan only, a dry run that may be applied or discarded. True: apply as soon as planned."
    ),
]
ClosePortal = Annotated[
    bool | None, Field(description="Whether the portal closes meanwhile; absent: the kind's default.")
]


class NewJobIn(BaseModel):
    """A job from rows that are given as data, or from parameters that select its rows."""

    model_config = ConfigDict(extra="forbid")

    kind: KindName
    params: dict[str, Any] = Field(default_factory=dict, description="Parameters of the kind.")
    rows: list[dict[str, Cell]] | None = Field(
        None, description="Rows of a kind that takes a sheet: field → text, number, true or false, null."
    )
    apply: ApplyField = False
    close_portal: ClosePortal = None


class UploadIn(BaseModel):
    """A job from an uploaded sheet. Further files of the kind are sent as further parts, named by their role."""

    kind: KindName
    params: Json[dict[str, Any]] | None = Field(None, description="Parameters of the kind, as a JSON object.")
    sheet: UploadFile = Field(description="CSV or XLSX; the first row names the columns.")
    mapping: Json[dict[str, str]] | None = Field(
        None,
        description="Column of the sheet → field, or `ignore`, as a JSON object; absent: by their names.",
    )
    dates: Json[dict[str, DateOrder]] | None = Field(
        None,
        description="Date field → order of day and month, as a JSON object, where the sheet leaves it open.",
    )
    confirmed: Json[list[str]] | None = Field(
        None, description="Identifier fields whose strange-looking values are right, as a JSON list."
    )
    apply: ApplyField = False
    close_portal: ClosePortal = None


class StartQuery(BaseModel):
    """How a planned job is applied."""

    model_config = ConfigDict(extra="forbid")

    close_portal: ClosePortal = None


class RejectIn(BaseModel):
    """Why a held job is stopped for good."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=500)


class JobQuery(PageQuery):
    """Which jobs are listed."""

    state: JobState | None = None
    kind: str | None = Field(None, max_length=120)
    is_mine: bool | None = Field(None, description="True: only the caller's own.")


class RowQuery(PageQuery):
    """Which rows are listed."""

    state: RowState | None = None
    action: Action | None = None
    code: str | None = Field(None, max_length=120)


class CountsOut(BaseModel):
    """Rows by what became of them; all but `rows` sum to `rows`."""

    rows: int
    pending: int
    done: int
    unchanged: int
    refused: int
    failed: int
    cancelled: int


class JobOut(BaseModel):
    """A job as it is now."""

    id: uuid.UUID
    kind: str
    title: str
    state: JobState
    params: dict[str, Any]
    started_by: str
    created_at: datetime
    planned_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    counts: CountsOut
    progress_done: int = Field(description="Of a task without rows.")
    progress_total: int | None
    rows_per_second: float | None = Field(description="Since the start; null before the first row.")
    seconds_left: float | None = Field(description="An estimate, while it runs.")
    closes_portal: bool
    undoes: uuid.UUID | None = Field(description="The job that this one takes back.")
    impact: dict[str, Any] | None = Field(description="Why the job waits for a second person.")
    result: dict[str, Any] | None = Field(description="Facts that a task left.")
    error: str | None
    links: dict[str, str]

    @classmethod
    def of(cls, job: Job) -> "JobOut":
        """Return what a job looks like; the same for the same state of the job."""
        rate = _rate(job)
        left = job.pending_count / rate if rate and job.state == JobState.RUNNING else None
        return from_record(
            cls,
            job,
            started_by=job.actor_name,
            counts=CountsOut(**{name: getattr(job, f"{name}_count") for name in CountsOut.model_fields}),
            rows_per_second=round(rate, 2) if rate else None,
            seconds_left=round(left, 1) if left is not None else None,
            undoes=job.undoes_id,
            links={
                "self": job_address(job.id),
                "rows": url_for("api_portal_jobs.list_rows", job_id=job.id),
                "plan": url_for("api_portal_jobs.show_plan", job_id=job.id),
                "files": url_for("api_portal_jobs.list_files", job_id=job.id),
                "result": url_for("api_portal_jobs.result", job_id=job.id, form="csv"),
            },
        )


class JobListOut(Listing[JobOut]):
    """Jobs, newest first."""


class RowOut(BaseModel):
    """One row: what came in, what it will do, what became of it."""

    position: int = Field(description="Of the row in its sheet.")
    label: str
    state: RowState
    action: str
    code: str
    message: str
    warning: str
    record_id: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    cells: list[Any] | None = Field(description="As uploaded.")

    @classmethod
    def of(cls, row: JobRow) -> "RowOut":
        """Return what a row looks like."""
        return from_record(cls, row)


class RowListOut(Listing[RowOut]):
    """Rows in the order of the sheet."""


class CodeCountOut(BaseModel):
    """How many rows have the same state, action and code."""

    state: RowState
    action: str
    code: str
    count: int
    sample: str = Field(description="The message of one of them.")

    @classmethod
    def of(cls, found: CodeCount) -> "CodeCountOut":
        """Return what a count looks like."""
        return from_record(cls, found)


class PlanOut(BaseModel):
    """What a job will do, or did, in figures."""

    job: JobOut
    by_code: list[CodeCountOut]


class FileOut(BaseModel):
    """A file that was uploaded for a job, or that it made."""

    id: uuid.UUID
    role: str
    name: str
    filename: str
    sha256: str
    url: str

    @classmethod
    def of(cls, file: JobFile) -> "FileOut":
        """Return what a file looks like."""
        address = url_for("api_portal_jobs.file", job_id=file.job_id, file_id=file.id)
        return from_record(cls, file, url=address)


class FileListOut(BaseModel):
    """The files of a job, uploaded ones first."""

    items: list[FileOut]


def job_address(job_id: uuid.UUID) -> str:
    """Return the address of a job."""
    return url_for("api_portal_jobs.show", job_id=job_id)


def _rate(job: Job) -> float | None:
    """Return the rows done per second until the last chunk: what is stored, so that it stays while nothing happens."""
    until = job.finished_at or job.worked_at
    if job.started_at is None or until is None or not job.done_count:
        return None
    elapsed = (until - job.started_at) / timedelta(seconds=1)
    return job.done_count / elapsed if elapsed > 0 else None
