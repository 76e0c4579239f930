"""Named points at which a soak run may kill this process, to prove that nothing is lost there."""

import os
import random
import signal
from pathlib import Path

POINTS = (
    "claimed",
    "prepared",
    "blobs-in-temp",
    "synced",
    "renamed",
    "rows-flushed",
    "before-commit",
    "after-commit",
    "before-wake-up",
    "after-wake-up",
)

# "name:probability" or "any:probability"; unset in every normal run.
_FAULT = os.environ.get("PORTAL_FAULT", "")


def point(name: str) -> None:
    """Die here, as by ``kill -9``, when ``PORTAL_FAULT`` asks for it; do nothing otherwise."""
    if not _FAULT:
        return
    wanted, _, probability = _FAULT.partition(":")
    if wanted in (name, "any") and random.random() < float(probability or 1):  # noqa: S311 - not a secret
        log = os.environ.get("PORTAL_FAULT_LOG")
        if log:
            with Path(log).open("a", encoding="utf-8") as file:
                file.write(f"{name}\n")
        os.kill(os.getpid(), signal.SIGKILL)
