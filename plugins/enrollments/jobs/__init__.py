"""The bulk operations of enrollments."""

from plugins.enrollments.jobs.course_rows import WriteCourseEnrollments
from plugins.enrollments.jobs.expiring import SCHEDULES, ExpireWaiting
from plugins.enrollments.jobs.exporting import ExportProgram
from plugins.enrollments.jobs.linking import LinkLearners
from plugins.enrollments.jobs.program_rows import WriteProgramEnrollments
from plugins.enrollments.jobs.syncing import SyncProgram

__all__ = [
    "KINDS",
    "SCHEDULES",
    "ExpireWaiting",
    "ExportProgram",
    "LinkLearners",
    "SyncProgram",
    "WriteCourseEnrollments",
    "WriteProgramEnrollments",
]

KINDS = (
    WriteProgramEnrollments,
    WriteCourseEnrollments,
    LinkLearners,
    SyncProgram,
    ExpireWaiting,
    ExportProgram,
)
