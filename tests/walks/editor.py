"""An officer who changes applicants while jobs run on them."""

import random
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import Flask

from plugins.admissions.models import Applicant, ApplicantState
from portal.kernel.actor import SYSTEM, acting_as
from portal.kernel.errors import Conflict
from portal.kernel.transaction import transaction

PAUSE_SECONDS = 0.01


@dataclass
class Editor:
    """Changes one applicant after the other, as the edit page does, and notes what came of it.

    Args:
        app: The application.
        uids: Whom to change; may be replaced at any time.
    """

    app: Flask
    uids: Sequence[uuid.UUID]
    edited: set[uuid.UUID] = field(default_factory=set)
    conflicts: int = 0
    errors: list[Exception] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @contextmanager
    def at_work(self) -> Iterator["Editor"]:
        """Edit in a thread of its own until the block ends."""
        ended = threading.Event()
        thread = threading.Thread(target=self._work, args=(ended,))
        thread.start()
        try:
            yield self
        finally:
            ended.set()
            thread.join()

    @property
    def slow_seconds(self) -> float:
        """Return the time that 99 in 100 edits stay below."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] if self.seconds else 0.0

    def _work(self, ended: threading.Event) -> None:
        chance = random.Random(1)
        while not ended.wait(PAUSE_SECONDS):
            uids = self.uids
            if not uids:
                continue
            before = time.monotonic()
            with self.app.app_context(), acting_as(SYSTEM):
                try:
                    self._edit(chance.choice(uids), chance)
                except Conflict:
                    # The page says so, and the officer looks again.
                    self.conflicts += 1
                except Exception as error:
                    self.errors.append(error)
            self.seconds.append(time.monotonic() - before)

    def _edit(self, uid: uuid.UUID, chance: random.Random) -> None:
        with transaction() as session:
            applicant = session.get_one(Applicant, uid)
            if applicant.state == ApplicantState.ADMITTED:
                applicant.phone = f"+44-20-7946-{chance.randrange(10_000):04d}"
                session.flush()
                self.edited.add(uid)
