"""Removes mail to people who are being erased: from the outbox, and where it was delivered to files."""

import uuid
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import delete, or_, select

from portal.config import current_config
from portal.kernel.db import db
from portal.kernel.transaction import on_commit
from portal.mail.models import OutboxMessage


def forget_mail(addresses: Sequence[str], *, shared: Sequence[str] = (), names: Sequence[str] = ()) -> int:
    """Remove the messages to these people, sent or waiting, and return how many.

    At most three statements. Needs an open transaction; does not commit; files go after the commit.

    Args:
        addresses: Addresses that are theirs alone: every message goes.
        shared: Addresses that somebody else has too: only messages that hold one of the names go.
        names: What the people are called, their sign-in names and numbers.
    """
    ids: set[uuid.UUID] = set()
    if addresses:
        ids |= set(
            db.session.scalars(select(OutboxMessage.id).where(OutboxMessage.to_address.in_(list(addresses))))
        )
    found = [name for name in names if name]
    if shared and found:
        texts = (OutboxMessage.subject, OutboxMessage.body)
        holds = or_(*(text.contains(name, autoescape=True) for text in texts for name in found))
        ids |= set(
            db.session.scalars(
                select(OutboxMessage.id).where(OutboxMessage.to_address.in_(list(shared)), holds)
            )
        )
    if ids:
        db.session.execute(
            delete(OutboxMessage)
            .where(OutboxMessage.id.in_(ids))
            .execution_options(synchronize_session=False)
        )
        folder = current_config().mail_dir
        on_commit(lambda: _remove_files(folder, ids))
    return len(ids)


def _remove_files(folder: Path, ids: set[uuid.UUID]) -> None:
    for message_id in ids:
        (folder / f"{message_id}.eml").unlink(missing_ok=True)
