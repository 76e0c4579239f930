"""The relay and cron processes: wake jobs, start what is scheduled, deliver mail, each duty at its own pace, for ever."""

import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import current_app

from portal.jobs.passing import remove_expired_files
from portal.jobs.queue import relay_once
from portal.jobs.schedules import Scheduler
from portal.kernel.db import db
from portal.kernel.replica import BEAT_SECONDS, beat_once, current_replica
from portal.kernel.transaction import transaction
from portal.mail.delivery import deliver_pending
from portal.maintenance import service
from portal.web.formatting import portal_zone

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5


@dataclass(frozen=True)
class Duty:
    """Something the relay does every ``every_seconds``; safe to run twice, and in two relays at once."""

    name: str
    every_seconds: float
    run: Callable[[], object]


def relay_duties() -> Sequence[Duty]:
    """Return what the relay does."""
    beat = [Duty("write the beat for the read replica", BEAT_SECONDS, _beat)] if current_replica() else []
    return (
        Duty("wake sleeping jobs", 2, relay_once),
        Duty("end a lapsed maintenance window", 10, _close_lapsed_window),
        Duty("deliver mail", 5, deliver_pending),
        Duty("remove exports that have expired", 300, remove_expired_files),
        *cron_duties(),
        *beat,
    )


def cron_duties() -> Sequence[Duty]:
    """Return what a scheduler does; the relay does it too, and the database lets each slot run once."""
    scheduler = Scheduler()
    return (Duty("start what is scheduled", 5, lambda: scheduler.run_due(portal_zone())),)


def _beat() -> None:
    with transaction():
        beat_once()


def _close_lapsed_window() -> None:
    """End a window that nobody renews, so that the log says so; asks first, to write only then."""
    if not service.has_lapsed():
        return
    with transaction():
        service.close_lapsed()


def one_round(duties: Sequence[Duty]) -> None:
    """Do every duty once, in the open application context."""
    for duty in duties:
        _perform(duty)


def forever(duties: Sequence[Duty]) -> None:
    """Do every duty at its pace until SIGTERM or Ctrl-C; the duty in hand is finished. Call it in the main thread."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    due = dict.fromkeys(duties, time.monotonic())
    while not stop.is_set():
        for duty in duties:
            if time.monotonic() >= due[duty] and not stop.is_set():
                due[duty] = time.monotonic() + duty.every_seconds
                _perform(duty)
        stop.wait(TICK_SECONDS)


def _perform(duty: Duty) -> None:
    """Do one duty in its own context, so that a failed session or a lost connection is not carried along."""
    application = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask's own way
    try:
        with application.app_context():
            duty.run()
    except Exception:
        # A database or queue server that is away comes back; the relay must still be there then.
        log.exception("could not %s", duty.name)
    finally:
        db.session.remove()
