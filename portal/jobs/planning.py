"""Reads a job's source, asks the kind what each row will do, and stores rows with their plans."""

import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import BaseModel
from sqlalchemy import CompoundSelect, delete, insert, select, union_all, update

from portal.jobs.kinds import JobFiles, Plan, RowJob, SourceRow, chunked
from portal.jobs.leases import take_job
from portal.jobs.models import Job, JobFile, JobRow
from portal.jobs.sheets.reading import Reading
from portal.jobs.states import Action, JobState, RowState
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict
from portal.kernel.ids import new_id
from portal.kernel.transaction import run_in_transaction

#: Rows planned in one go, and the most that are planned on the spot.
PLAN_ROWS = 500

Kind = RowJob[Any, Any]


def files_of(job_id: uuid.UUID) -> JobFiles:
    """Return the job's uploaded files."""
    found = db.session.execute(
        select(JobFile.name, JobFile.sha256).where(JobFile.job_id == job_id, JobFile.role == "input")
    )
    reading = db.session.scalar(select(Job.reading).where(Job.id == job_id))
    return JobFiles(
        shas={row.name: row.sha256 for row in found},
        reading=Reading.model_validate(reading) if reading is not None else None,
    )


def planned_rows(
    kind: Kind, params: BaseModel, rows: Sequence[SourceRow[Any]], seen: set[str]
) -> list[dict[str, Any]]:
    """Return the values of ``JobRow`` (without job and position) for a chunk of source rows. Reads only.

    Args:
        seen: Keys and subjects of earlier rows of the job (as ``k:…`` and ``s:…``); this chunk's are added.
    """
    duplicates = set()
    for index, row in enumerate(rows):
        names = {f"k:{row.key}"} | ({f"s:{row.subject}"} if row.subject else set())
        if row.problem is None and names & seen:
            duplicates.add(index)
        if row.problem is None:
            seen |= names
    to_plan = [
        i for i, row in enumerate(rows) if row.row is not None and i not in duplicates and row.problem is None
    ]
    plans = (
        dict(zip(to_plan, kind.plan([rows[i].row for i in to_plan], params), strict=True)) if to_plan else {}
    )
    return [
        _row_values(row, _plan_of(row, plans.get(index), index in duplicates))
        for index, row in enumerate(rows)
    ]


def _plan_of(row: SourceRow[Any], plan: Plan | None, is_duplicate: bool) -> Plan:
    if row.problem is not None:
        return Plan(action=Action.REFUSE, code=row.problem.code, message=row.problem.message)
    if is_duplicate:
        message = f"{row.label} is in this job twice. The first row counts; remove this one."
        return Plan(action=Action.REFUSE, code="duplicate", message=message)
    if plan is None:
        raise AssertionError("a row without problem has a plan")
    return plan


def plan_values(plan: Plan) -> dict[str, Any]:
    """Return the columns of ``JobRow`` that a plan decides."""
    states = {Action.REFUSE: RowState.REFUSED, Action.UNCHANGED: RowState.UNCHANGED}
    return {
        "action": plan.action,
        "state": states.get(plan.action, RowState.PENDING),
        "code": plan.code,
        "message": plan.message,
        "before": dict(plan.before) if plan.before is not None else None,
        "after": dict(plan.after) if plan.after is not None else None,
        "warning": plan.warning,
        "seen_version": plan.version,
        "record_id": plan.record_id,
    }


def _row_values(row: SourceRow[Any], plan: Plan) -> dict[str, Any]:
    return {
        "key": row.key[:300],
        "subject": row.subject,
        "label": row.label[:300],
        "data": row.row.model_dump(mode="json") if row.row is not None else None,
        "cells": list(row.cells) if row.cells is not None else None,
        **({"position": row.number} if row.number is not None else {}),
        **plan_values(plan),
    }


def insert_rows(
    job_id: uuid.UUID, kind_name: str, first_position: int, values: Sequence[Mapping[str, Any]]
) -> None:
    """Store planned rows and count them on the job. Needs an open transaction; two statements."""
    rows = [
        {"id": new_id(), "job_id": job_id, "kind": kind_name, "position": first_position + offset, **item}
        for offset, item in enumerate(values)
    ]
    if not rows:
        return
    # Nulls are written out, so that refused rows and planned ones go in one statement.
    db.session.execute(insert(JobRow).execution_options(render_nulls=True), rows)
    states = [item["state"] for item in values]
    db.session.execute(
        update(Job)
        .where(Job.id == job_id)
        .values(
            rows_count=Job.rows_count + len(rows),
            pending_count=Job.pending_count + states.count(RowState.PENDING),
            unchanged_count=Job.unchanged_count + states.count(RowState.UNCHANGED),
            refused_count=Job.refused_count + states.count(RowState.REFUSED),
        )
        .execution_options(synchronize_session=False)
    )


class LostLease(Conflict):
    """Another worker has taken this job over; stop quietly."""

    def __init__(self) -> None:
        super().__init__("lost-lease", "Another worker goes on with this job.")


def plan_source(job_id: uuid.UUID, kind: Kind, params: BaseModel, owner: str) -> None:
    """Plan the whole source in chunks, one transaction each; from the start again after a crash.

    Raises:
        LostLease: when another worker took over.
        PortalError: when the source cannot be read at all (a wrong header).
    """
    run_in_transaction(lambda: _forget_rows(job_id, owner))
    files = files_of(job_id)
    position = 1
    for chunk in chunked(kind.rows(params, files), PLAN_ROWS):
        values = planned_rows(kind, params, chunk, _seen(job_id, chunk))
        run_in_transaction(partial(_store_chunk, job_id, kind.name, owner, position, values))
        position += len(chunk)


def _forget_rows(job_id: uuid.UUID, owner: str) -> None:
    _keep_lease(job_id, owner)
    db.session.execute(
        delete(JobRow).where(JobRow.job_id == job_id).execution_options(synchronize_session=False)
    )
    zero = dict.fromkeys(("rows_count", "pending_count", "unchanged_count", "refused_count"), 0)
    db.session.execute(update(Job).where(Job.id == job_id).values(**zero))


def _store_chunk(
    job_id: uuid.UUID, kind: str, owner: str, first: int, values: Sequence[Mapping[str, Any]]
) -> None:
    _keep_lease(job_id, owner)
    insert_rows(job_id, kind, first, values)


def _keep_lease(job_id: uuid.UUID, owner: str) -> None:
    if not take_job(job_id, owner, JobState.PLANNING):
        raise LostLease
    if db.session.scalar(select(Job.cancel_requested_at).where(Job.id == job_id)) is not None:
        raise LostLease


def earlier_rows(job_id: uuid.UUID, keys: Sequence[str], subjects: Sequence[str]) -> CompoundSelect[Any]:
    """Return the SELECT of key and subject of a job's rows that have one of these.

    Two selects, each from its index: with an OR between them SQLite would read all rows of the job for every chunk.
    """
    earlier = select(JobRow.key, JobRow.subject).where(JobRow.job_id == job_id, JobRow.data.is_not(None))
    by_subject = [earlier.where(JobRow.subject.in_(subjects))] if subjects else []
    return union_all(earlier.where(JobRow.key.in_(keys)), *by_subject)


def _seen(job_id: uuid.UUID, chunk: Sequence[SourceRow[Any]]) -> set[str]:
    """Return which keys and subjects of the chunk earlier rows of this job have."""
    keys = [row.key for row in chunk]
    subjects = [row.subject for row in chunk if row.subject]
    seen: set[str] = set()
    for key, subject in db.session.execute(earlier_rows(job_id, keys, subjects)):
        seen |= {f"k:{key}"} | ({f"s:{subject}"} if subject else set())
    return seen


def plan_again(job_id: uuid.UUID, kind: Kind, params: BaseModel, owner: str) -> None:
    """Plan the rows that a retry has put back (those without an action), in chunks."""
    while True:
        rows = db.session.execute(
            select(JobRow.id, JobRow.data)
            .where(JobRow.job_id == job_id, JobRow.state == RowState.PENDING, JobRow.action == "")
            .order_by(JobRow.position)
            .limit(PLAN_ROWS)
        ).all()
        if not rows:
            return
        plans = kind.plan([kind.Row.model_validate(data) for _, data in rows], params)
        values = [
            {"row_id": row_id, **plan_values(plan)} for (row_id, _), plan in zip(rows, plans, strict=True)
        ]
        run_in_transaction(partial(_store_plans, job_id, owner, values))


def _store_plans(job_id: uuid.UUID, owner: str, values: Sequence[Mapping[str, Any]]) -> None:
    _keep_lease(job_id, owner)
    update_rows(values)


def update_rows(values: Sequence[Mapping[str, Any]]) -> None:
    """Write columns of many rows by ``row_id``, one executemany per set of columns. Needs an open transaction."""
    changes = [{"id": item["row_id"], **{k: v for k, v in item.items() if k != "row_id"}} for item in values]
    # Rows with the same columns side by side go in one statement.
    db.session.execute(update(JobRow), sorted(changes, key=sorted))


def finish_planning(job_id: uuid.UUID) -> None:
    """Mark the plan as complete. Needs an open transaction."""
    db.session.execute(
        update(Job)
        .where(Job.id == job_id)
        .values(
            state=JobState.PLANNED, planned_at=utc_now(), source_read=True, lease_owner=None, lease_until=None
        )
    )
