"""The job that ties users to the keys of other systems, or unties them, from a sheet; with undo."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, Field

from portal.auth.identities import (
    MAX_PROVIDER,
    MAX_REASON,
    NewIdentity,
    checked_identity,
    link_identities_many,
    owners_of,
    unlink_identities_many,
)
from portal.auth.models import User
from portal.auth.naming import FoundUser, NamedUser, find_users
from portal.jobs.kinds import (
    Column,
    Outcome,
    Plan,
    Problem,
    SheetJob,
    SourceRow,
    Work,
)
from portal.jobs.rows import Brake, UndoWork
from portal.jobs.states import Action, RowState
from portal.kernel.errors import InvalidInput
from portal.panel.permissions import USERS_LINK

USER_PAGE = "users.details_view"
_NAMES = ("sign_in_name", "email", "user_id")


class LinkMode(StrEnum):
    """What the sheet does."""

    LINK = "link"
    UNLINK = "unlink"


class LinkParams(BaseModel):
    """What to do with the sheet."""

    mode: LinkMode = Field(LinkMode.LINK, title="What to do")
    provider: str = Field(
        "",
        max_length=MAX_PROVIDER,
        title="System",
        description="Whose keys these are, for rows that do not say it: then the sheet needs no column for it.",
    )
    reason: str = Field(
        "", max_length=MAX_REASON, title="Why", description="Needed to untie; kept in the audit record."
    )


class LinkRow(BaseModel):
    """One key of one user."""

    provider: str
    external_id: str
    sign_in_name: str = ""
    email: str = ""
    user_id: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.provider, self.external_id

    @property
    def named(self) -> NamedUser:
        return NamedUser(sign_in_name=self.sign_in_name, email=self.email, user_id=self.user_id)


class LinkIdentities(SheetJob[LinkParams, LinkRow]):
    """Ties (or unties) external keys to users, row by row; each row says by which column it names its user."""

    name: ClassVar[str] = "portal.link_identities"
    title: ClassVar[str] = "Link identities"
    introduction: ClassVar[str] = (
        "One row for each key by which another system knows a user. A key belongs to one user: one that is another "
        "user's is refused, never moved."
    )
    Params = LinkParams
    Row = LinkRow
    chunk_rows: ClassVar[int] = 500
    seconds_per_row: ClassVar[float] = 0.001

    def permission(self, params: LinkParams) -> str:
        return USERS_LINK

    def explain(self, params: LinkParams) -> str:
        where = f" of {params.provider}" if params.provider else ""
        return f"Unlink keys{where}" if params.mode is LinkMode.UNLINK else f"Link keys{where}"

    def brake_of(self, params: LinkParams) -> Brake | None:
        """Return a brake for a sheet that unties many keys."""
        return Brake(removed_share=0.2) if params.mode is LinkMode.UNLINK else None

    def param_choices(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        return {
            "mode": (
                (LinkMode.LINK.value, "Tie the keys to the users"),
                (LinkMode.UNLINK.value, "Untie the keys from the users"),
            )
        }

    def columns(self, params: LinkParams) -> Sequence[Column]:
        return (
            Column(
                "provider",
                "System",
                required=not params.provider,
                description="Whose key it is, such as library or partner-university.",
                examples=("library",),
                aliases=("system", "identity provider", "source"),
            ),
            Column(
                "external_id",
                "Key there",
                required=True,
                description="The key by which that system knows the person.",
                examples=("A0017",),
                is_identifier=True,
                aliases=("key", "external key", "external user key", "student key"),
            ),
            Column(
                "sign_in_name",
                "Sign-in name",
                description="Names the user; or use one of the next two columns.",
                examples=("K1000000",),
                is_identifier=True,
                aliases=("student number", "username", "login"),
            ),
            Column(
                "email", "E-mail", description="Names the user; must be one user's only.", aliases=("mail",)
            ),
            Column(
                "user_id", "User number", description="Names the user by the number in the panel's address."
            ),
        )

    def check_fields(self, fields: Collection[str], params: LinkParams) -> None:
        """Refuse a sheet without a column that names the user, and an unlinking without a reason.

        Raises:
            InvalidInput: ``column-missing`` or ``reason-missing``.
        """
        super().check_fields(fields, params)
        if not set(_NAMES) & set(fields):
            raise InvalidInput(
                "column-missing",
                "The sheet needs a column that says whose key it is: sign_in_name, email or user_id.",
                {"fields": list(_NAMES)},
            )
        if params.mode is LinkMode.UNLINK and not params.reason.strip():
            raise InvalidInput(
                "reason-missing",
                "Say why these keys are unlinked; it stays in the audit record.",
                {"field": "reason"},
            )

    def source_row(self, values: Mapping[str, str], number: int, params: LinkParams) -> SourceRow[LinkRow]:
        provider = values.get("provider", "") or params.provider
        row = LinkRow(
            provider=provider,
            external_id=values.get("external_id", ""),
            **{name: values.get(name, "") for name in _NAMES},
        )
        label = f"{row.external_id} ({row.provider}) – {row.named}"
        key = f"{row.provider} {row.external_id}"
        try:
            checked_identity(row.provider, row.external_id, 0)
        except InvalidInput as problem:
            column = problem.facts.get("field", "")
            message = f"Row {number}, column {column}: {problem.message}"
            found = Problem(code=problem.code, message=message)
            return SourceRow(row=None, key=f"row {number}", label=label, problem=found)
        return SourceRow(row=row, key=key, subject=hashlib.sha256(key.encode()).hexdigest()[:40], label=label)

    def plan(self, rows: Sequence[LinkRow], params: LinkParams) -> Sequence[Plan]:
        return [_plan(row, *judged, params.mode) for row, judged in zip(rows, _judge(rows), strict=True)]

    def apply(self, work: Sequence[Work[LinkRow]], prepared: None, params: LinkParams) -> Sequence[Outcome]:
        rows = [item.row for item in work]
        judged = _judge(rows)
        plans = [
            _plan(row, user, owner, params.mode) for row, (user, owner) in zip(rows, judged, strict=True)
        ]
        todo = [
            NewIdentity(provider=row.provider, external_id=row.external_id, user_id=user.user_id or 0)
            for row, (user, _), plan in zip(rows, judged, plans, strict=True)
            if plan.action in (Action.CREATE, Action.REMOVE)
        ]
        if params.mode is LinkMode.UNLINK:
            unlink_identities_many(todo, params.reason)
        else:
            link_identities_many(todo, params.reason or "from a sheet")
        return [_outcome(plan, user) for plan, (user, _) in zip(plans, judged, strict=True)]

    def check_undo(self, rows: Sequence[UndoWork[LinkRow]], params: LinkParams) -> Sequence[Problem | None]:
        owners = owners_of(item.row.key for item in rows)
        return [_undo_problem(item, owners.get(item.row.key)) for item in rows]

    def undo(self, rows: Sequence[UndoWork[LinkRow]], params: LinkParams) -> Sequence[Outcome]:
        problems = self.check_undo(rows, params)
        back = [
            NewIdentity(
                provider=item.row.provider, external_id=item.row.external_id, user_id=int(item.record_id or 0)
            )
            for item, problem in zip(rows, problems, strict=True)
            if problem is None
        ]
        if params.mode is LinkMode.UNLINK:
            link_identities_many(back, "undo of unlinking")
        elif back:
            unlink_identities_many(back, "undo of linking")
        return [
            Outcome.refused(problem.code, problem.message)
            if problem is not None
            else Outcome(state=RowState.DONE, record_id=item.record_id)
            for item, problem in zip(rows, problems, strict=True)
        ]

    record_model: ClassVar[type[User]] = User

    def record_endpoint(self) -> str | None:
        return USER_PAGE


def _judge(rows: Sequence[LinkRow]) -> list[tuple[FoundUser, int | None]]:
    """Return for each row the user it names and who has the key now. At most four statements for 500 rows."""
    users = find_users([row.named for row in rows])
    owners = owners_of(row.key for row in rows)
    return [(user, owners.get(row.key)) for row, user in zip(rows, users, strict=True)]


def _plan(row: LinkRow, user: FoundUser, owner: int | None, mode: LinkMode) -> Plan:
    if user.user_id is None:
        return Plan(action=Action.REFUSE, code=user.code, message=user.message)
    if owner is not None and owner != user.user_id:
        message = (
            f"{row.external_id} of {row.provider} belongs to another user (number {owner}). "
            "Unlink it there first, with a reason."
        )
        return Plan(action=Action.REFUSE, code="linked-to-other", message=message)
    shown = {"user": user.name, "provider": row.provider, "external_id": row.external_id}
    if mode is LinkMode.UNLINK:
        if owner is None:
            return Plan(action=Action.UNCHANGED)
        return Plan(action=Action.REMOVE, before=shown)
    if user.is_retired:
        return Plan(
            action=Action.REFUSE,
            code="user-retired",
            message="This user was erased; nothing can be tied to it.",
        )
    if not user.is_active:
        message = f"{user.name} is switched off. Switch the user on first, or remove the row."
        return Plan(action=Action.REFUSE, code="user-switched-off", message=message)
    return Plan(action=Action.UNCHANGED) if owner is not None else Plan(action=Action.CREATE, after=shown)


def _outcome(plan: Plan, user: FoundUser) -> Outcome:
    if plan.action is Action.REFUSE:
        return Outcome.refused(plan.code, plan.message)
    state = RowState.UNCHANGED if plan.action is Action.UNCHANGED else RowState.DONE
    return Outcome(state=state, record_id=str(user.user_id))


def _undo_problem(item: UndoWork[LinkRow], owner: int | None) -> Problem | None:
    mine = int(item.record_id or 0)
    if item.action is Action.REMOVE:
        if owner is None:
            return None
        return Problem(
            code="linked-since", message=f"The key was linked again since, to the user number {owner}."
        )
    if owner == mine:
        return None
    where = f"to the user number {owner}" if owner is not None else "to nobody"
    return Problem(code="changed-since", message=f"The key is linked {where} now; somebody changed it since.")
