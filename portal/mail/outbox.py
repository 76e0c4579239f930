"""Puts mail into the outbox, inside the transaction of what causes it: no commit, no mail; a commit, one mail."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert

from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import InvalidInput
from portal.kernel.ids import new_id
from portal.mail.models import OutboxMessage

MAX_ADDRESS = 254
MAX_SUBJECT = 300


@dataclass(frozen=True, kw_only=True)
class NewMessage:
    """A plain-text message to one address."""

    to: str
    subject: str
    text: str


def send(to: str, subject: str, text: str) -> uuid.UUID:
    """Put a message into the outbox and return its id. Needs an open transaction; does not commit.

    Raises:
        InvalidInput: code ``mail-address``, when ``to`` is no single address.
    """
    return send_many([NewMessage(to=to, subject=subject, text=text)])[0]


def send_many(messages: Sequence[NewMessage]) -> list[uuid.UUID]:
    """Put messages into the outbox and return their ids in the same order. One statement; does not commit.

    Raises:
        InvalidInput: code ``mail-address``, naming the first that is no single address.
    """
    if not messages:
        return []
    now = utc_now()
    rows = [
        {
            "id": new_id(),
            "to_address": _address(message.to),
            "subject": " ".join(message.subject.split())[:MAX_SUBJECT],
            "body": message.text,
            "created_at": now,
            "attempts_count": 0,
            "last_problem": "",
        }
        for message in messages
    ]
    db.session.execute(insert(OutboxMessage), rows)
    return [row["id"] for row in rows]  # type: ignore[misc]


def _address(text: str) -> str:
    """Return the address; nothing that could add a header or a second recipient gets through."""
    address = text.strip()
    name, _, domain = address.rpartition("@")
    forbidden = set(' \t\r\n<>,;:"()[]\\')
    if not name or not domain or "@" in name or forbidden & set(address) or len(address) > MAX_ADDRESS:
        raise InvalidInput("mail-address", f"{text[:80]!r} is not an e-mail address.")
    return address
