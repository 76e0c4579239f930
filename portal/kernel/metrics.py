"""Counters, gauges and histograms that all processes of one machine keep together, for ``/metrics``.

A process that shares its figures writes each change into a file mapped to memory, so a process that ends at once loses
none. A worker's forked children write one after the other into the same file; files of ended processes are added up.
"""

import contextlib
import fcntl
import os
import re
import socket
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

NAME_RULE = re.compile(r"(portal|plugin)_[a-z][a-z0-9_]*")
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: Seconds: from a page to a long chunk.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_PAST = "past"
_READ_TRIES = 3
_ENVIRONMENT = "PROMETHEUS_MULTIPROC_DIR"

M = TypeVar("M", Counter, Gauge, Histogram)


class Figure(Generic[M]):
    """A declared figure; the library's object is made at its first use, when the process knows where it writes.

    Args:
        words: What it counts, for whoever reads ``/metrics``.
        labels: Names of its labels. Values are few and known (a kind, a state), never a person's.
    """

    def __init__(self, kind: type[M], name: str, words: str, labels: Sequence[str], **options: Any) -> None:
        self.kind, self.name, self.words, self.label_names = kind, name, words, tuple(labels)
        self._options = options
        self._made: M | None = None

    def labels(self, *chosen: str) -> M:
        """Return the part of the figure with these values of its labels, in order."""
        return self._figure().labels(*chosen)

    def inc(self, amount: float = 1) -> None:
        """Add to a counter without labels."""
        self._figure().inc(amount)  # type: ignore[union-attr]

    def set(self, value: float) -> None:
        """Set a gauge without labels."""
        self._figure().set(value)  # type: ignore[union-attr]

    def observe(self, value: float) -> None:
        """Add a value to a histogram without labels."""
        self._figure().observe(value)  # type: ignore[union-attr]

    def forget(self) -> None:
        """Make it anew at its next use."""
        self._made = None

    def _figure(self) -> M:
        if self._made is None:
            with _state.lock:
                if self._made is None:
                    self._made = self.kind(
                        self.name, self.words, self.label_names, registry=_state.registry, **self._options
                    )
        return self._made


class _State:
    """What this process knows: its figures, and the folder and file name it shares them by."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.registry = CollectorRegistry()
        self.declared: dict[str, Figure[Any]] = {}
        self.folder: Path | None = None
        self.identity = ""


_state = _State()


def counter(name: str, words: str, labels: Sequence[str] = ()) -> Figure[Counter]:
    """Return the counter of this name, which ends in ``_total``; declare it at the top of a module.

    Raises:
        ValueError: when the name has no prefix ``portal_`` or ``plugin_<plugin>_``, or is another figure's.
    """
    return _declared(Figure(Counter, name, words, labels))


def gauge(name: str, words: str, labels: Sequence[str] = ()) -> Figure[Gauge]:
    """Return the gauge of this name; of several processes, who set it last is right.

    Raises:
        ValueError: as :func:`counter`.
    """
    return _declared(Figure(Gauge, name, words, labels, multiprocess_mode="mostrecent"))


def histogram(
    name: str, words: str, labels: Sequence[str] = (), *, buckets: Sequence[float] = BUCKETS
) -> Figure[Histogram]:
    """Return the histogram of this name; ``buckets`` are upper limits, in seconds unless the name says otherwise.

    Raises:
        ValueError: as :func:`counter`.
    """
    return _declared(Figure(Histogram, name, words, labels, buckets=tuple(buckets)))


def _declared(figure: Figure[M]) -> Figure[M]:
    if not NAME_RULE.fullmatch(figure.name):
        raise ValueError(f"{figure.name!r}: figures are named portal_… or plugin_<plugin>_…")
    known = _state.declared.setdefault(figure.name, figure)
    if (known.kind, known.label_names) != (figure.kind, figure.label_names):
        raise ValueError(f"{figure.name!r} is declared twice, with another type or other labels")
    return known


def folder_of(run_folder: Path) -> Path:
    """Return where the processes of this machine share their figures."""
    return run_folder / "metrics" / (re.sub(r"\W", "-", socket.gethostname())[:60] or "host")


def share(run_folder: Path, role: str) -> None:
    """Let this process share its figures from now on; the figures of ended processes are added up.

    Args:
        role: Of the process, such as ``web``.
    """
    folder = folder_of(run_folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder, fcntl.LOCK_EX):
        _add_up_ended(folder)
    _state.folder, _state.identity = folder, f"{role}-{os.getpid()}"
    os.environ[_ENVIRONMENT] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: _state.identity)
    _state.registry = CollectorRegistry()
    for figure in _state.declared.values():
        figure.forget()


def share_as_child() -> None:
    """Let a forked child write into the one file that all children of its parent use, one after the other."""
    if _state.folder is not None:
        _state.identity = f"child-{os.getppid()}"


def empty(run_folder: Path) -> None:
    """Remove every figure; only while no process of this machine shares any."""
    for file in folder_of(run_folder).glob("*.db"):
        file.unlink(missing_ok=True)


def exposition(further: Iterable[Metric] = ()) -> bytes:
    """Return all figures of this machine as text, ``further`` ones (read from the database) among them."""
    registry = CollectorRegistry()
    found = list(_collected())
    registry.register(_Given([*found, *further]))
    return generate_latest(registry)


class _Given:
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics


def _collected() -> Iterable[Metric]:
    folder = _state.folder
    if folder is None:
        return list(_state.registry.collect())
    for attempt in range(_READ_TRIES):
        try:
            with _locked(folder, fcntl.LOCK_SH):
                return list(MultiProcessCollector(None, str(folder)).collect())
        except Exception:  # noqa: BLE001 - the library says nothing about a file that is just being made
            if attempt == _READ_TRIES - 1:
                raise
    return ()


@contextmanager
def _locked(folder: Path, mode: int) -> Iterator[None]:
    with (folder / "lock").open("a+b") as file:
        fcntl.flock(file, mode)
        yield


def _add_up_ended(folder: Path) -> None:
    """Add the files of processes that have ended to one file per type, so that their number does not grow."""
    for file in folder.glob("*.db"):
        prefix, _, identity = file.stem.rpartition("_")
        process_id = identity.rpartition("-")[2]
        if not process_id.isdigit() or _is_alive(int(process_id)):
            continue
        # A file that was cut off while it was being made holds nothing worth keeping.
        with contextlib.suppress(Exception):
            _add_to(folder / f"{prefix}_{_PAST}.db", file, keep_newest=prefix.startswith("gauge"))
        file.unlink(missing_ok=True)


def _add_to(target: Path, source: Path, *, keep_newest: bool) -> None:
    found: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for key, value, timestamp, _ in MmapedDict.read_all_values_from_file(str(source)):
        found[key] = (value, timestamp)
    past = MmapedDict(str(target))
    try:
        for key, (value, timestamp) in found.items():
            before, at = past.read_value(key)
            if not keep_newest:
                past.write_value(key, before + value, 0.0)
            elif timestamp >= at:
                past.write_value(key, value, timestamp)
    finally:
        past.close()


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
