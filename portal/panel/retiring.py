"""The job that erases people: what it refuses, what it tells the plugins, and what is left of a user."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel
from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import selectinload

from portal.access.policy import may
from portal.audit.erasing import former_values
from portal.auth.identities import identities_by_user
from portal.auth.models import User, normal_email, sign_in_key
from portal.auth.naming import FoundUser, NamedUser, find_users
from portal.auth.retiring import erase_users, retirement_token, retiring, shared_addresses
from portal.hooks.events import RetiredUser, UsersRetired
from portal.hooks.manager import emit_reaction
from portal.jobs.erasing import ERASED, erase_rows
from portal.jobs.erasing import rename_people as rename_in_jobs
from portal.jobs.kinds import Column, Outcome, Plan, SheetJob, SourceRow, Work
from portal.jobs.models import JobRow
from portal.jobs.rows import Brake
from portal.jobs.states import Action, RowState
from portal.kernel.actor import current_actor
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import InvalidInput
from portal.mail.forgetting import forget_mail
from portal.maintenance.erasing import rename_people as rename_in_windows
from portal.panel.permissions import USERS_RETIRE

NAME = "portal.retire_users"
_NAMES = ("sign_in_name", "email", "user_id")
_rows: Any = JobRow.__table__
_FORGET_ROW = (
    update(_rows)
    .where(_rows.c.id == bindparam("row_key"))
    .values(label=bindparam("token"), key=ERASED, data={}, cells=None, before=None, after=None, message="")
)


class RetireParams(BaseModel):
    """Nothing to choose: what is kept and what goes is the same for everybody."""


class RetireRow(BaseModel):
    """One person, named in one of three ways."""

    sign_in_name: str = ""
    email: str = ""
    user_id: str = ""

    @property
    def named(self) -> NamedUser:
        return NamedUser(sign_in_name=self.sign_in_name, email=self.email, user_id=self.user_id)


class RetireUsers(SheetJob[RetireParams, RetireRow]):
    """Erases people: name, address, ways to sign in, files; plugins pseudonymise what must be kept."""

    name: ClassVar[str] = NAME
    title: ClassVar[str] = "Retire users"
    introduction: ClassVar[str] = (
        "One row for each person to be erased for good. Names, addresses, photos and letters go; records that must be "
        "kept stay under a token. It cannot be undone, also not by the people who run the portal."
    )
    Params = RetireParams
    Row = RetireRow
    chunk_rows: ClassVar[int] = 100
    seconds_per_row: ClassVar[float] = 0.02
    brake: ClassVar[Brake | None] = Brake(removed_share=0.05)
    warning_template: ClassVar[str | None] = "panel/retire_warning.html"
    record_model: ClassVar[type[User]] = User

    def permission(self, params: RetireParams) -> str:
        return USERS_RETIRE

    def existing_count(self, params: RetireParams) -> int | None:
        """Return how many people there are, so that a sheet with everybody in it needs a second person."""
        return db.session.scalar(select(func.count()).select_from(User).where(User.retired_at.is_(None)))

    def columns(self, params: RetireParams) -> Sequence[Column]:
        return (
            Column(
                "sign_in_name",
                "Sign-in name",
                description="Names the person; or use one of the other columns.",
                examples=("K1000000",),
                is_identifier=True,
                aliases=("student number", "username", "login"),
            ),
            Column(
                "email", "E-mail", description="Names the person; must be one user's only.", aliases=("mail",)
            ),
            Column(
                "user_id", "User number", description="Names the person by the number in the panel's address."
            ),
        )

    def check_fields(self, fields: Collection[str], params: RetireParams) -> None:
        """Refuse a sheet that names nobody.

        Raises:
            InvalidInput: ``column-missing``.
        """
        if not set(_NAMES) & set(fields):
            raise InvalidInput(
                "column-missing",
                "The sheet needs a column that says who: sign_in_name, email or user_id.",
                {"fields": list(_NAMES)},
            )

    def source_row(
        self, values: Mapping[str, str], number: int, params: RetireParams
    ) -> SourceRow[RetireRow]:
        row = RetireRow(**{name: values.get(name, "") for name in _NAMES})
        return SourceRow(row=row, key=_key(row), label=str(row.named))

    def plan(self, rows: Sequence[RetireRow], params: RetireParams) -> Sequence[Plan]:
        found = find_users([row.named for row in rows])
        users = _users(found)
        return [_plan(item, users.get(item.user_id or 0)) for item in found]

    def apply(
        self, work: Sequence[Work[RetireRow]], prepared: None, params: RetireParams
    ) -> Sequence[Outcome]:
        found = find_users([item.row.named for item in work])
        users = _users(found, lock=True)
        plans = [_plan(item, users.get(item.user_id or 0)) for item in found]
        chosen = {
            item.user_id or 0: users[item.user_id or 0]
            for item, plan in zip(found, plans, strict=True)
            if plan.action is Action.REMOVE
        }
        retire_users(list(chosen.values()))
        gone = [
            item
            for item, plan in zip(zip(work, found, strict=True), plans, strict=True)
            if plan.action is Action.REMOVE
        ]
        if gone:
            db.session.execute(
                _FORGET_ROW,
                [
                    {"row_key": item.row_id, "token": retirement_token(user.user_id or 0)}
                    for item, user in gone
                ],
            )
        return [_outcome(plan, item) for plan, item in zip(plans, found, strict=True)]

    def record_endpoint(self) -> str | None:
        return "users.details_view"


def retire_users(users: Sequence[User]) -> None:
    """Erase 1 to 500 people. Needs an open transaction; does not commit. Emits ``portal_user_retired``.

    Raises:
        Conflict: code ``in-open-job``, when a job that has not ended works with one of them.
        PluginReactionFailed: a plugin refused; the transaction must roll back.
    """
    if not users:
        return
    at, told = utc_now(), retiring(users)
    emit_reaction("portal_user_retired", event=UsersRetired(users=told, at=at))
    ids = [user.user_id for user in told]
    keys = [
        f"{item.provider} {item.external_id}" for items in identities_by_user(ids).values() for item in items
    ]
    erase_rows(User, [str(user_id) for user_id in ids], keys=[*keys, *_keys_of(told)], erased_by=NAME)
    rename_in_jobs(told)
    rename_in_windows(told)
    _forget_mail(told)
    erase_users(told, at)


def _forget_mail(users: Sequence[RetiredUser]) -> None:
    ids = [str(user.user_id) for user in users]
    emails = {user.email for user in users if user.email} | former_values(User.__tablename__, ids, "email")
    shared = shared_addresses(sorted(emails), [user.user_id for user in users]) if emails else frozenset()
    forget_mail(
        sorted(emails - shared),
        shared=sorted(shared),
        names=[name for user in users for name in (user.name, user.sign_in_name)],
    )


def _users(found: Sequence[FoundUser], *, lock: bool = False) -> dict[int, User]:
    ids = [item.user_id for item in found if item.user_id is not None]
    statement = select(User).where(User.id.in_(ids)).options(selectinload(User.roles)).order_by(User.id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return {user.id: user for user in db.session.scalars(statement)}


def _plan(found: FoundUser, user: User | None) -> Plan:
    if user is None:
        return Plan(action=Action.REFUSE, code=found.code, message=found.message)
    if user.retired_at is not None:
        return Plan(action=Action.UNCHANGED, code="retired-before", message="Erased already.")
    if user.id == current_actor().user_id:
        return _refuse("own-account", "You cannot erase yourself. Ask another person.")
    if any(role.is_administrator for role in user.roles):
        message = f"{user.display_name} is an administrator. Take that role away first."
        return _refuse("user-is-administrator", message)
    above = [
        role.title for role in user.roles if not all(may(current_actor(), str(p)) for p in role.permissions)
    ]
    if above:
        message = f"{user.display_name} has rights that you do not have ({', '.join(above)})."
        return _refuse("user-above-you", message)
    before = {"name": user.display_name, "sign_in_name": user.sign_in_name, "email": user.email}
    after = {"name": retirement_token(user.id)}
    return Plan(action=Action.REMOVE, before=before, after=after)


def _refuse(code: str, message: str) -> Plan:
    return Plan(action=Action.REFUSE, code=code, message=message)


def _outcome(plan: Plan, found: FoundUser) -> Outcome:
    if plan.action is Action.REFUSE:
        return Outcome.refused(plan.code, plan.message)
    record_id = str(found.user_id)
    if plan.action is Action.UNCHANGED:
        return Outcome(state=RowState.UNCHANGED, code=plan.code, message=plan.message, record_id=record_id)
    return Outcome(state=RowState.DONE, record_id=record_id)


def _key(row: RetireRow) -> str:
    """Return a key that does not show the name, and by which rows of other such jobs are found when it must go."""
    named = row.named
    text = f"id {named.user_id}"
    if named.sign_in_name:
        text = f"name {sign_in_key(named.sign_in_name)}"
    elif named.email:
        text = f"mail {normal_email(named.email)}"
    return hashlib.sha256(f"{NAME} {text}".encode()).hexdigest()[:40]


def _keys_of(users: Sequence[RetiredUser]) -> list[str]:
    return [
        _key(row)
        for user in users
        for row in (
            RetireRow(sign_in_name=user.sign_in_name),
            RetireRow(email=user.email or ""),
            RetireRow(user_id=str(user.user_id)),
        )
    ]
