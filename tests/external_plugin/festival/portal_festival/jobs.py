"""The job that counts stages."""

from typing import ClassVar

from pydantic import BaseModel

from portal.sdk import JobKind, Schedule, reading
from portal.sdk.jobs import Progress, TaskJob, TaskResult
from portal_festival.pages import VIEW
from portal_festival.stages import count_stages


class NoParams(BaseModel):
    """Nothing to ask."""


class CountStages(TaskJob[NoParams]):
    """Counts the stages."""

    name: ClassVar[str] = "festival.count_stages"
    title: ClassVar[str] = "Count stages"
    Params = NoParams

    def permission(self, params: NoParams) -> str:
        """Return the right to see stages."""
        return VIEW

    def run(self, params: NoParams, progress: Progress) -> TaskResult:
        """Return their number."""
        with reading():
            return TaskResult(facts={"stages": count_stages()})


KIND = JobKind(kind=CountStages)
NIGHTLY = Schedule(name="festival.nightly", title="Count stages", cron="0 3 * * *", kind=CountStages.name)
