"""Everything that the portal keeps about a person, gathered from the core and every plugin."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal.audit.models import AuditEntry
from portal.auth.identities import identities_by_user
from portal.auth.models import Activation, User, UserSession
from portal.auth.retiring import shared_addresses
from portal.hooks.manager import answers
from portal.hooks.registry import current_registry
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.mail.models import OutboxMessage

#: Entries of the audit record in one export; older ones are counted, not listed.
MOST_ENTRIES = 5_000


def export_of(user_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return user id → what is kept about the person: one part per plugin, each with its sections.

    A fixed number of statements for 1 to 500 users. Reads only; values are plain, ready for JSON.
    """
    titles = {plugin.name: plugin.title for plugin in current_registry().plugins}
    found: dict[int, dict[str, Any]] = {
        user_id: {"user": user_id, "exported_at": utc_now().isoformat(), "parts": {}} for user_id in user_ids
    }
    for owner, answer in answers("portal_personal_data", user_ids=list(user_ids)):
        for user_id, sections in answer.items():
            if user_id in found:
                found[user_id]["parts"][titles.get(owner, owner)] = dict(sections)
    return found


def personal_data(user_ids: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return user id → the core's part: account, roles, identities, sign-ins, mails, audit entries. A fixed number of statements."""
    users = db.session.scalars(
        select(User).where(User.id.in_(user_ids)).options(selectinload(User.roles))
    ).all()
    identities = identities_by_user(user_ids)
    codes = {item.user_id: item for item in db.session.scalars(_of(Activation, Activation.user_id, user_ids))}
    sessions = _grouped(_of(UserSession, UserSession.user_id, user_ids), "user_id")
    entries = _entries(user_ids)
    emails = sorted({user.email for user in users if user.email})
    # Mail to an address that somebody else has too may be the other's.
    mails = _mails(sorted(set(emails) - shared_addresses(emails, list(user_ids))))
    return {
        user.id: {
            "account": _account(user),
            "identities": [
                {"system": item.provider, "key": item.external_id, "since": _time(item.created_at)}
                for item in identities.get(user.id, [])
            ],
            "activation code": _code(codes.get(user.id)),
            "sign-ins now": [_session(item) for item in sessions.get(user.id, [])],
            "mails": mails.get(user.email or "", []),
            "changes to the account": entries.get(str(user.id), []),
        }
        for user in users
    }


def _of(model: Any, column: Any, user_ids: Sequence[int]) -> Any:
    return select(model).where(column.in_(user_ids))


def _grouped(statement: Any, name: str) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = {}
    for item in db.session.scalars(statement):
        found.setdefault(getattr(item, name), []).append(item)
    return found


def _account(user: User) -> dict[str, Any]:
    return {
        "sign-in name": user.sign_in_name,
        "name": user.display_name,
        "e-mail": user.email,
        "roles": [role.title for role in user.roles],
        "active": user.active,
        "password": "set" if user.password else "not set",
        "made": _time(user.created_at),
        "last seen": _time(user.last_seen_at),
        "erased": _time(user.retired_at),
    }


def _code(code: Activation | None) -> dict[str, Any] | None:
    if code is None:
        return None
    return {
        "issued": _time(code.issued_at),
        "valid until": _time(code.expires_at),
        "used": _time(code.used_at),
    }


def _session(item: UserSession) -> dict[str, Any]:
    return {
        "since": _time(item.created_at),
        "last seen": _time(item.last_seen_at),
        "address": item.address,
        "browser": item.browser,
    }


def _mails(addresses: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    statement = select(OutboxMessage).where(OutboxMessage.to_address.in_(list(addresses)))
    for item in db.session.scalars(statement.order_by(OutboxMessage.created_at)):
        found.setdefault(item.to_address, []).append(
            {
                "at": _time(item.created_at),
                "sent": _time(item.sent_at),
                "subject": item.subject,
                "text": item.body,
            }
        )
    return found


def _entries(user_ids: Sequence[int]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    statement = (
        select(AuditEntry)
        .where(
            AuditEntry.target == User.__tablename__,
            AuditEntry.record_id.in_([str(user_id) for user_id in user_ids]),
        )
        .order_by(AuditEntry.at.desc())
        .limit(MOST_ENTRIES)
    )
    for item in db.session.scalars(statement):
        found.setdefault(item.record_id, []).append(
            {"at": _time(item.at), "action": item.action, "changes": item.changes}
        )
    return found


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
