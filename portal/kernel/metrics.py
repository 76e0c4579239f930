"""Counters, gauges and histograms that all processes of one machine keep together, for ``/metrics``.

A process that shares its figures writes each change into a file mapped to memory, so a process that ends at once loses
none. A worker's forked children write one after the other into the same file; files of ended processes are added up.
"""

import contextlib
import fcntl
import os
import re
import socket
import struct
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
#: What a file raises that is not whole.
TORN = (struct.error, ValueError, RuntimeError, OSError, LookupError)
_ENVIRONMENT = "PROMETHEUS_MULTIPROC_DIR"

M = TypeVar("M", Counter, Gauge, Histogram)
F = TypeVar("F", bound="Figure[Any]")

# Parts of the library without types.
_mapped_file: Any = MmapedDict
_collector: Any = MultiProcessCollector
_shared_value: Any = values.MultiProcessValue


class Figure(Generic[M]):
    """A declared figure; the library's object is made at its first use, when the process knows where it writes.

    Args:
        words: What it counts, for whoever reads ``/metrics``.
        labels: Names of its labels. Values are few and known (a kind, a state), never a person's.
    """

    kind: type[M]

    def __init__(self, name: str, words: str, labels: Sequence[str], **options: Any) -> None:
        self.name, self.words, self.label_names = name, words, tuple(labels)
        self._options = options
        self._made: M | None = None

    def labels(self, *chosen: str) -> M:
        """Return the part of the figure with these values of its labels, in order."""
        return self.made().labels(*chosen)

    def forget(self) -> None:
        """Make it anew at its next use."""
        self._made = None

    def made(self) -> M:
        """Return the library's object."""
        if self._made is None:
            with _state.lock:
                if self._made is None:
                    self._made = self.kind(
                        self.name, self.words, self.label_names, registry=_state.registry, **self._options
                    )
        return self._made


class CounterFigure(Figure[Counter]):
    """A number that only grows."""

    kind = Counter

    def inc(self, amount: float = 1) -> None:
        """Add to it, when it has no labels."""
        self.made().inc(amount)


class GaugeFigure(Figure[Gauge]):
    """A number that goes up and down."""

    kind = Gauge

    def set(self, value: float) -> None:
        """Set it, when it has no labels."""
        self.made().set(value)


class HistogramFigure(Figure[Histogram]):
    """How values are spread."""

    kind = Histogram

    def observe(self, value: float) -> None:
        """Add a value, when it has no labels."""
        self.made().observe(value)


class _State:
    """What this process knows: its figures, and the folder and file name it shares them by."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.registry = CollectorRegistry()
        self.declared: dict[str, Figure[Any]] = {}
        self.folder: Path | None = None
        self.identity = ""


_state = _State()


def counter(name: str, words: str, labels: Sequence[str] = ()) -> CounterFigure:
    """Return the counter of this name, which ends in ``_total``; declare it at the top of a module.

    Raises:
        ValueError: when the name has no prefix ``portal_`` or ``plugin_<plugin>_``, or is another figure's.
    """
    return _declared(CounterFigure(name, words, labels))


def gauge(name: str, words: str, labels: Sequence[str] = ()) -> GaugeFigure:
    """Return the gauge of this name; of several processes, who set it last is right.

    Raises:
        ValueError: as :func:`counter`.
    """
    return _declared(GaugeFigure(name, words, labels, multiprocess_mode="mostrecent"))


def histogram(
    name: str, words: str, labels: Sequence[str] = (), *, buckets: Sequence[float] = BUCKETS
) -> HistogramFigure:
    """Return the histogram of this name; ``buckets`` are upper limits, in seconds unless the name says otherwise.

    Raises:
        ValueError: as :func:`counter`.
    """
    return _declared(HistogramFigure(name, words, labels, buckets=tuple(buckets)))


def _declared(figure: F) -> F:
    if not NAME_RULE.fullmatch(figure.name):
        raise ValueError(f"{figure.name!r}: figures are named portal_… or plugin_<plugin>_…")
    known = _state.declared.setdefault(figure.name, figure)
    if not isinstance(known, type(figure)) or known.label_names != figure.label_names:
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
    values.ValueClass = _shared_value(lambda: _state.identity)
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
                return list(_collector(None, str(folder)).collect())
        except TORN:
            # A file that is just being made.
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
        with contextlib.suppress(*TORN):
            _add_to(folder / f"{prefix}_{_PAST}.db", file, keep_newest=prefix.startswith("gauge"))
        file.unlink(missing_ok=True)


def _add_to(target: Path, source: Path, *, keep_newest: bool) -> None:
    found: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for key, value, timestamp, _ in _mapped_file.read_all_values_from_file(str(source)):
        found[key] = (value, timestamp)
    past = _mapped_file(str(target))
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
