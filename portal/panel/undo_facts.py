"""What a job's page says about undoing it, about the brake, and which records its rows lead to."""

import uuid
from collections.abc import Collection, Sequence
from functools import cached_property

from flask import url_for
from sqlalchemy import select
from werkzeug.routing import BuildError

from portal.access.policy import may
from portal.jobs import authority
from portal.jobs.kinds import AnyKind, RowJob
from portal.jobs.models import Job, JobRow
from portal.jobs.queue_health import why_waiting
from portal.jobs.states import Action, JobState, RowState
from portal.jobs.undo import reverse_of, undo_of
from portal.jobs.undo_kind import kind_of
from portal.kernel.actor import current_actor
from portal.kernel.db import db
from portal.kernel.errors import Conflict, NotFound
from portal.panel.permissions import JOBS_RELEASE

#: What the outcomes of an undo are called.
UNDO_WORDS = {"done": "undone", "refused": "kept"}


class UndoFacts:
    """The part of a job's facts that is about taking it back and letting it go; mixed into ``JobFacts``."""

    job: Job

    @cached_property
    def kind(self) -> AnyKind | None:
        """The kind, or None when its plugin is not loaded now."""
        try:
            return kind_of(self.job)
        except NotFound:
            return None

    @property
    def may_change(self) -> bool:
        """Whether the actor may start, cancel, resume, retry and undo it."""
        return self.kind is not None and authority.may_change(self.job, current_actor())

    @cached_property
    def undone_by(self) -> Job | None:
        """The job that takes this one back."""
        return undo_of(self.job.id)

    @cached_property
    def undoes(self) -> Job | None:
        """The job that this one takes back."""
        return db.session.get(Job, self.job.undoes_id) if self.job.undoes_id is not None else None

    @property
    def may_undo(self) -> bool:
        if self.kind is None or self.undone_by is not None or not self.may_change:
            return False
        try:
            reverse_of(self.job, self.kind)
        except Conflict:
            return False
        return True

    @property
    def is_undo(self) -> bool:
        return self.job.undoes_id is not None

    @property
    def row_words(self) -> dict[str, str]:
        """Row state → what it is called on the page, where that is another word."""
        return UNDO_WORDS if self.is_undo else {}

    def undone_rows(self, rows: Sequence[JobRow]) -> set[uuid.UUID]:
        """Return which of these rows were taken back. One statement, or none."""
        if self.undone_by is None or not rows:
            return set()
        found = select(JobRow.key).where(
            JobRow.job_id == self.undone_by.id,
            JobRow.state == RowState.DONE,
            JobRow.key.in_([str(row.id) for row in rows]),
        )
        return {uuid.UUID(key) for key in db.session.scalars(found)}

    @property
    def may_release(self) -> bool:
        """Whether the actor may let a held job go, or stop it for good."""
        actor = current_actor()
        held = self.job.state == JobState.AWAITING_APPROVAL
        return held and may(actor, JOBS_RELEASE) and authority.is_second_person(self.job, actor)

    @property
    def waiting_reason(self) -> str:
        return why_waiting(self.job)

    def record_url(self, row: JobRow, undone: Collection[uuid.UUID] = ()) -> str | None:
        """Return the address of the record that the row made or changed, else of what it is about, or None.

        Args:
            undone: Rows that were taken back: what they made is gone.
        """
        if not isinstance(self.kind, RowJob):
            return None
        left_by = Action.CREATE if row.id in undone else Action.REMOVE
        is_gone = row.action == left_by and row.state == RowState.DONE
        if row.record_id is not None and not is_gone:
            return page_of_record(self.kind.record_endpoint(), row.record_id)
        return page_of_record(self.kind.subject_endpoint(), row.subject) if row.subject is not None else None


def page_of_record(endpoint: str | None, record_id: str) -> str | None:
    """Return the address of a record's page, or None when the endpoint does not exist."""
    if endpoint is None:
        return None
    try:
        return url_for(endpoint, id=record_id)
    except BuildError:
        return None
