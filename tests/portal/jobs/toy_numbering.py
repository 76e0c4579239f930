"""A kind that can be undone and has a brake: it gives things numbers, adds them, and removes them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel
from sqlalchemy import bindparam, delete, func, insert, select, update

from portal.jobs.kinds import JobFiles, Outcome, Plan, Problem, RowJob, SourceRow, Work
from portal.jobs.rows import Brake, UndoWork
from portal.jobs.states import Action, RowState
from portal.kernel.db import db
from tests.portal.jobs.toy_table import Thing


class NumberParams(BaseModel):
    """Name → number; 0 removes."""

    numbers: dict[str, int]
    brakes: bool = False


class NumberRow(BaseModel):
    name: str
    number: int


class NumberThings(RowJob[NumberParams, NumberRow]):
    """Makes, changes and removes things; a thing's number is its version."""

    name = "toy.number_things"
    title = "Number things"
    Params = NumberParams
    Row = NumberRow
    chunk_rows = 20
    record_model: ClassVar[type[Any] | None] = Thing
    #: Runs inside the next undo, before anything else.
    interrupt: Any = None

    def permission(self, params: NumberParams) -> str:
        return "toy.make"

    def brake_of(self, params: NumberParams) -> Brake | None:
        return Brake(removed_share=0.2, minimum_rows=3) if params.brakes else None

    def existing_count(self, params: NumberParams) -> int:
        return db.session.scalar(select(func.count()).select_from(Thing)) or 0

    def rows(self, params: NumberParams, files: JobFiles) -> Iterable[SourceRow[NumberRow]]:
        for name, number in params.numbers.items():
            yield SourceRow(row=NumberRow(name=name, number=number), key=name, subject=name, label=name)

    def plan(self, rows: Sequence[NumberRow], params: NumberParams) -> Sequence[Plan]:
        known = self._known([row.name for row in rows])
        return [_plan(row, known.get(row.name)) for row in rows]

    def apply(
        self, work: Sequence[Work[NumberRow]], prepared: None, params: NumberParams
    ) -> Sequence[Outcome]:
        known = self._known([item.row.name for item in work])
        self._write({item.row.name: item.row.number for item in work}, known)
        ids = self._known([item.row.name for item in work]) | known
        return [
            Outcome(
                state=RowState.DONE,
                record_id=str(ids[item.row.name][0]),
                version=str(item.row.number),
                undo_facts={"number": known[item.row.name][1] if item.row.name in known else 0},
            )
            for item in work
        ]

    def check_undo(
        self, rows: Sequence[UndoWork[NumberRow]], params: NumberParams
    ) -> Sequence[Problem | None]:
        known = self._known([item.row.name for item in rows])
        return [_problem(item, known.get(item.row.name, (0, 0))[1]) for item in rows]

    def undo(self, rows: Sequence[UndoWork[NumberRow]], params: NumberParams) -> Sequence[Outcome]:
        interrupt, NumberThings.interrupt = NumberThings.interrupt, None
        if interrupt is not None:
            interrupt()
        problems = self.check_undo(rows, params)
        known = self._known([item.row.name for item in rows])
        wanted = {
            item.row.name: (item.undo_facts or {})["number"]
            for item, problem in zip(rows, problems, strict=True)
            if problem is None
        }
        self._write(wanted, known)
        return [
            Outcome.refused(problem.code, problem.message)
            if problem is not None
            else Outcome(state=RowState.DONE, record_id=item.record_id)
            for item, problem in zip(rows, problems, strict=True)
        ]

    @staticmethod
    def _known(names: Sequence[str]) -> dict[str, tuple[int, int]]:
        found = db.session.execute(select(Thing.name, Thing.id, Thing.number).where(Thing.name.in_(names)))
        return {name: (key, number) for name, key, number in found}

    @staticmethod
    def _write(wanted: Mapping[str, int], known: Mapping[str, Any]) -> None:
        fresh = [{"name": k, "number": n} for k, n in wanted.items() if k not in known and n]
        changed = [{"wanted": k, "new": n} for k, n in wanted.items() if k in known and n]
        if fresh:
            db.session.execute(insert(Thing), fresh)
        if changed:
            things: Any = Thing.__table__
            statement = update(things).where(things.c.name == bindparam("wanted"))
            db.session.execute(statement.values(number=bindparam("new")), changed)
        gone = [name for name, number in wanted.items() if not number]
        db.session.execute(delete(Thing).where(Thing.name.in_(gone)))


def _plan(row: NumberRow, known: tuple[int, int] | None) -> Plan:
    if known is None:
        return Plan(action=Action.CREATE, after={"number": row.number})
    if not row.number:
        return Plan(action=Action.REMOVE, before={"number": known[1]})
    return Plan(action=Action.UPDATE, before={"number": known[1]}, after={"number": row.number})


def _problem(item: UndoWork[NumberRow], number: int) -> Problem | None:
    if str(number) == item.version:
        return None
    return Problem(
        code="changed-since", message=f"{item.row.name} was numbered {number} since. It stays as it is."
    )
