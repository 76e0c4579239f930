"""Jobs, for plugins: declare kinds, submit and follow jobs, read sheets. Re-exports only."""

from portal.jobs.api import (
    Draft,
    cancel,
    discard,
    draft,
    reject,
    release,
    resume,
    retry,
    start,
    submit,
    undo,
)
from portal.jobs.console import drive, job_options
from portal.jobs.engine import run_inline
from portal.jobs.erasing import erase_results, erase_rows
from portal.jobs.intake import draft_rows, draft_sheet, sheet_kind, understand
from portal.jobs.kinds import (
    SHEET,
    Cancelled,
    Column,
    JobFiles,
    Outcome,
    Plan,
    Problem,
    Progress,
    ResultFile,
    RowJob,
    SheetJob,
    SourceRow,
    TaskJob,
    TaskResult,
    Work,
)
from portal.jobs.models import Job, JobRow
from portal.jobs.queries import counts_by_code, get_job, jobs_of_record, list_rows, wait_for
from portal.jobs.rows import Brake, UndoWork, chunked
from portal.jobs.sheets import Sheet, SheetRow, open_sheet, read_csv
from portal.jobs.sheets.columns import check_required
from portal.jobs.sheets.dates import DateOrder
from portal.jobs.sheets.reading import Decisions
from portal.jobs.states import Action, Closing, JobState, RowState
from portal.jobs.tables import MEDIA_TYPES, Cell, Format, table_file
from portal.jobs.understanding import Understanding
from portal.jobs.uploads import Upload, store_upload

__all__ = [
    "MEDIA_TYPES",
    "SHEET",
    "Action",
    "Brake",
    "Cancelled",
    "Cell",
    "Closing",
    "Column",
    "DateOrder",
    "Decisions",
    "Draft",
    "Format",
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
    "SheetJob",
    "SheetRow",
    "SourceRow",
    "TaskJob",
    "TaskResult",
    "Understanding",
    "UndoWork",
    "Upload",
    "Work",
    "cancel",
    "check_required",
    "chunked",
    "counts_by_code",
    "discard",
    "draft",
    "draft_rows",
    "draft_sheet",
    "drive",
    "erase_results",
    "erase_rows",
    "get_job",
    "job_options",
    "jobs_of_record",
    "list_rows",
    "open_sheet",
    "read_csv",
    "reject",
    "release",
    "resume",
    "retry",
    "run_inline",
    "sheet_kind",
    "start",
    "store_upload",
    "submit",
    "table_file",
    "understand",
    "undo",
    "wait_for",
]
