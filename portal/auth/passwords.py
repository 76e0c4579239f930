"""Hashes and compares passwords, with a cap on how many at a time: each takes 64 MB for a moment."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import current_app
from flask_security import hash_password as library_hash
from flask_security import verify_password as library_verify

from portal.kernel.errors import InvalidInput, TemporaryFailure

#: Of one process. With 64 MB each this bounds what a crowd at the sign-in page can take.
HASHES_AT_ONCE = 2
WAIT_SECONDS = 15.0
MIN_LENGTH = 12
MAX_LENGTH = 256
_slots = threading.BoundedSemaphore(HASHES_AT_ONCE)


@dataclass(frozen=True)
class HashedPassword:
    """A password that was checked and hashed already; made before a transaction opens, because it is slow."""

    value: str = field(repr=False)


def hashed(password: str | HashedPassword) -> HashedPassword:
    """Return the Argon2 hash of a new password (0.1 s of CPU; call it outside transactions).

    Raises:
        InvalidInput: code ``password-weak``, with every rule that it breaks.
    """
    if isinstance(password, HashedPassword):
        return password
    problems, normal = current_app.extensions["security"].password_util.validate(password, True)
    if len(password) > MAX_LENGTH:
        problems = [f"Use at most {MAX_LENGTH} characters."]
    if problems:
        raise InvalidInput("password-weak", " ".join(problems))
    with _slot():
        return HashedPassword(library_hash(normal))


def is_password(password: str, stored: str | None) -> bool:
    """Say whether the password is the one behind the hash; takes as long when there is no hash at all."""
    normal = current_app.extensions["security"].password_util.normalize(password[: MAX_LENGTH + 1])
    with _slot():
        if stored is None:
            library_hash(normal)
            return False
        return bool(library_verify(normal, stored))


@contextmanager
def _slot() -> Iterator[None]:
    if not _slots.acquire(timeout=WAIT_SECONDS):
        raise TemporaryFailure("sign-in-busy", "Very many people are signing in. Try again in a minute.")
    try:
        yield
    finally:
        _slots.release()
