"""The figures of the job engine: jobs by how they ended, rows by outcome, seconds per chunk."""

import logging
from collections import Counter
from collections.abc import Iterable

from portal.jobs.states import JobState, RowState
from portal.kernel import metrics

log = logging.getLogger(__name__)

JOBS = metrics.counter("portal_jobs_ended_total", "Jobs by kind and how they ended.", ("kind", "state"))
ROWS = metrics.counter("portal_rows_total", "Rows of jobs by kind and outcome.", ("kind", "outcome"))
CHUNK = metrics.histogram(
    "portal_chunk_seconds", "Time that a chunk of rows took, prepared and applied.", ("kind",)
)


def count_job(kind: str, state: JobState) -> None:
    """Count a job that has ended, and tell the log."""
    JOBS.labels(kind, state.value).inc()
    log.info("a job of the kind %s is %s", kind, state.value)


def count_rows(kind: str, outcomes: Iterable[RowState]) -> None:
    """Count rows that have their outcome."""
    for state, count in Counter(outcomes).items():
        ROWS.labels(kind, state.value).inc(count)
