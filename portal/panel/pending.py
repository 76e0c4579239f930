"""The job that ties what a sign-in could not tie."""

import uuid
from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import BaseModel
from sqlalchemy import select

from portal.auth.attaching import attach_many
from portal.auth.identities import NewIdentity
from portal.auth.models import PendingIdentity, User
from portal.hooks.declarations import Schedule
from portal.jobs.kinds import JobFiles, Outcome, Plan, RowJob, SourceRow, Work
from portal.jobs.states import Action, RowState
from portal.kernel.db import db
from portal.panel.permissions import USERS_LINK


class AttachParams(BaseModel):
    """All that is pending, or one user's."""

    user_id: int | None = None


class PendingRow(BaseModel):
    """One pending identity."""

    pending_id: uuid.UUID


class AttachIdentities(RowJob[AttachParams, PendingRow]):
    """Ties what a sign-in could not tie; what fails again stays pending with the new reason."""

    name: ClassVar[str] = "portal.attach_identities"
    title: ClassVar[str] = "Try pending identities again"
    Params = AttachParams
    Row = PendingRow
    chunk_rows: ClassVar[int] = 50

    def permission(self, params: AttachParams) -> str:
        return USERS_LINK

    def rows(self, params: AttachParams, files: JobFiles) -> Iterator[SourceRow[PendingRow]]:
        statement = select(PendingIdentity).order_by(PendingIdentity.id)
        if params.user_id is not None:
            statement = statement.where(PendingIdentity.user_id == params.user_id)
        for item in db.session.scalars(statement):
            key = str(item.id)
            label = f"{item.external_id} ({item.provider})"
            yield SourceRow(row=PendingRow(pending_id=item.id), key=key, subject=key, label=label)

    def plan(self, rows: Sequence[PendingRow], params: AttachParams) -> Sequence[Plan]:
        found = _pending(rows)
        gone = Plan(action=Action.UNCHANGED, code="settled", message="It does not wait any more.")
        return [
            Plan(action=Action.CREATE, before={"problem": found[row.pending_id].problem})
            if row.pending_id in found
            else gone
            for row in rows
        ]

    def apply(
        self, work: Sequence[Work[PendingRow]], prepared: None, params: AttachParams
    ) -> Sequence[Outcome]:
        wanted = {
            key: NewIdentity(provider=item.provider, external_id=item.external_id, user_id=item.user_id)
            for key, item in _pending([item.row for item in work]).items()
        }
        tied = dict(zip(wanted, attach_many(list(wanted.values())), strict=True)) if wanted else {}
        db.session.expire_all()
        still = _pending([item.row for item in work])
        return [
            _outcome(wanted.get(key), still.get(key), is_tied=tied.get(key, False))
            for key in (item.row.pending_id for item in work)
        ]

    record_model: ClassVar[type[User]] = User

    def record_endpoint(self) -> str | None:
        return "users.details_view"


def _pending(rows: Sequence[PendingRow]) -> dict[uuid.UUID, PendingIdentity]:
    wanted = [row.pending_id for row in rows]
    found = db.session.scalars(select(PendingIdentity).where(PendingIdentity.id.in_(wanted)))
    return {item.id: item for item in found}


def _outcome(identity: NewIdentity | None, still: PendingIdentity | None, *, is_tied: bool) -> Outcome:
    if identity is None:
        return Outcome(state=RowState.UNCHANGED, code="settled", message="It does not wait any more.")
    record_id = str(identity.user_id)
    if is_tied:
        return Outcome(state=RowState.DONE, record_id=record_id)
    problem = still.problem if still is not None else ""
    return Outcome(state=RowState.FAILED, code="still-pending", message=problem, record_id=record_id)


ATTACH_SCHEDULE = Schedule(
    name="portal.attach_identities",
    title="Tie keys that a sign-in could not tie",
    cron="30 3 * * *",
    kind=AttachIdentities.name,
)
