"""Jobs, for plugins: declare kinds, submit and follow jobs, read sheets. Re-exports only."""

from portal.jobs.api import Draft, cancel, discard, draft, resume, retry, start, submit
from portal.jobs.engine import run_inline
from portal.jobs.kinds import (
    Cancelled,
    JobFiles,
    Outcome,
    Plan,
    Problem,
    Progress,
    ResultFile,
    RowJob,
    SourceRow,
    TaskJob,
    TaskResult,
    Work,
)
from portal.jobs.models import Job, JobRow
from portal.jobs.queries import counts_by_code, get_job, jobs_of_record, list_rows, wait_for
from portal.jobs.sheets import Sheet, SheetRow, read_csv
from portal.jobs.states import Action, Closing, JobState, RowState
from portal.jobs.uploads import Upload, store_upload

__all__ = [
    "Action",
    "Cancelled",
    "Closing",
    "Draft",
    "Job",
    "JobFiles",
    "JobRow",
    "JobState",
    "Outcome",
    "Plan",
    "Problem",
    "Progress",
    "ResultFile",
    "RowJob",
    "RowState",
    "Sheet",
    "SheetRow",
    "SourceRow",
    "TaskJob",
    "TaskResult",
    "Upload",
    "Work",
    "cancel",
    "counts_by_code",
    "discard",
    "draft",
    "get_job",
    "jobs_of_record",
    "list_rows",
    "read_csv",
    "resume",
    "retry",
    "run_inline",
    "start",
    "store_upload",
    "submit",
    "wait_for",
]
