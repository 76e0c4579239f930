"""Runs every check and test, area by area, and prints the time of each against its budget. ``make test`` calls it."""

import compileall
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOTAL_SECONDS = 600
WORKERS = "2"


@dataclass(frozen=True)
class Area:
    """Folders that are run together, and the seconds they may take on two cores."""

    name: str
    seconds: int
    folders: tuple[str, ...]


AREAS = (
    Area("unit and architecture", 120, ("tests/architecture", "tests/portal", "tests/plugins")),
    Area("walks", 120, ("tests/walks",)),
    # One long test beside many short ones: two cores are busy with them together, and one would idle with each alone.
    Area("browser and external plugin", 210, ("tests/external_plugin", "tests/browser")),
    Area("conformance", 60, ("tests/conformance",)),
)


def main() -> int:
    """Run all areas, also after a failure; return the exit status."""
    # Walks start hundreds of processes; each would compile the portal anew where nothing else keeps the bytecode.
    for folder in ("portal", "plugins"):
        compileall.compile_dir(ROOT / folder, quiet=1)
    results = [_timed("check", 60, ["make", "--no-print-directory", "check"])]
    for area in AREAS:
        present = [folder for folder in area.folders if (ROOT / folder).is_dir()]
        if present:
            command = [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-n",
                WORKERS,
                "--dist",
                "loadgroup",
                "--durations=5",
                *present,
            ]
            results.append(_timed(area.name, area.seconds, command))
    _report(results)
    return 0 if all(passed for _, _, _, passed in results) else 1


def _timed(name: str, budget: int, command: list[str]) -> tuple[str, float, int, bool]:
    print(f"\n=== {name}", flush=True)
    started = time.monotonic()
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    return name, time.monotonic() - started, budget, status == 0


def _report(results: list[tuple[str, float, int, bool]]) -> None:
    print(f"\n{'area':24} {'seconds':>8} {'budget':>8}")
    for name, seconds, budget, passed in results:
        remark = "" if seconds <= budget else "over budget"
        print(f"{name:24} {seconds:8.0f} {budget:8}  {'ok' if passed else 'FAILED':8} {remark}")
    total = sum(seconds for _, seconds, _, _ in results)
    print(f"{'all':24} {total:8.0f} {TOTAL_SECONDS:8}  on {os.cpu_count()} cores", flush=True)


if __name__ == "__main__":
    sys.exit(main())
