"""The job ``admissions.check_integrity``: every promise about students and applications, looked at again."""

import io
from typing import ClassVar

from pydantic import BaseModel, Field

from plugins.admissions.api.integrity import broken_promises
from plugins.admissions.permissions import STUDENTS_CREATE_ALL
from portal.sdk import Schedule
from portal.sdk.jobs import Progress, ResultFile, TaskJob, TaskResult, store_upload
from portal.sdk.metrics import gauge

REPORT_NAME = "broken-promises.txt"

BROKEN = gauge("plugin_admissions_broken_promises", "Kinds of promise that the newest check found broken.")


class CheckParams(BaseModel):
    """How thorough the check is."""

    read_files: bool = Field(
        False, description="Read every file and compare its hash; slow with many students."
    )


class CheckIntegrity(TaskJob[CheckParams]):
    """Looks for records that contradict each other and files that are missing; changes nothing."""

    name: ClassVar[str] = "admissions.check_integrity"
    title: ClassVar[str] = "Check students and applications"
    Params = CheckParams

    def permission(self, params: CheckParams) -> str:
        return STUDENTS_CREATE_ALL

    def explain(self, params: CheckParams) -> str:
        return f"{self.title}, every file too" if params.read_files else self.title

    def run(self, params: CheckParams, progress: Progress) -> TaskResult:
        problems = broken_promises(
            read_files=params.read_files, looked_at=lambda count: progress(count, None)
        )
        BROKEN.set(len(problems))
        report = io.BytesIO("".join(f"{line}\n" for line in problems or ["All is well."]).encode())
        stored = store_upload(report, REPORT_NAME, "text/plain")
        file = ResultFile(
            name=REPORT_NAME, sha256=stored.sha256, size_bytes=stored.size_bytes, media_type=stored.media_type
        )
        return TaskResult(facts={"broken_promises": len(problems)}, files=(file,))


SCHEDULES = (
    Schedule(
        name="admissions.nightly_check",
        title="Check students and applications",
        cron="30 3 * * *",
        kind=CheckIntegrity.name,
    ),
    Schedule(
        name="admissions.weekly_check",
        title="Check students, applications and every file",
        cron="0 5 * * 0",
        kind=CheckIntegrity.name,
        params={"read_files": True},
    ),
)
