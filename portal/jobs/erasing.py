"""Takes what jobs remember of people out of them: rows, kept cells, uploaded sheets. The jobs and their counts stay."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import and_, bindparam, delete, func, or_, select, tuple_, update

from portal.hooks.events import RetiredUser
from portal.jobs.kinds import KINDS_KEY, RowJob
from portal.jobs.models import Job, JobFile, JobRow
from portal.jobs.schedules.models import ScheduleRun
from portal.jobs.states import ENDED, RowState
from portal.kernel.db import db
from portal.kernel.errors import Conflict

#: What stands in place of a row's label.
ERASED = "(erased)"
_QUIET = {"synchronize_session": False}


_jobs: Any = Job.__table__
_SET_MAKER = (
    update(_jobs).where(_jobs.c.actor_user_id == bindparam("person_id")).values(actor_name=bindparam("token"))
)
_SET_RELEASER = (
    update(_jobs)
    .where(_jobs.c.released_by_name == bindparam("person"))
    .values(released_by_name=bindparam("token"))
)
_runs: Any = ScheduleRun.__table__
_SET_ASKER = (
    update(_runs).where(_runs.c.asked_by_name == bindparam("person")).values(asked_by_name=bindparam("token"))
)
# Why a job was not released begins with who did not.
_SET_ERROR = (
    update(_jobs)
    .where(_jobs.c.error.startswith(bindparam("person"), autoescape=False))
    .values(error=func.replace(_jobs.c.error, bindparam("person"), bindparam("token")))
)


@dataclass(frozen=True)
class _Kinds:
    """Names of the kinds whose rows lead to a model: as the record that was made or changed, or as the subject."""

    by_record: list[str]
    by_subject: list[str]


def erase_rows(
    model: type, record_ids: Sequence[str], *, keys: Sequence[str] = (), erased_by: str = ""
) -> int:
    """Erase the rows of ended jobs that lead to these records, with the files of these jobs; return how many rows.

    Labels, cells, values before and after, and what an undo would need are removed; action, state and code stay, so
    counts and reports still hold. Such a row cannot be retried or undone. Seven statements for up to 500 records.
    Needs an open transaction; does not commit.

    Args:
        model: Of the records; kinds name it as their ``record_model`` or ``subject_model``.
        record_ids: Keys of the records as text, 1 to 500.
        keys: ``SourceRow.key`` of further rows of these kinds: rows that were refused lead to no record.
        erased_by: Name of the kind that is erasing now; its own rows may be in hand.

    Raises:
        Conflict: code ``in-open-job``, naming a job that has not ended and works with one of the records.
    """
    found = _rows(_kinds_of(model), record_ids, keys)
    for row in found:
        if row.job_state not in ENDED and row.kind != erased_by:
            raise Conflict(
                "in-open-job",
                f"The job {row.title!r} ({row.job_id}) has not ended and works with this record. "
                "Let it end, or throw it away, and try again.",
                {"job_id": str(row.job_id)},
            )
    rows = {row.id: row for row in [*found, *_twins(found)]}
    _blank([key for key, row in rows.items() if row.state != RowState.PENDING], data=None)
    _blank([key for key, row in rows.items() if row.state == RowState.PENDING], data={})
    _drop_files(list(rows.values()))
    return len(rows)


def erase_results(kind_name: str) -> int:
    """Remove the files that ended jobs of a kind have made (they can be made again); return how many.

    Needs an open transaction; does not commit. The bytes go with the next sweep.
    """
    ended = select(Job.id).where(Job.kind == kind_name, Job.state.in_(ENDED))
    done = db.session.execute(
        delete(JobFile).where(JobFile.job_id.in_(ended), JobFile.role == "result").execution_options(**_QUIET)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def rename_people(users: Sequence[RetiredUser]) -> None:
    """Put tokens in place of the names of people who made or released jobs. A fixed number of statements.

    A name that somebody else has too is left where only the name says who it was.
    """
    if not users:
        return
    by_id = [{"person_id": user.user_id, "token": user.token} for user in users]
    by_name = [
        {"person": name, "token": user.token}
        for user in users
        if not user.name_is_shared
        for name in user.names
    ]
    db.session.execute(_SET_MAKER, by_id)
    if by_name:
        db.session.execute(_SET_RELEASER, by_name)
        db.session.execute(_SET_ERROR, by_name)
        db.session.execute(_SET_ASKER, by_name)


def _kinds_of(model: type) -> _Kinds:
    kinds: dict[str, Any] = current_app.extensions[KINDS_KEY]
    row_kinds = {name: kind for name, kind in kinds.items() if isinstance(kind, RowJob)}
    return _Kinds(
        [name for name, kind in row_kinds.items() if kind.record_model is model],
        [name for name, kind in row_kinds.items() if kind.subject_model is model],
    )


_COLUMNS = (
    JobRow.id,
    JobRow.job_id,
    JobRow.kind,
    JobRow.key,
    JobRow.state,
    JobRow.undo_facts,
    Job.title,
    Job.state.label("job_state"),
    Job.source_read,
)


def _rows(kinds: _Kinds, record_ids: Sequence[str], keys: Sequence[str]) -> Sequence[Any]:
    statement = select(*_COLUMNS).join(Job, Job.id == JobRow.job_id)
    found = list(
        db.session.execute(
            statement.where(
                or_(
                    and_(JobRow.kind.in_(kinds.by_record), JobRow.record_id.in_(record_ids)),
                    and_(JobRow.kind.in_(kinds.by_subject), JobRow.subject.in_(record_ids)),
                )
            )
        )
    )
    if keys:
        # Through the jobs of the kinds, because rows have an index by job and key only.
        jobs = select(Job.id).where(Job.kind.in_({*kinds.by_record, *kinds.by_subject}))
        found += db.session.execute(statement.where(JobRow.job_id.in_(jobs), JobRow.key.in_(keys)))
    return found


def _twins(found: Sequence[Any]) -> Sequence[Any]:
    """Return all rows of these jobs that have the same key: a second line about the same person was refused."""
    pairs = {(row.job_id, row.key) for row in found}
    if not pairs:
        return []
    return db.session.execute(
        select(*_COLUMNS)
        .join(Job, Job.id == JobRow.job_id)
        .where(tuple_(JobRow.job_id, JobRow.key).in_(pairs))
    ).all()


def _blank(row_ids: Sequence[uuid.UUID], data: dict[str, Any] | None) -> None:
    if not row_ids:
        return
    db.session.execute(
        update(JobRow)
        .where(JobRow.id.in_(row_ids))
        .values(
            key=ERASED,
            label=ERASED,
            subject=None,
            data=data,
            cells=None,
            before=None,
            after=None,
            undo_facts=None,
            reserved=None,
            message="",
            warning="",
            active=False,
        )
        .execution_options(**_QUIET)
    )


def _drop_files(rows: Sequence[Any]) -> None:
    """Remove uploads and results of these jobs, and of what is kept for an undo the files of these rows."""
    # A job that is still being planned reads its sheet; it is one of the erasing kind.
    jobs = {row.job_id for row in rows if row.source_read or row.job_state in ENDED}
    if not jobs:
        return
    facts = json.dumps([row.undo_facts for row in rows if row.undo_facts])
    kept = db.session.execute(
        select(JobFile.id, JobFile.sha256).where(JobFile.job_id.in_(jobs), JobFile.role == "undo")
    )
    mine = [file_id for file_id, sha256 in kept if sha256 in facts]
    db.session.execute(
        delete(JobFile)
        .where(
            or_(and_(JobFile.job_id.in_(jobs), JobFile.role.in_(("input", "result"))), JobFile.id.in_(mine))
        )
        .execution_options(**_QUIET)
    )
