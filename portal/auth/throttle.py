"""Slows down guessing: failures per address are limited, and each further failure of an account makes it wait longer.

Counts live in the queue server when it answers, else in this process; signing in never fails because of that.
"""

import hashlib
import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Flask, current_app, g, request
from flask_limiter import Limiter
from flask_limiter.errors import RateLimitExceeded
from limits.storage import MemoryStorage, Storage

from portal.config import CONFIG_KEY
from portal.kernel.errors import TooMany

log = logging.getLogger(__name__)

ADDRESS_FAILURES = "30 per 10 minutes"
FREE_FAILURES = 4
FIRST_DELAY_SECONDS = 5
LONGEST_DELAY_SECONDS = 900
REMEMBERED_SECONDS = 3600
RETRY_STORAGE_SECONDS = 10.0
_FAILED = "portal_credential_failed"
_KEY = "PORTAL_THROTTLE"
T = TypeVar("T")
V = TypeVar("V", bound=Callable[..., Any])


class Throttle(Limiter):
    """Counts failed tries of one application."""

    def __init__(self, app: Flask) -> None:
        super().__init__(
            _address,
            app=app,
            storage_uri=_storage_uri(app.config[CONFIG_KEY].queue_url),
            storage_options={"socket_connect_timeout": 1, "socket_timeout": 1},
            strategy="fixed-window",
            in_memory_fallback_enabled=True,
            key_prefix="portal",
        )
        self._own_counts = MemoryStorage()
        self._away_until = 0.0
        errors = self.storage.base_exceptions
        self._away: tuple[type[Exception], ...] = (
            *(errors if isinstance(errors, tuple) else (errors,)),
            OSError,
        )

    def per_address(self, view: V) -> V:
        """Return the view with its failed POSTs limited per address."""
        limit = self.shared_limit(
            ADDRESS_FAILURES,
            scope="credentials",
            methods=["POST"],
            deduct_when=lambda response: _has_failed(),
        )
        return cast("V", limit(view))

    def reset(self) -> None:
        """Forget every count."""
        self._own_counts.reset()
        if self._fallback_storage is not None:
            self._fallback_storage.reset()
        self._counting(lambda storage: storage.reset())

    def check_account(self, account: str) -> None:
        """Refuse a try that comes too early after failed ones.

        Raises:
            TooMany: code ``account-delayed``, telling how long to wait.
        """
        key = _key("wait", account)
        seconds = self._counting(lambda storage: _remaining(storage, key))
        if seconds > 0:
            raise TooMany(
                "account-delayed",
                f"There were too many failed tries for this name. Try again in {_spoken(seconds)}.",
                seconds,
            )

    def note_failure(self, account: str) -> None:
        """Count a failed try of the account and of the address."""
        setattr(g, _FAILED, True)
        failures, wait = _key("failures", account), _key("wait", account)
        count = self._counting(lambda storage: storage.incr(failures, REMEMBERED_SECONDS))
        if count >= FREE_FAILURES:
            seconds = min(FIRST_DELAY_SECONDS * 2 ** min(count - FREE_FAILURES, 20), LONGEST_DELAY_SECONDS)
            self._counting(lambda storage: storage.incr(wait, seconds))

    def note_success(self, account: str) -> None:
        """Forget the account's failures."""
        self._counting(lambda storage: storage.clear(_key("failures", account)))

    def count(self, kind: str, caller: str, seconds: int) -> tuple[int, int]:
        """Count something that a caller does; return how often it did in this span, and the seconds to its end."""
        key = _key(kind, caller)
        number = self._counting(lambda storage: storage.incr(key, seconds))
        return number, self._counting(lambda storage: _remaining(storage, key)) or seconds

    def _counting(self, action: Callable[[Storage], T]) -> T:
        """Run ``action`` on the shared counts, or on this process's own while the queue server does not answer."""
        if time.monotonic() >= self._away_until:
            try:
                return action(self.storage)
            except self._away:
                log.warning("the queue server does not answer; counting in this process")
                self._away_until = time.monotonic() + RETRY_STORAGE_SECONDS
        return action(self._own_counts)


def init_throttle(app: Flask) -> Throttle:
    """Give the application its throttle, and a clear answer for whoever is stopped by it."""
    throttle = Throttle(app)
    app.extensions[_KEY] = throttle
    app.register_error_handler(RateLimitExceeded, _explain)
    return throttle


def current_throttle() -> Throttle:
    """Return the throttle of the running application."""
    throttle: Throttle = current_app.extensions[_KEY]
    return throttle


def _explain(error: RateLimitExceeded) -> Any:
    limit = current_throttle().current_limit
    seconds = max(int(limit.reset_at - time.time()) + 1, 1) if limit else 60
    message = f"There were too many failed tries from your address. Try again in {_spoken(seconds)}."
    return current_app.handle_user_exception(TooMany("address-limited", message, seconds))


def _storage_uri(queue_url: str) -> str:
    return f"redis+{queue_url}" if queue_url.startswith("unix:") else queue_url


def _address() -> str:
    return request.remote_addr or "unknown"


def _has_failed() -> bool:
    return bool(g.get(_FAILED, False))


def _key(kind: str, account: str) -> str:
    # Hashed, so that what people mistype into the name field (a password) is not kept.
    return f"portal/{kind}/{hashlib.sha256(account.encode()).hexdigest()[:32]}"


def _remaining(storage: Storage, key: str) -> int:
    if not storage.get(key):
        return 0
    return max(int(storage.get_expiry(key) - time.time()) + 1, 1)


def _spoken(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} second{'s' if seconds != 1 else ''}"
    minutes = -(-seconds // 60)
    return f"{minutes} minute{'s' if minutes != 1 else ''}"
