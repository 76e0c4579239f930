"""What a measurement depends on: processor, load, memory, disk, versions."""

import importlib.metadata
import os
import platform
import sqlite3
import tempfile
import time
from pathlib import Path

import psutil

PACKAGES = ("SQLAlchemy", "psycopg", "rq", "weasyprint", "pydyf", "uharfbuzz", "pillow", "flask")


def description() -> dict[str, str]:
    """Return what the machine is and what runs on it, by name."""
    memory = psutil.virtual_memory()
    versions = [f"{name} {_version(name)}" for name in PACKAGES if _version(name)]
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores, {memory.total / 2**30:.0f} GB",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "load": load(),
        "disk": f"fsync {_fsync_milliseconds():.1f} ms",
        "versions": ", ".join([*versions, f"SQLite {sqlite3.sqlite_version}"]),
    }


def load() -> str:
    """Return the system's load of the last 1, 5 and 15 minutes."""
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _fsync_milliseconds() -> float:
    times = []
    with tempfile.TemporaryFile() as file:
        for _ in range(20):
            file.write(b"x" * 4096)
            file.flush()
            started = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 2] * 1000
