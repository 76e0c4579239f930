"""What kinds and engine say to each other about rows: where one came from, what is planned, what was done."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel

from portal.jobs.states import Action, RowState

R = TypeVar("R", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a row is refused: a stable code, and a message that names column, value, rule and remedy."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class SourceRow(Generic[R]):
    """One row as it comes in.

    Args:
        row: The parsed row; None when ``problem`` says why it cannot be one.
        key: What makes it the same thing within the job; a second row with the key is refused as ``duplicate``.
        subject: What may be in one running job of the kind only (an applicant's id); None: nothing.
        label: How people recognise it in lists.
        cells: The uploaded cells, untouched and in order; None when nothing was uploaded.
        number: Of the row in its sheet, rising; it is the row's position in the job. None: rows are counted.
    """

    row: R | None
    key: str
    label: str
    subject: str | None = None
    cells: tuple[str, ...] | None = None
    problem: Problem | None = None
    number: int | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What applying a row will do, as far as reading can tell.

    ``version`` is whatever the kind wants to see unchanged when the preview is binding, ``record_id`` the id of
    the record that is there already.
    """

    action: Action
    code: str = ""
    message: str = ""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    version: str | None = None
    warning: str = ""
    record_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Work(Generic[R]):
    """A claimed row: ``binding`` means a person confirmed the preview, so a changed row is refused."""

    row_id: UUID
    position: int
    row: R
    action: Action
    seen_version: str | None
    binding: bool
    reserved: Mapping[str, Any] | None = None
    attempts: int = 1


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was done.

    Args:
        record_id: Id of the record that the row became or changed.
        version: The record's version after the change; an undo leaves alone what has another one.
        before, after: What was written, when it is not what the plan said; None: as planned.
        undo_facts: What an undo needs beside ``before``, as JSON can hold it; shown nowhere, kept as long as
            a job can be undone.
        keeps: Blobs that no record names any more and an undo may need; the sweeper leaves them as long.
    """

    state: RowState
    code: str = ""
    message: str = ""
    record_id: str | None = None
    version: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    undo_facts: Mapping[str, Any] | None = None
    keeps: tuple[str, ...] = ()

    @classmethod
    def refused(cls, code: str, message: str) -> "Outcome":
        return cls(state=RowState.REFUSED, code=code, message=message)


@dataclass(frozen=True, kw_only=True)
class UndoWork(Generic[R]):
    """A row that was done and shall be undone.

    Args:
        job_id: The job that did it, so that its own audit entries can be told from later ones.
        row: The row as it was applied.
        action: What was done.
        done_at: When.
        record_id, version, before, after, undo_facts: As its outcome said.
        reserved: What was reserved for it.
    """

    job_id: UUID
    row: R
    action: Action
    done_at: datetime
    record_id: str | None
    version: str | None
    label: str = ""
    subject: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    undo_facts: Mapping[str, Any] | None = None
    reserved: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Brake:
    """When a plan is so large that a second person must release it.

    It takes hold when at least ``minimum_rows`` rows and more than the share of the records there are
    (see ``RowJob.existing_count``) would be removed, or changed. None: any share is fine.
    """

    removed_share: float | None = None
    changed_share: float | None = None
    minimum_rows: int = 50


def chunked(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Cut a stream into lists of at most ``size``."""
    chunk: list[Any] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
