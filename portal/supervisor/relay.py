"""The relay process: wakes sleeping jobs, delivers mail and sweeps files, each at its own pace, for ever."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app

from portal.config import current_config
from portal.files.sweeper import sweep
from portal.jobs.queue import relay_once
from portal.kernel.db import db
from portal.kernel.transaction import transaction
from portal.mail.delivery import deliver_pending
from portal.maintenance import service

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5


@dataclass(frozen=True)
class Duty:
    """Something the relay does every ``every_seconds``; safe to run twice, and in two relays at once."""

    name: str
    every_seconds: float
    run: Callable[[], object]


def duties() -> tuple[Duty, ...]:
    """Return what the relay does."""
    return (
        Duty("wake sleeping jobs", 2, relay_once),
        Duty("end a lapsed maintenance window", 10, _close_lapsed_window),
        Duty("deliver mail", 5, deliver_pending),
        Duty("sweep files", 3600, lambda: sweep(current_config().sweep_grace_seconds)),
    )


def _close_lapsed_window() -> None:
    """End a window that nobody renews, so that the log says so; asks first, to write only then."""
    if not service.has_lapsed():
        return
    with transaction():
        service.close_lapsed()


def relay_round() -> None:
    """Do every duty once, in the open application context."""
    for duty in duties():
        _perform(duty)


def relay_forever() -> None:
    """Do every duty at its pace until the process is asked to end. Sweeping waits for its first hour."""
    started = time.monotonic()
    due = {duty.name: started + (duty.every_seconds if duty.every_seconds > 60 else 0) for duty in duties()}
    while True:
        for duty in duties():
            if time.monotonic() >= due[duty.name]:
                due[duty.name] = time.monotonic() + duty.every_seconds
                _perform(duty)
        time.sleep(TICK_SECONDS)


def _perform(duty: Duty) -> None:
    """Do one duty in its own context, so that a failed session or a lost connection is not carried along."""
    application = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask's own way
    try:
        with application.app_context():
            duty.run()
    except Exception:
        # A database or queue server that is away comes back; the relay must still be there then.
        log.exception("the relay could not %s", duty.name)
    finally:
        db.session.remove()
