"""``/api/v1/me`` and ``/api/v1/job-kinds``: who is calling, and what can be done in bulk."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from portal.access.policy import may
from portal.auth.bearer import current_token
from portal.hooks.registry import current_registry
from portal.jobs.kinds import AnyKind, Column, RowJob, SheetJob, kind_named, loaded_kinds
from portal.kernel.actor import current_actor
from portal.kernel.errors import PortalError
from portal.panel.permissions import JOBS_VIEW
from portal.sdk.rest import SIGNED_IN, api_blueprint, api_route

about = api_blueprint("portal", "About", "Who is calling, and what can be done in bulk.")


class TokenOut(BaseModel):
    """The token of this call."""

    name: str
    prefix: str = Field(description="What the token begins with, after `cpt_`.")
    scopes: list[str]
    expires_at: datetime


class MeOut(BaseModel):
    """Who is calling, and what the caller may do now."""

    user_id: int
    name: str
    permissions: list[str] = Field(description="With a token: those of its scopes that its owner holds now.")
    token: TokenOut | None = Field(description="Null for a sign-in.")


@about.get("/me")
@api_route(SIGNED_IN, answer=MeOut)
def whoami() -> MeOut:
    """Say who is calling and what the caller may do."""
    actor, token = current_actor(), current_token()
    held = [name for name in sorted(current_registry().permissions) if may(actor, name)]
    shown = None
    if token is not None:
        shown = TokenOut(
            name=token.name, prefix=token.prefix, scopes=list(token.scopes), expires_at=token.expires_at
        )
    return MeOut(user_id=actor.user_id or 0, name=actor.name, permissions=held, token=shown)


class ColumnOut(BaseModel):
    """A column that a kind of job reads from a sheet, or a field of its rows."""

    name: str
    title: str
    description: str
    is_required: bool
    is_identifier: bool = Field(description="Text, however much it looks like a number.")
    is_date: bool = Field(description="YYYY-MM-DD in rows; sheets may write it otherwise.")
    choices: list[str] = Field(description="The values that are allowed; empty: any.")
    examples: list[str]


class KindOut(BaseModel):
    """Something that can be done in bulk."""

    name: str
    title: str
    takes: Literal["sheet", "selection", "nothing"] = Field(
        description="`sheet`: rows or a file. `selection`: its parameters say which records. "
        "`nothing`: a task without rows and without a plan."
    )
    params: dict[str, Any] = Field(description="JSON schema of its parameters.")
    columns: list[ColumnOut] = Field(description="With the default parameters.")
    files: dict[str, str] = Field(description="Files that it takes: role → what it is.")
    can_undo: bool


class KindListOut(BaseModel):
    """All kinds of jobs of the loaded plugins."""

    items: list[KindOut]


@about.get("/job-kinds")
@api_route(JOBS_VIEW, answer=KindListOut)
def list_kinds() -> KindListOut:
    """List everything that can be done in bulk.

    Each kind has a permission of its own, which may depend on its parameters.
    """
    return KindListOut(items=[_shown(kind) for kind in sorted(loaded_kinds(), key=lambda kind: kind.name)])


@about.get("/job-kinds/<name>")
@api_route(JOBS_VIEW, answer=KindOut)
def show_kind(name: str) -> KindOut:
    """Show one kind of job with its parameters and columns."""
    return _shown(kind_named(name))


def _shown(kind: AnyKind) -> KindOut:
    columns = _columns(kind) if isinstance(kind, SheetJob) else ()
    takes: Literal["sheet", "selection", "nothing"] = "nothing"
    if isinstance(kind, RowJob):
        takes = "sheet" if isinstance(kind, SheetJob) else "selection"
    return KindOut(
        name=kind.name,
        title=kind.title,
        takes=takes,
        params=kind.Params.model_json_schema(),
        columns=[_column(column) for column in columns],
        files=dict(kind.input_files) if isinstance(kind, RowJob) else {},
        can_undo=isinstance(kind, RowJob) and kind.can_undo,
    )


def _columns(kind: SheetJob[Any, Any]) -> Sequence[Column]:
    try:
        return kind.columns(kind.Params.model_construct())
    except PortalError:
        # A kind may need parameters to know its columns.
        return ()


def _column(column: Column) -> ColumnOut:
    return ColumnOut(
        name=column.name,
        title=column.title,
        description=column.description,
        is_required=column.required,
        is_identifier=column.is_identifier,
        is_date=column.is_date,
        choices=[str(choice) for choice in column.choices],
        examples=[str(example) for example in column.examples],
    )
