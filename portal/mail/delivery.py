"""Delivers what is in the outbox, each message once, however many deliverers there are."""

import logging
import os
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from portal.config import current_config
from portal.kernel.clock import database_now
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.mail.models import OutboxMessage
from portal.mail.settings import reply_address, sender_address

log = logging.getLogger(__name__)

BATCH = 50
LEASE = timedelta(seconds=120)
LONGEST_WAIT = timedelta(hours=1)

#: Hands one message to the outside; raises OSError when that did not work.
Backend = Callable[[uuid.UUID, EmailMessage], None]


def deliver_pending(backend: Backend | None = None) -> int:
    """Deliver every message that is due and return how many went out. Opens its own short transactions.

    A message is leased first, so that two deliverers do not double it, and sent outside of any transaction. One that
    fails stays, and is due again after a while that doubles up to an hour.
    """
    deliver, owner = backend or write_file, uuid.uuid4().hex
    sent_count = 0
    while ids := _claim(owner):
        for message_id in ids:
            sent_count += _deliver(message_id, owner, deliver)
    return sent_count


def write_file(message_id: uuid.UUID, message: EmailMessage) -> None:
    """Write the message as ``<home>/mail/<id>.eml``: the backend that works everywhere.

    Raises:
        OSError: when the folder cannot be written.
    """
    folder = current_config().mail_dir
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    target = folder / f"{message_id}.eml"
    temporary = target.with_suffix(f".{uuid.uuid4().hex}.part")
    _write_durably(temporary, message.as_bytes(policy=SMTP))
    # The same name on every try: a message that was written before a crash is written over, not doubled.
    temporary.replace(target)


def _claim(owner: str) -> Sequence[uuid.UUID]:
    with transaction() as session:
        now = database_now(session)
        due = (
            select(OutboxMessage.id)
            .where(OutboxMessage.sent_at.is_(None))
            .where(or_(OutboxMessage.lease_until.is_(None), OutboxMessage.lease_until < now))
            .order_by(OutboxMessage.created_at)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        ids = session.scalars(due).all()
        if ids:
            session.execute(
                update(OutboxMessage)
                .where(OutboxMessage.id.in_(ids))
                .values(
                    lease_owner=owner,
                    lease_until=now + LEASE,
                    attempts_count=OutboxMessage.attempts_count + 1,
                )
                .execution_options(synchronize_session=False)
            )
        return ids


def _deliver(message_id: uuid.UUID, owner: str, backend: Backend) -> bool:
    """Send one leased message and note what came of it; say whether it went out."""
    row = db.session.get(OutboxMessage, message_id)
    if row is None:
        return False
    message, tries = _composed(row), row.attempts_count
    db.session.rollback()
    try:
        backend(message_id, message)
    except OSError as error:
        log.warning("mail %s was not delivered: %s", message_id, error)
        with transaction() as session:
            wait = min(LEASE / 4 * 2 ** min(tries, 10), LONGEST_WAIT)
            _note(
                session,
                message_id,
                owner,
                lease_until=database_now(session) + wait,
                last_problem=str(error)[:500],
            )
        return False
    with transaction() as session:
        _note(session, message_id, owner, sent_at=database_now(session), lease_until=None, last_problem="")
    return True


def _note(session: Session, message_id: uuid.UUID, owner: str, **values: object) -> None:
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.lease_owner == owner)
        .values(lease_owner=None, **values)
        .execution_options(synchronize_session=False)
    )


def _composed(row: OutboxMessage) -> EmailMessage:
    message = EmailMessage()
    sender, reply_to = sender_address(), reply_address()
    message["From"] = sender
    if reply_to is not None:
        message["Reply-To"] = reply_to
    name, _, domain = row.to_address.rpartition("@")
    message["To"] = Address(username=name, domain=domain)
    message["Subject"] = row.subject
    message["Date"] = row.created_at
    message["Message-ID"] = f"<{row.id}@{sender.domain or 'localhost'}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(row.body)
    return message


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
