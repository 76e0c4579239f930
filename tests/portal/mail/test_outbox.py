"""Outgoing mail: with the commit or not at all, and each message once."""

import email
import threading
import uuid
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from portal.config import current_config
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import InvalidInput
from portal.kernel.transaction import transaction
from portal.mail.delivery import deliver_pending
from portal.mail.models import OutboxMessage
from portal.mail.outbox import NewMessage, send, send_many

pytestmark = pytest.mark.both_engines


def _send(to: str = "ann@example.org", subject: str = "Hello", body: str = "Text") -> uuid.UUID:
    with transaction():
        return send(to, subject, body)


def _mails() -> list[EmailMessage]:
    return [
        email.message_from_bytes(path.read_bytes(), policy=default)
        for path in sorted(current_config().mail_dir.glob("*.eml"))
    ]


def test_a_message_is_delivered_as_a_file(app: Flask) -> None:
    message_id = _send("ann@example.org", "Your number: K1000000", "Dear Žofia,\nwelcome.\n")
    assert deliver_pending() == 1
    (mail,) = _mails()
    assert (mail["To"], mail["Subject"]) == ("ann@example.org", "Your number: K1000000")
    assert mail.get_content().replace("\r\n", "\n") == "Dear Žofia,\nwelcome.\n"
    assert str(message_id) in mail["Message-ID"]


def test_a_message_is_delivered_once(app: Flask) -> None:
    _send()
    assert (deliver_pending(), deliver_pending(), len(_mails())) == (1, 0, 1)


def test_what_is_rolled_back_is_not_sent(app: Flask) -> None:
    def send_and_fail() -> None:
        with transaction():
            send("ann@example.org", "Hello", "Text")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        send_and_fail()
    assert deliver_pending() == 0


def test_more_than_a_batch_is_delivered(app: Flask) -> None:
    with transaction():
        send_many([NewMessage(to=f"p{number}@example.org", subject="s", text="t") for number in range(120)])
    assert (deliver_pending(), len(_mails())) == (120, 120)


def test_two_deliverers_do_not_double(app: Flask) -> None:
    with transaction():
        send_many([NewMessage(to=f"p{number}@example.org", subject="s", text="t") for number in range(60)])
    delivered: list[uuid.UUID] = []

    def run() -> None:
        with app.app_context():
            deliver_pending(lambda message_id, message: delivered.append(message_id))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(delivered) == len(set(delivered)) == 60


def _refuse(message_id: uuid.UUID, message: EmailMessage) -> None:
    raise OSError("connection refused")


def test_a_failed_message_waits_and_goes_out_later(app: Flask) -> None:
    message_id = _send()
    assert deliver_pending(_refuse) == 0
    row = db.session.get(OutboxMessage, message_id)
    assert row is not None
    assert (row.sent_at, row.attempts_count, row.last_problem) == (None, 1, "connection refused")
    assert deliver_pending() == 0
    with transaction() as session:
        session.execute(update(OutboxMessage).values(lease_until=utc_now() - timedelta(days=1)))
    assert deliver_pending() == 1


def test_a_deliverer_that_died_is_followed_by_another(app: Flask) -> None:
    def die(message_id: uuid.UUID, message: EmailMessage) -> None:
        raise KeyboardInterrupt

    _send()
    with pytest.raises(KeyboardInterrupt):
        deliver_pending(die)
    assert deliver_pending() == 0
    with transaction() as session:
        session.execute(update(OutboxMessage).values(lease_until=utc_now() - timedelta(days=1)))
    assert deliver_pending() == 1


@pytest.mark.parametrize(
    "to", ["", "nobody", "a@b@c", "a@b\nBcc: c@d", "a@b, c@d", "Ann <a@b>", "@b", "a@", "a" * 250 + "@b.org"]
)
def test_what_is_no_single_address_is_refused(app: Flask, to: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        _send(to)
    assert caught.value.code == "mail-address"


def test_a_subject_cannot_add_headers(app: Flask) -> None:
    _send(subject="Hello\r\nBcc: eve@example.org")
    deliver_pending()
    (mail,) = _mails()
    assert (mail["Subject"], mail["Bcc"]) == ("Hello Bcc: eve@example.org", None)


def test_sending_needs_no_delivery(app: Flask) -> None:
    _send()
    assert db.session.scalar(select(func.count()).select_from(OutboxMessage)) == 1
    assert _mails() == []
