"""Finds the Chromium that browser tests drive. ``python -m portal.testing.browser`` prints its path or fails."""

import os
import shutil
import sys
from pathlib import Path

SETTING = "PORTAL_CHROMIUM"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def find_chromium() -> Path | None:
    """Return the browser named in ``PORTAL_CHROMIUM``, the first one on PATH or in /Applications, or None."""
    given = os.environ.get(SETTING)
    candidates = [given] if given else [*PROGRAMS, *APPLICATIONS]
    for candidate in candidates:
        found = shutil.which(candidate)
        if found:
            return Path(found)
    return None


if __name__ == "__main__":
    chromium = find_chromium()
    print(chromium or "no Chromium found")  # noqa: T201 - a command's answer
    sys.exit(chromium is None)
