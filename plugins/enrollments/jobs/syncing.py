"""The job ``enrollments.sync_program``: a program becomes what a whole sheet says; who is missing is withdrawn."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, ClassVar, Literal

from pydantic import Field
from sqlalchemy import select

from plugins.enrollments.jobs.program_rows import (
    ProgramParams,
    ProgramRow,
    WriteProgramEnrollments,
)
from plugins.enrollments.jobs.wording import WriteMode
from plugins.enrollments.models import ProgramEnrollment
from plugins.enrollments.models.vocabulary import ProgramEnrollmentStatus
from plugins.enrollments.permissions import ENROLLMENTS_SYNC
from portal.sdk import db
from portal.sdk.jobs import Action, JobFiles, Plan, Problem, SourceRow, chunked

#: Rows compared in one go.
PAGE = 1_000
#: Statuses that withdraw nobody once more.
GONE = (ProgramEnrollmentStatus.CANCELED.value, ProgramEnrollmentStatus.ENDED.value)
_TABLE: Any = ProgramEnrollment.__table__


class SyncParams(ProgramParams):
    """Which program, and what becomes of those who are missing."""

    mode: Literal[WriteMode.BOTH] = WriteMode.BOTH
    missing_status: Literal["canceled", "ended", "suspended"] = Field(
        "canceled", title="Status of those who are missing from the sheet"
    )


class SyncProgram(WriteProgramEnrollments):
    """Enrolls and changes who is in the sheet and withdraws who is not.

    A sheet that would withdraw more than a tenth of the program waits until a second person releases it.
    """

    name: ClassVar[str] = "enrollments.sync_program"
    title: ClassVar[str] = "Make a program equal to a sheet"
    introduction: ClassVar[str] = (
        "The sheet holds everybody who is to be in the program. Who is in the program and not in the sheet is withdrawn."
    )
    Params = SyncParams

    def permission(self, params: ProgramParams) -> str:
        return ENROLLMENTS_SYNC

    def rows(self, params: ProgramParams, files: JobFiles) -> Iterator[SourceRow[ProgramRow]]:
        """Give the rows of the sheet, then one for each enrollment that it does not name, by number."""
        last = unread = 0
        with closing(_Named()) as named:
            for page in chunked(super().rows(params, files), PAGE):
                named.add(row.key for row in page)
                last = max(last, *(row.number or 0 for row in page))
                unread += sum(row.problem is not None for row in page)
                yield from page
            for key, form in _enrolled(params):
                if not named.holds(form):
                    last += 1
                    yield _missing(key, form, last, params, unread)

    def plan(self, rows: Sequence[ProgramRow], params: ProgramParams) -> Sequence[Plan]:
        return [
            _withdrawal(plan) if row.is_missing and plan.action is Action.UPDATE else plan
            for row, plan in zip(rows, super().plan(rows, params), strict=True)
        ]


def _withdrawal(plan: Plan) -> Plan:
    return Plan(
        action=Action.REMOVE,
        before=plan.before,
        after=plan.after,
        version=plan.version,
        record_id=plan.record_id,
        warning="Not in the sheet.",
    )


def _missing(key: str, form: str, number: int, params: ProgramParams, unread: int) -> SourceRow[ProgramRow]:
    label = f"{key} (not in the sheet)"[:200]
    if unread:
        # Whoever is missing may stand in one of those rows.
        message = (
            f"{key} is not withdrawn: {unread} rows of the sheet could not be read, so it does not say who is missing. "
            "Correct those rows and start again."
        )
        problem = Problem(code="sheet-not-whole", message=message)
        return SourceRow(row=None, key=form, label=label, number=number, problem=problem)
    status = params.missing_status if isinstance(params, SyncParams) else GONE[0]
    row = ProgramRow(number=number, external_user_key=key, status=status, is_missing=True)
    return SourceRow(row=row, key=form, label=label, number=number)


def _enrolled(params: ProgramParams) -> Iterator[tuple[str, str]]:
    """Give key and compared key of those who are in the program, oldest first, a page a statement."""
    last = 0
    while True:
        page = db.session.execute(
            select(_TABLE.c.id, _TABLE.c.external_user_key, _TABLE.c.external_key)
            .where(_TABLE.c.program_uuid == params.program, _TABLE.c.id > last)
            .where(_TABLE.c.external_key.is_not(None), _TABLE.c.status.not_in(GONE))
            .order_by(_TABLE.c.id)
            .limit(PAGE)
        ).all()
        for row in page:
            yield row.external_user_key, row.external_key
        if len(page) < PAGE:
            return
        last = page[-1].id


class _Named:
    """The keys that a sheet names: on disk beyond a few megabytes, however many they are."""

    def __init__(self) -> None:
        self._keys = sqlite3.connect("", isolation_level=None)
        self._keys.execute("PRAGMA journal_mode = OFF")
        self._keys.execute("CREATE TABLE named (key TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, keys: Iterator[str]) -> None:
        self._keys.execute("BEGIN")
        self._keys.executemany("INSERT OR IGNORE INTO named VALUES (?)", ((key,) for key in keys))
        self._keys.execute("COMMIT")

    def holds(self, key: str) -> bool:
        return self._keys.execute("SELECT 1 FROM named WHERE key = ?", (key,)).fetchone() is not None

    def close(self) -> None:
        self._keys.close()
