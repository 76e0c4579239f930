"""A plugin with one table and one kind of job, small enough to see everything that the engine does."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from sqlalchemy import insert, select

from portal.hooks.cards import DashboardCard
from portal.hooks.declarations import JobKind, MigrationSource, Permission
from portal.hooks.specs import hookimpl
from portal.jobs.kinds import (
    JobFiles,
    Outcome,
    Plan,
    Problem,
    Progress,
    RowJob,
    SourceRow,
    TaskJob,
    TaskResult,
    Work,
)
from portal.jobs.states import Action, Closing, RowState
from portal.kernel.db import db
from portal.kernel.errors import InvalidInput
from tests.portal.jobs.toy_cards import CARDS
from tests.portal.jobs.toy_numbering import NumberThings
from tests.portal.jobs.toy_sheets import ListThings
from tests.portal.jobs.toy_table import Thing

PORTAL_API = "1"
NAME = "toy"
TITLE = "Toy"


class MakeParams(BaseModel):
    names: list[str] = []
    wrong_header: bool = False
    closes: bool = False


class ThingRow(BaseModel):
    name: str


class MakeThings(RowJob[MakeParams, ThingRow]):
    """Makes things by name; names tell how a row behaves: ``bad…`` refuses, ``bug…`` raises, ``twin…`` clashes."""

    name = "toy.make_things"
    title = "Make things"
    Params = MakeParams
    Row = ThingRow
    chunk_rows = 20

    #: Runs once inside prepare, so that a test can change the world in the middle of a job.
    interrupt: Any = None
    lock = threading.Lock()

    def permission(self, params: MakeParams) -> str:
        return "toy.make"

    def closes_portal(self, params: MakeParams) -> Closing:
        return Closing.DEFAULT if params.closes else Closing.ON_REQUEST

    def rows(self, params: MakeParams, files: JobFiles) -> Iterable[SourceRow[ThingRow]]:
        if params.wrong_header:
            raise InvalidInput("sheet-header", "The column 'name' is missing.")
        for name in params.names:
            problem = Problem(code="empty", message="The name is empty.") if not name else None
            row = ThingRow(name=name) if name else None
            yield SourceRow(row=row, key=name, subject=name or None, label=name or "(empty)", problem=problem)

    def plan(self, rows: Sequence[ThingRow], params: MakeParams) -> Sequence[Plan]:
        known = set(db.session.scalars(select(Thing.name).where(Thing.name.in_([row.name for row in rows]))))
        return [self._plan(row.name, row.name in known) for row in rows]

    def _plan(self, name: str, known: bool) -> Plan:
        if known:
            return Plan(action=Action.UNCHANGED)
        if name.startswith("bad"):
            return Plan(action=Action.REFUSE, code="bad-name", message=f"{name} is a bad name.")
        return Plan(action=Action.CREATE, after={"name": name}, version="1")

    def reserve(
        self, work: Sequence[Work[ThingRow]], params: MakeParams
    ) -> Sequence[Mapping[str, Any] | None]:
        return [{"number": item.position * 10} for item in work]

    def prepare(self, work: Sequence[Work[ThingRow]], params: MakeParams, files: JobFiles) -> None:
        with self.lock:
            interrupt, MakeThings.interrupt = MakeThings.interrupt, None
        if interrupt is not None:
            interrupt()

    def apply(self, work: Sequence[Work[ThingRow]], prepared: None, params: MakeParams) -> Sequence[Outcome]:
        for item in work:
            if item.row.name.startswith("bug"):
                raise RuntimeError("a bug in the plugin")
        values = [
            {
                "name": "twin" if item.row.name.startswith("twin") else item.row.name,
                "number": item.reserved["number"],
            }
            for item in work
            if item.reserved is not None
        ]
        db.session.execute(insert(Thing), values)
        return [Outcome(state=RowState.DONE, record_id=item.row.name) for item in work]


class CountParams(BaseModel):
    upto: int = 3
    fails: bool = False


class Count(TaskJob[CountParams]):
    name = "toy.count"
    title = "Count"
    Params = CountParams

    def permission(self, params: CountParams) -> str:
        return "toy.make"

    def run(self, params: CountParams, progress: Progress) -> TaskResult:
        if params.fails:
            raise RuntimeError("a bug in the plugin")
        for number in range(params.upto):
            progress(number, params.upto)
        return TaskResult(facts={"counted": params.upto})


@hookimpl
def portal_models() -> Sequence[type]:
    return (Thing,)


@hookimpl
def portal_migrations() -> Sequence[MigrationSource]:
    return (MigrationSource(package="tests.portal.jobs", folder="toy_migrations"),)


@hookimpl
def portal_permissions() -> Sequence[Permission]:
    return (Permission(name="toy.make", title="Make things"),)


@hookimpl
def portal_dashboard_cards() -> Sequence[DashboardCard]:
    return CARDS


@hookimpl
def portal_job_kinds() -> Sequence[JobKind]:
    return (
        JobKind(kind=MakeThings),
        JobKind(kind=Count),
        JobKind(kind=NumberThings),
        JobKind(kind=ListThings),
    )
