"""The bulk operations of submissions."""

from plugins.submissions.jobs.checking import SCHEDULES, CheckLedger
from plugins.submissions.jobs.exporting import ExportCourse
from plugins.submissions.jobs.uploading import UploadScores

KINDS = (UploadScores, ExportCourse, CheckLedger)

__all__ = ["KINDS", "SCHEDULES", "CheckLedger", "ExportCourse", "UploadScores"]
