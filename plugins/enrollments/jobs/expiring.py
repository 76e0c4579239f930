"""The job ``enrollments.expire_waiting``: enrollments that have waited too long for an account are deleted."""

from functools import partial
from typing import ClassVar

from pydantic import BaseModel, Field

from plugins.enrollments.api.expiring import CHUNK_ROWS, EXPIRATION_DAYS, expire_waiting_enrollments
from plugins.enrollments.permissions import ENROLLMENTS_EXPIRE
from portal.sdk import Schedule, run_in_transaction
from portal.sdk.jobs import Progress, TaskJob, TaskResult


class ExpireParams(BaseModel):
    """How long an enrollment may wait."""

    days: int = Field(
        EXPIRATION_DAYS,
        ge=1,
        le=36_500,
        title="Days",
        description="Without any change, from the last one on.",
    )


class ExpireWaiting(TaskJob[ExpireParams]):
    """Deletes waiting enrollments, with their course rows and histories, 1,000 in a transaction."""

    name: ClassVar[str] = "enrollments.expire_waiting"
    title: ClassVar[str] = "Expire waiting enrollments"
    Params = ExpireParams

    def permission(self, params: ExpireParams) -> str:
        return ENROLLMENTS_EXPIRE

    def explain(self, params: ExpireParams) -> str:
        return f"{self.title} after {params.days} days"

    def run(self, params: ExpireParams, progress: Progress) -> TaskResult:
        expire = partial(expire_waiting_enrollments, params.days, most=CHUNK_ROWS)
        expired = 0
        while done := run_in_transaction(expire):
            expired += done
            progress(expired, None)
        return TaskResult(facts={"expired": expired})


SCHEDULES = (
    Schedule(
        name="enrollments.expire_waiting",
        title="Expire enrollments that have waited 60 days",
        cron="15 2 * * *",
        kind=ExpireWaiting.name,
    ),
)
