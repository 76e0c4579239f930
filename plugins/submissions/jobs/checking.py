"""The job ``submissions.check_ledger``: every summary against its scores, and mending where they differ."""

import tempfile
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, ClassVar

from pydantic import BaseModel, Field

from plugins.submissions.api.inputs import LONGEST
from plugins.submissions.api.ledger import Difference, check_ledger, repair_items
from plugins.submissions.permissions import LEDGER_CHECK
from portal.sdk import Schedule, current_store, record, run_in_transaction
from portal.sdk.jobs import (
    MEDIA_TYPES,
    Cell,
    Progress,
    ResultFile,
    TaskJob,
    TaskResult,
    chunked,
    table_file,
)
from portal.sdk.metrics import gauge

REPORT_NAME = "ledger-differences.csv"
MAX_BYTES = 1_000_000_000
#: Student items that are mended in one transaction.
CHUNK = 500
HEADER = ("course_id", "item_id", "student_id", "column", "stored", "right")
NOTHING = "(no summary)"

DIFFERENT = gauge(
    "plugin_submissions_ledger_differences", "Student items whose summary the newest check found wrong."
)


class LedgerParams(BaseModel):
    """What to check, and whether to mend it."""

    course_id: str | None = Field(
        None, max_length=LONGEST["course_id"], title="Course", description="Only this one; all when empty."
    )
    repair: bool = Field(
        False, title="Mend", description="Rewrite each summary that differs, from the scores themselves."
    )


class CheckLedger(TaskJob[LedgerParams]):
    """Recomputes every summary from its scores; the report names what differs."""

    name: ClassVar[str] = "submissions.check_ledger"
    title: ClassVar[str] = "Check the ledger of scores"
    Params = LedgerParams

    def permission(self, params: LedgerParams) -> str:
        return LEDGER_CHECK

    def explain(self, params: LedgerParams) -> str:
        told = f"{self.title}: {params.course_id}" if params.course_id else self.title
        return f"{told}, and mend it" if params.repair else told

    def run(self, params: LedgerParams, progress: Progress) -> TaskResult:
        found = mended = 0
        with tempfile.TemporaryFile() as file:
            with table_file(file, "csv", HEADER) as table:
                # Told also while nothing differs: that keeps the job this worker's.
                differences = check_ledger(
                    params.course_id or None, looked_at=lambda compared: progress(compared, None)
                )
                for chunk in chunked(differences, CHUNK):
                    table.write(line for difference in chunk for line in difference_lines(difference))
                    found += len(chunk)
                    if params.repair:
                        mended += mend([item.student_item for item in chunk])
            if params.course_id is None:
                DIFFERENT.set(found - mended)
            facts = {"differences": found, "mended": mended}
            return TaskResult(facts=facts, files=(_stored(file),) if found else ())


def mend(student_items: list[int]) -> int:
    """Rewrite the summaries of these student items in a transaction of its own; return how many were wrong."""
    return run_in_transaction(partial(_mend, student_items))


def _mend(student_items: list[int]) -> int:
    mended = repair_items(student_items)
    if mended:
        record("repair", "submissions_score_summary", "", {"student_items": mended})
    return mended


def difference_lines(found: Difference) -> Iterator[list[Cell]]:
    """Give a line for each column of the summary that is not what it should be."""
    named: list[Cell] = [found.course_id, found.item_id, found.student_id]
    if found.stored is None or found.right is None:
        yield [
            *named,
            "",
            *(NOTHING if side is None else _told(side) for side in (found.stored, found.right)),
        ]
        return
    for name, right in found.right.items():
        if found.stored[name] != right:
            yield [*named, name, str(found.stored[name]), str(right)]


def _told(summary: dict[str, object]) -> str:
    return f"latest score {summary['latest_id']}, highest score {summary['highest_id']}"


def _stored(file: BinaryIO) -> ResultFile:
    file.seek(0)
    stored = current_store().put_stream(file, MAX_BYTES)
    return ResultFile(
        name=REPORT_NAME,
        sha256=stored.sha256,
        size_bytes=stored.size_bytes,
        media_type=MEDIA_TYPES["csv"],
    )


SCHEDULES = (
    Schedule(
        name="submissions.daily_ledger_check",
        title="Check the ledger of scores",
        cron="45 3 * * *",
        kind=CheckLedger.name,
    ),
)
