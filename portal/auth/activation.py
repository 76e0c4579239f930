"""Activation codes: the first credential of users made in bulk. Computed from a key, so letters can be printed again."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from portal.audit.recording import record
from portal.auth.accounts import set_password
from portal.auth.activation_keys import ActivationKeys, load_keys
from portal.auth.models import Activation, User, sign_in_key
from portal.auth.passwords import hashed
from portal.kernel.clock import utc_now
from portal.kernel.db import db, reading
from portal.kernel.errors import InvalidInput
from portal.kernel.transaction import transaction

CODE_BYTES = 10
GROUP = 4
_LOOKALIKES = str.maketrans({"0": "O", "1": "I", "8": "B"})


def issue_many(user_ids: Sequence[int], expires_at: datetime) -> None:
    """Issue a code to each of 1 to 500 users, which ends their earlier one; read it with :func:`codes_for`.

    Two statements. Needs an open transaction; does not commit.
    """
    if not user_ids:
        return
    insert = postgresql.insert if db.session().get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(Activation)
    statement = statement.on_conflict_do_update(
        index_elements=[Activation.user_id],
        set_={
            "issue": Activation.issue + 1,
            "key_id": statement.excluded.key_id,
            "issued_at": statement.excluded.issued_at,
            "expires_at": statement.excluded.expires_at,
            "used_at": None,
        },
    )
    key_id, now = load_keys().current, utc_now()
    db.session.execute(
        statement,
        [
            {"user_id": user_id, "issue": 1, "key_id": key_id, "issued_at": now, "expires_at": expires_at}
            for user_id in sorted(set(user_ids))
        ],
    )
    record(
        "issue",
        Activation.__tablename__,
        f"{len(user_ids)} codes",
        {"user_ids": list(user_ids), "expires_at": str(expires_at)},
    )


def codes_for(user_ids: Sequence[int]) -> dict[int, str]:
    """Return user id → code (``XXXX-XXXX-XXXX-XXXX``); users without an unused, unexpired code are absent.

    One statement; at most 500 ids.
    """
    keys = load_keys()
    rows = db.session.execute(
        select(Activation.user_id, Activation.issue, Activation.key_id, User.sign_in_key)
        .join(User, User.id == Activation.user_id)
        .where(
            Activation.user_id.in_(user_ids), Activation.used_at.is_(None), Activation.expires_at > utc_now()
        )
    )
    return {
        user_id: _code(keys.keys[key_id], user_id, name, issue)
        for user_id, issue, key_id, name in rows
        if key_id in keys.keys
    }


def activate(sign_in_name: str, code: str, new_password: str) -> int:
    """Set the user's first password and return the user's id; a code works once.

    Opens its own transaction, because hashing the password is slow and happens before it.

    Raises:
        InvalidInput: ``activation-failed`` (name and code do not belong together), ``activation-expired``,
            ``activation-used``, ``password-weak``.
    """
    with reading():
        state = _checked(sign_in_name, code)
    password = hashed(new_password)
    with transaction() as session:
        used = session.execute(
            update(Activation)
            .where(
                Activation.user_id == state.user_id,
                Activation.issue == state.issue,
                Activation.used_at.is_(None),
            )
            .values(used_at=utc_now())
            .execution_options(synchronize_session=False)
        )
        if not used.rowcount:  # type: ignore[attr-defined]
            raise _used()
        set_password(state.user_id, password)
        record("activate", Activation.__tablename__, str(state.user_id))
    return state.user_id


class _State:
    """What is needed of a code that was found right."""

    def __init__(self, user_id: int, issue: int) -> None:
        self.user_id = user_id
        self.issue = issue


def _checked(sign_in_name: str, code: str) -> _State:
    row = db.session.execute(
        select(Activation, User)
        .join(User, User.id == Activation.user_id)
        .where(User.sign_in_key == sign_in_key(sign_in_name), User.active)
    ).one_or_none()
    if row is None or not _is_code(code, load_keys(), *row):
        raise InvalidInput(
            "activation-failed", "This name and code do not belong together. Compare both with your letter."
        )
    state = row[0]
    if state.used_at is not None:
        raise _used()
    if state.expires_at <= utc_now():
        raise InvalidInput("activation-expired", "This code has expired. Ask the office for a new letter.")
    return _State(state.user_id, state.issue)


def _is_code(code: str, keys: ActivationKeys, state: Activation, user: User) -> bool:
    key = keys.keys.get(state.key_id)
    if key is None:
        return False
    expected = _code(key, user.id, user.sign_in_key, state.issue)
    return hmac.compare_digest(_plain(expected), _plain(code))


def _code(key: str, user_id: int, name: str, issue: int) -> str:
    """Return the first 80 bits of HMAC-SHA256 over user and issue, in base32 groups of four."""
    message = f"activation:{user_id}:{issue}:{name}".encode()
    digest = hmac.new(key.encode(), message, hashlib.sha256).digest()
    text = base64.b32encode(digest[:CODE_BYTES]).decode()
    return "-".join(text[start : start + GROUP] for start in range(0, len(text), GROUP))


def _plain(code: str) -> bytes:
    """Return what people meant to type: without blanks and hyphens, with letters for digits that base32 lacks."""
    kept = "".join(character for character in code.upper() if character.isalnum())
    return kept.translate(_LOOKALIKES).encode()


def _used() -> InvalidInput:
    return InvalidInput(
        "activation-used",
        "This code was used already. Sign in with your password, or ask the office for a new letter.",
    )
