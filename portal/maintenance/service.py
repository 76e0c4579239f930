"""Closes and opens the portal. Times are the database's; a window whose lease has lapsed counts as none."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from portal.access.policy import may
from portal.config import current_config
from portal.hooks.events import MaintenanceChanged
from portal.hooks.manager import emit_notice
from portal.kernel.actor import Actor
from portal.kernel.clock import database_clock, database_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict, InvalidInput
from portal.kernel.transaction import savepoint
from portal.maintenance.models import MaintenanceWindow

MAY_PASS = "portal.maintenance.pass"  # noqa: S105 - the name of a permission
LAPSED = "lease lapsed"
MAX_REASON = 300
#: A window without an end is looked at again after this; one with a lease sooner.
RETRY_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Window:
    """An open maintenance window."""

    id: uuid.UUID
    reason: str
    started_at: datetime
    started_by_user_id: int | None
    started_by_name: str
    job_id: uuid.UUID | None
    lease_until: datetime | None


def start(
    reason: str, actor: Actor, job_id: uuid.UUID | None = None, lease_seconds: float | None = None
) -> Window:
    """Close the portal and return the window. A job's window needs a lease; a person's has none and lasts until ended.

    Needs an open transaction; does not commit. Emits the notice ``portal_maintenance_changed``.

    Raises:
        InvalidInput: code ``reason-missing``.
        Conflict: code ``maintenance-open``, telling who closed the portal and why.
    """
    if not reason.strip():
        raise InvalidInput("reason-missing", "Say why the portal is closed; everybody will read it.")
    if job_id is not None and lease_seconds is None:
        lease_seconds = _default_lease_seconds()
    close_lapsed()
    now = database_now(db.session())
    window = MaintenanceWindow(
        reason=reason.strip()[:MAX_REASON],
        started_at=now,
        started_by_user_id=actor.user_id,
        started_by_name=actor.name,
        job_id=job_id,
        lease_until=None if lease_seconds is None else now + timedelta(seconds=lease_seconds),
    )
    open_now = current()
    if open_now is not None:
        raise _already_open(open_now)
    try:
        with savepoint():
            db.session.add(window)
            db.session.flush()
    except IntegrityError:
        raise _already_open(current()) from None
    event = MaintenanceChanged(
        is_open=True, reason=window.reason, actor_name=actor.name, at=now, until=window.lease_until
    )
    emit_notice("portal_maintenance_changed", event=event)
    return _window(window)


def renew(window_id: uuid.UUID, lease_seconds: float | None = None) -> bool:
    """Move the end of the window's lease and say whether it was still open. One statement; needs an open transaction."""
    seconds = _default_lease_seconds() if lease_seconds is None else lease_seconds
    renewed = db.session.execute(
        update(MaintenanceWindow)
        .where(MaintenanceWindow.id == window_id, MaintenanceWindow.is_open)
        .values(lease_until=database_now(db.session()) + timedelta(seconds=seconds))
        .execution_options(synchronize_session=False)
    )
    return bool(renewed.rowcount)  # type: ignore[attr-defined]


def end(window_id: uuid.UUID, actor: Actor) -> bool:
    """Open the portal again and say whether that window was open. Needs an open transaction; does not commit.

    Emits the notice ``portal_maintenance_changed``.
    """
    window = db.session.get(MaintenanceWindow, window_id, with_for_update=True, populate_existing=True)
    if window is None or not window.is_open:
        return False
    _end(window, actor.name)
    return True


def close_lapsed() -> bool:
    """End the open window if its lease has lapsed, and say so. Needs an open transaction; does not commit."""
    window = db.session.scalar(
        select(MaintenanceWindow)
        .where(MaintenanceWindow.is_open, ~_lives())
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if window is None:
        return False
    _end(window, LAPSED)
    return True


def has_lapsed() -> bool:
    """Say whether a window is open whose lease nobody renewed. One small SELECT."""
    lapsed = select(MaintenanceWindow.id).where(MaintenanceWindow.is_open, ~_lives())
    return db.session.scalar(lapsed) is not None


def current() -> Window | None:
    """Return the open window, or None. One small SELECT."""
    window = db.session.scalar(
        select(MaintenanceWindow)
        .where(MaintenanceWindow.is_open, _lives())
        .execution_options(populate_existing=True)
    )
    return None if window is None else _window(window)


def may_pass(actor: Actor, window: Window) -> bool:
    """Say whether the actor may work while the portal is closed: by permission; an administrator always."""
    return may(actor, MAY_PASS)


def retry_after_seconds(window: Window) -> int:
    """Return when it makes sense to ask again: a guess, as only the job or person who closed the portal knows."""
    return RETRY_SECONDS if window.lease_until is None else RETRY_SECONDS // 4


def _end(window: MaintenanceWindow, name: str) -> None:
    now = database_now(db.session())
    window.is_open, window.ended_by_name, window.ended_at = False, name, now
    db.session.flush()
    event = MaintenanceChanged(is_open=False, reason=window.reason, actor_name=name, at=now)
    emit_notice("portal_maintenance_changed", event=event)


def _lives() -> ColumnElement[bool]:
    clock = database_clock(db.session().get_bind().dialect.name)
    return or_(MaintenanceWindow.lease_until.is_(None), MaintenanceWindow.lease_until > clock)


def _window(row: MaintenanceWindow) -> Window:
    return Window(
        id=row.id,
        reason=row.reason,
        started_at=row.started_at,
        started_by_user_id=row.started_by_user_id,
        started_by_name=row.started_by_name,
        job_id=row.job_id,
        lease_until=row.lease_until,
    )


def _already_open(window: Window | None) -> Conflict:
    who = f" by {window.started_by_name}: {window.reason}" if window else ""
    return Conflict("maintenance-open", f"The portal is closed already{who}.")


def _default_lease_seconds() -> int:
    """A job's window outlasts the lease of its rows, so that a dead worker's job can go on before the portal opens."""
    return current_config().lease_seconds * 4
