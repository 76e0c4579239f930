"""Writes that may be sent twice: the same ``Idempotency-Key`` gets the first call's answer and does nothing again."""

import hashlib
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, BinaryIO, cast

from flask import Response, current_app, request
from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.exc import IntegrityError

from portal.kernel.actor import current_actor
from portal.kernel.clock import utc_now
from portal.kernel.db import db
from portal.kernel.errors import Conflict, InvalidInput
from portal.kernel.transaction import savepoint, transaction
from portal.web.rest.answers import KeptAnswer

KEPT = timedelta(hours=24)
#: A call that has not ended by then was killed; a repeated one takes its place.
LONGEST_CALL = timedelta(minutes=10)
MOST_KEPT_BYTES = 500_000
KEY_HEADERS = ("Idempotency-Key", "X-Idempotency-Key")
_KEPT_HEADERS = ("Content-Type", "ETag", "Location")
_KEY_RULE = re.compile(r"[\x21-\x7e]{1,200}")
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """What there is for a key: the row, and the answer unless it is still to be made.

    ``until`` tells this call's hold of the key from a later one's, which took it over from a call thought dead.
    """

    id: uuid.UUID
    until: datetime
    status: int | None = None
    headers: Mapping[str, str] | None = None
    body: str = ""


def sent_key() -> str | None:
    """Return the key of this call, or None when it has none.

    Raises:
        InvalidInput: ``idempotency-key-invalid``.
    """
    sent = next((value for name in KEY_HEADERS if (value := request.headers.get(name)) is not None), None)
    if sent is None:
        return None
    key = sent.strip().strip('"')
    if not _KEY_RULE.fullmatch(key):
        raise InvalidInput(
            "idempotency-key-invalid", "An Idempotency-Key has 1 to 200 letters, digits and signs, no blanks."
        )
    return key


def job_key() -> str | None:
    """Return what to give ``draft`` and ``undo`` as ``idempotency_key``: the call's key, made the caller's own.

    So that even a call that was killed between its commit and its answer makes one job only.
    """
    key = sent_key()
    if key is None:
        return None
    whole = f"{current_actor().user_id}\n{request.endpoint}\n{_fingerprint()}\n{key}"
    return f"rest-{hashlib.sha256(whole.encode()).hexdigest()}"


def once_per_key(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let the view run once per key of the caller: later calls get the same answer for 24 hours.

    An answer is kept when it is good; after an error the call may be repeated with the same key.
    """

    @wraps(view)
    def call(*arguments: Any, **keywords: Any) -> Any:
        key = sent_key()
        if key is None:
            return view(*arguments, **keywords)
        kept = _taken(key, _fingerprint())
        if kept.status is not None:
            return _again(kept)
        is_kept = False
        try:
            response = current_app.make_response(view(*arguments, **keywords))
            is_kept = _keep(kept, response)
            return response
        finally:
            if not is_kept:
                _forget(kept)

    return call


def forget_old_answers() -> int:
    """Delete the answers that need not be kept any more; return how many. Needs an open transaction; one statement."""
    gone = delete(KeptAnswer).where(KeptAnswer.created_at < utc_now() - KEPT)
    return int(db.session.execute(gone.execution_options(synchronize_session=False)).rowcount)  # type: ignore[attr-defined]


def _taken(key: str, fingerprint: str) -> _Kept:
    """Take the key for this call, or return what an earlier one answered. Opens its own transaction.

    Raises:
        InvalidInput: ``idempotency-key-used`` with another content.
        Conflict: ``call-not-ended``: the first call still runs.
    """
    user_id, now = current_actor().user_id, utc_now()
    with transaction() as session:
        mine = select(KeptAnswer).where(KeptAnswer.user_id == user_id, KeptAnswer.key == key)
        found = session.scalar(mine.with_for_update())
        if found is not None and found.created_at < now - KEPT:
            session.delete(found)
            session.flush()
            found = None
        if found is None:
            return _Kept(id=_new(user_id, key, fingerprint, now), until=now + LONGEST_CALL)
        if found.fingerprint != fingerprint:
            raise InvalidInput(
                "idempotency-key-used", "This Idempotency-Key was used for another call. Send a new one."
            )
        if found.status is not None:
            return _Kept(
                id=found.id,
                until=found.locked_until,
                status=found.status,
                headers=dict(found.headers or {}),
                body=found.body or "",
            )
        if found.locked_until > now:
            raise _not_ended()
        found.locked_until = now + LONGEST_CALL
        return _Kept(id=found.id, until=found.locked_until)


def _new(user_id: int | None, key: str, fingerprint: str, now: datetime) -> uuid.UUID:
    row = KeptAnswer(
        user_id=user_id, key=key, fingerprint=fingerprint, created_at=now, locked_until=now + LONGEST_CALL
    )
    try:
        with savepoint() as session:
            session.add(row)
            session.flush()
    except IntegrityError:
        raise _not_ended() from None
    return row.id


def _not_ended() -> Conflict:
    error = Conflict(
        "call-not-ended", "The first call with this Idempotency-Key has not ended yet. Ask again."
    )
    error.retry_after_seconds = 1  # type: ignore[attr-defined]
    return error


def _keep(kept: _Kept, response: Response) -> bool:
    """Keep a good answer; say whether there is no more to do. Opens its own transaction."""
    if not 200 <= response.status_code < 300 or response.is_streamed:
        return False
    body = response.get_data(as_text=True)
    if len(body) > MOST_KEPT_BYTES:
        return False
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    values = {"status": response.status_code, "headers": headers, "body": body}
    with transaction() as session:
        session.execute(update(KeptAnswer).where(*_held(kept)).values(values))
    return True


def _forget(kept: _Kept) -> None:
    with transaction() as session:
        session.execute(delete(KeptAnswer).where(*_held(kept)))


def _held(kept: _Kept) -> tuple[ColumnElement[bool], ...]:
    return KeptAnswer.id == kept.id, KeptAnswer.locked_until == kept.until


def _again(kept: _Kept) -> Response:
    response = Response(kept.body, kept.status, dict(kept.headers or {}))
    response.headers["Idempotent-Replayed"] = "true"
    return response


def _fingerprint() -> str:
    """Return the hash of what is asked: method, address, and body, whatever separates the parts of a form."""
    digest = hashlib.sha256(f"{request.method}\n{request.full_path}\n{request.mimetype}\n".encode())
    if request.mimetype != "multipart/form-data":
        digest.update(request.get_data(cache=True))
        return digest.hexdigest()
    for name, value in sorted(request.form.items(multi=True)):
        digest.update(f"{len(name)}:{name}{len(value)}:{value}".encode("utf-8", "replace"))
    for name, file in sorted(request.files.items(multi=True), key=lambda item: item[0]):
        digest.update(f"{len(name)}:{name}{file.filename}\n".encode("utf-8", "replace"))
        stream = cast("BinaryIO", file.stream)
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
        stream.seek(0)
    return digest.hexdigest()
