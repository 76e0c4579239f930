"""What the portal tidies up by itself, as jobs: files that nothing names, and what has expired."""

from collections.abc import Callable
from typing import ClassVar

from pydantic import BaseModel, Field

from portal.auth import sessions
from portal.config import current_config
from portal.files.sweeper import sweep
from portal.hooks.declarations import Schedule
from portal.jobs.forgetting import forget_undo
from portal.jobs.kinds import Progress, TaskJob, TaskResult
from portal.jobs.passing import remove_expired_files
from portal.jobs.schedules import forget_old_runs
from portal.kernel.transaction import run_in_transaction
from portal.panel.permissions import SCHEDULES_MANAGE
from portal.web.rest.repeating import forget_old_answers


class SweepParams(BaseModel):
    """How old a file without a record must be."""

    grace_seconds: int | None = Field(None, ge=1, description="Age in seconds; the setting when absent.")


class SweepFiles(TaskJob[SweepParams]):
    """Removes stored files that no record names."""

    name: ClassVar[str] = "portal.sweep_files"
    title: ClassVar[str] = "Remove files that nothing names"
    Params = SweepParams

    def permission(self, params: SweepParams) -> str:
        return SCHEDULES_MANAGE

    def run(self, params: SweepParams, progress: Progress) -> TaskResult:
        grace = params.grace_seconds or current_config().sweep_grace_seconds
        result = sweep(grace, lambda seen: progress(seen, None))
        return TaskResult(
            facts={"records": result.rows, "files": result.blobs, "left_by_writers": result.temporary}
        )


class ExpiredParams(BaseModel):
    """How long old runs of schedules are kept."""

    runs_days: int = Field(90, ge=1, description="Days after which a run of a schedule is forgotten.")


class RemoveExpired(TaskJob[ExpiredParams]):
    """Removes what has expired: sign-ins, runs of schedules that are long over, kept answers, what undo needed."""

    name: ClassVar[str] = "portal.remove_expired"
    title: ClassVar[str] = "Remove what has expired"
    Params = ExpiredParams

    def permission(self, params: ExpiredParams) -> str:
        return SCHEDULES_MANAGE

    def run(self, params: ExpiredParams, progress: Progress) -> TaskResult:
        tasks: dict[str, Callable[[], int]] = {
            "sign_ins": sessions.remove_expired,
            "schedule_runs": lambda: forget_old_runs(params.runs_days),
            "kept_answers": forget_old_answers,
        }
        facts = {}
        for number, (what, remove) in enumerate(tasks.items()):
            facts[what] = run_in_transaction(remove)
            progress(number + 1, len(tasks))
        facts["kept_for_undo"] = forget_undo()
        facts["exports"] = remove_expired_files()
        return TaskResult(facts=facts)


CORE_SCHEDULES = (
    Schedule(
        name="portal.sweep_files",
        title="Remove files that nothing names",
        cron="15 4 * * *",
        kind=SweepFiles.name,
    ),
    Schedule(
        name="portal.remove_expired",
        title="Remove expired sign-ins and old runs",
        cron="5 4 * * *",
        kind=RemoveExpired.name,
    ),
)
