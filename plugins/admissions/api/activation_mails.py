"""Mails to new students: how to choose a password. Through the outbox, in the transaction of the creation."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select

from plugins.admissions.api.activation_letters import letter_facts
from plugins.admissions.models import Student
from portal.sdk import db, send_mail

_TEXT = """Dear {name},

{institution} has made your student record {number}.

Choose your password here: {address}
Student number: {number}
Activation code: {code}
The code works once, until {expires}. Afterwards you sign in with your student number.
"""


def mail_activation_codes(student_uids: Sequence[uuid.UUID]) -> int:
    """Put a mail into the outbox for each student that has an e-mail address, and return how many.

    Needs an open transaction; does not commit.
    """
    if not student_uids:
        return 0
    found = db.session.execute(
        select(Student.student_id, Student.email).where(Student.id.in_(student_uids), Student.email != "")
    )
    addresses = dict(found.all())
    letters = [letter for letter in letter_facts(student_uids) if letter.student_number in addresses]
    for letter in letters:
        text = _TEXT.format(
            name=letter.student_name,
            institution=letter.institution_name,
            number=letter.student_number,
            address=letter.activation_address,
            code=letter.activation_code,
            expires=letter.expires_on,
        )
        send_mail(addresses[letter.student_number], f"Your student record {letter.student_number}", text)
    return len(letters)
