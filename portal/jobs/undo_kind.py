"""The kind of a job that undoes another: the same engine, with rows, plan and apply turned round."""

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel
from sqlalchemy import select

from portal.jobs.kinds import AnyKind, JobFiles, RowJob, kind_named
from portal.jobs.models import Job, JobRow
from portal.jobs.rows import Brake, Outcome, Plan, Problem, SourceRow, UndoWork, Work
from portal.jobs.states import Action, Closing, RowState
from portal.kernel.db import db

#: Rows of the undone job read in one go.
PAGE_ROWS = 1000
ERASED = Problem(code="erased", message="Kept: the person was erased, and what was known of the row with it.")
_REVERSED = {Action.CREATE: Action.REMOVE, Action.REMOVE: Action.CREATE}


class UndoRow(BaseModel):
    """One row to undo, by its id in the job that did it."""

    row_id: uuid.UUID


def kind_of(job: Job) -> AnyKind:
    """Return the kind that works on the job: its own, or the reverse of it when the job undoes another.

    Raises:
        NotFound: when no loaded plugin declares it.
    """
    kind = kind_named(job.kind)
    if job.undoes_id is None or not isinstance(kind, RowJob):
        return kind
    return Undoing(kind, job.undoes_id)


class Undoing(RowJob[Any, UndoRow]):
    """Takes the done rows of one job, last first, and asks its kind to undo them."""

    Row = UndoRow

    def __init__(self, kind: RowJob[Any, Any], job_id: uuid.UUID) -> None:
        self._kind, self._job_id = kind, job_id
        # Attributes of the class everywhere else; here they follow the kind that is turned round.
        vars(self).update(
            name=kind.name,
            title=f"Undo: {kind.title}",
            Params=kind.Params,
            chunk_rows=kind.chunk_rows,
            seconds_per_row=kind.seconds_per_row,
            record_model=kind.record_model,
            subject_model=kind.subject_model,
        )

    def permission(self, params: Any) -> str:
        return self._kind.permission(params)

    def closes_portal(self, params: Any) -> Closing:
        usual = self._kind.closes_portal(params)
        return Closing.ON_REQUEST if usual is Closing.DEFAULT else usual

    def explain(self, params: Any) -> str:
        return f"Undo: {self._kind.explain(params)}"

    def brake_of(self, params: Any) -> Brake | None:
        """Return None: an undo only takes back what one job did, and keeps what was changed since."""
        return None

    @property
    def can_undo(self) -> bool:
        return False

    def rows(self, params: Any, files: JobFiles) -> Iterator[SourceRow[UndoRow]]:
        statement = (
            select(JobRow.id, JobRow.position, JobRow.subject, JobRow.label)
            # Without data: rows of people who were erased since; what is left of them stays.
            .where(JobRow.job_id == self._job_id, JobRow.state == RowState.DONE, JobRow.data.is_not(None))
            .order_by(JobRow.position.desc())
            .limit(PAGE_ROWS)
        )
        page = db.session.execute(statement).all()
        while page:
            for row in page:
                yield SourceRow(
                    row=UndoRow(row_id=row.id), key=str(row.id), subject=row.subject, label=row.label
                )
            page = db.session.execute(statement.where(JobRow.position < page[-1].position)).all()

    def plan(self, rows: Sequence[UndoRow], params: Any) -> Sequence[Plan]:
        found = self._undo_work([row.row_id for row in rows])
        problems = self._kind.check_undo(list(found.values()), params) if found else ()
        plans = {
            row_id: _plan(work, problem)
            for (row_id, work), problem in zip(found.items(), problems, strict=True)
        }
        erased = Plan(action=Action.REFUSE, code=ERASED.code, message=ERASED.message)
        return [plans.get(row.row_id, erased) for row in rows]

    def apply(self, work: Sequence[Work[UndoRow]], prepared: Any, params: Any) -> Sequence[Outcome]:
        found = self._undo_work([item.row.row_id for item in work])
        undone = self._kind.undo(list(found.values()), params) if found else ()
        outcomes = dict(zip(found, undone, strict=True))
        erased = Outcome.refused(ERASED.code, ERASED.message)
        return [outcomes.get(item.row.row_id, erased) for item in work]

    def record_endpoint(self) -> str | None:
        return self._kind.record_endpoint()

    def subject_endpoint(self) -> str | None:
        return self._kind.subject_endpoint()

    def _undo_work(self, row_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, UndoWork[Any]]:
        """Return row id → what was done, in the given order; rows that were erased since are absent."""
        statement = select(*_UNDONE).where(JobRow.id.in_(row_ids), JobRow.data.is_not(None))
        found = {row.id: row for row in db.session.execute(statement)}
        return {row_id: self._work(found[row_id]) for row_id in row_ids if row_id in found}

    def _work(self, row: Any) -> UndoWork[Any]:
        return UndoWork(
            job_id=self._job_id,
            row=self._kind.Row.model_validate(row.data),
            action=Action(row.action),
            done_at=row.ended_at,
            record_id=row.record_id,
            version=row.record_version,
            label=row.label,
            subject=row.subject,
            before=row.before,
            after=row.after,
            undo_facts=row.undo_facts,
            reserved=row.reserved,
        )


_UNDONE = (
    JobRow.id,
    JobRow.data,
    JobRow.action,
    JobRow.ended_at,
    JobRow.record_id,
    JobRow.record_version,
    JobRow.label,
    JobRow.subject,
    JobRow.before,
    JobRow.after,
    JobRow.undo_facts,
    JobRow.reserved,
)


def _plan(work: UndoWork[Any], problem: Problem | None) -> Plan:
    if problem is not None:
        return Plan(
            action=Action.REFUSE, code=problem.code, message=problem.message, record_id=work.record_id
        )
    action = _REVERSED.get(work.action, work.action)
    return Plan(
        action=action,
        before=work.after if action is not Action.REMOVE else None,
        after=work.before,
        version=work.version,
        record_id=work.record_id,
    )
