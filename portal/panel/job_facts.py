"""What the pages of a job say: kind, figures, estimates, what may be done with it."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from portal.jobs.kinds import RowJob
from portal.jobs.models import Job
from portal.jobs.queries import CodeCount, counts_by_code, rows_per_second, seconds_left
from portal.jobs.states import ENDED, Closing, JobState, RowState
from portal.kernel.db import db
from portal.panel.undo_facts import UndoFacts
from portal.web.formatting import count

#: A smaller job says nothing about the pace: it is over before it has begun.
MEASURED_ROWS = 20
PAGE_ROWS = 50
#: Tone of each outcome in bars and figures.
TONES = {"done": "good", "unchanged": "calm", "refused": "wait", "failed": "bad", "cancelled": "calm"}


@dataclass(frozen=True)
class JobFacts(UndoFacts):
    """A job with what its page shows beside the stored columns."""

    job: Job

    @property
    def kind_title(self) -> str:
        return self.kind.title if self.kind is not None else self.job.kind

    @property
    def has_rows(self) -> bool:
        return self.kind is None or isinstance(self.kind, RowJob)

    @property
    def awaits_confirmation(self) -> bool:
        return self.job.state in (JobState.PLANNED, JobState.AWAITING_APPROVAL)

    @property
    def has_ended(self) -> bool:
        return self.job.state in ENDED

    @property
    def is_moving(self) -> bool:
        return self.job.state in (JobState.PLANNING, JobState.RUNNING)

    @property
    def parts(self) -> list[tuple[str, int]]:
        """Tone and number of each kind of outcome, for the bar."""
        job = self.job
        if not self.has_rows:
            return [("run", job.progress_done)]
        return [(tone, getattr(job, f"{state}_count")) for state, tone in TONES.items()]

    @property
    def total(self) -> int | None:
        return self.job.rows_count if self.has_rows else self.job.progress_total

    @property
    def ended_count(self) -> int:
        return self.job.rows_count - self.job.pending_count if self.has_rows else self.job.progress_done

    @property
    def figures(self) -> list[tuple[str, int, str]]:
        """Label, number and tone of each outcome that occurs; “done” always."""
        found = [(state, getattr(self.job, f"{state}_count"), tone) for state, tone in TONES.items()]
        return [
            (self.row_words.get(state, state), number, tone if number else "")
            for state, number, tone in found
            if number or state == "done"
        ]

    def summary(self) -> str:
        """Return the outcome in one line for lists."""
        job = self.job
        if not self.has_rows:
            return f"{count(job.progress_done)} of {count(job.progress_total)}" if job.progress_total else "–"
        words = [f"{count(number)} {label}" for label, number, _ in self.figures if number]
        return " · ".join(words) or f"{count(job.rows_count)} planned"

    @property
    def rate(self) -> float | None:
        return rows_per_second(self.job)

    @property
    def left_seconds(self) -> float | None:
        return seconds_left(self.job)

    @property
    def took_seconds(self) -> float | None:
        if self.job.started_at is None or self.job.finished_at is None:
            return None
        return (self.job.finished_at - self.job.started_at) / timedelta(seconds=1)

    def counts_by_code(self) -> list[CodeCount]:
        """Return row counts by state, action and code; empty for a task."""
        return counts_by_code(self.job.id) if self.has_rows else []

    @property
    def estimated_seconds(self) -> float:
        """How long applying will take: from the last job of the kind that did something, else the kind's guess."""
        guess = self.kind.seconds_per_row if isinstance(self.kind, RowJob) else 0.0
        return self.job.pending_count * (_measured_seconds_per_row(self.job) or guess)

    @property
    def closing(self) -> Closing:
        kind = self.kind
        if not isinstance(kind, RowJob):
            return Closing.NEVER
        return kind.closes_portal(kind.Params.model_validate(self.job.params))

    @property
    def may_retry(self) -> bool:
        job = self.job
        again = job.refused_count + job.failed_count
        ended = job.state in (JobState.FINISHED, JobState.CANCELLED)
        return bool(again) and ended and self.undone_by is None and self.may_change

    @property
    def may_resume(self) -> bool:
        stopped = self.job.state in (JobState.CANCELLED, JobState.FAILED)
        return stopped and self.undone_by is None and self.may_change

    @property
    def may_cancel(self) -> bool:
        return self.may_change and self.is_moving and self.job.cancel_requested_at is None

    @property
    def warning_template(self) -> str | None:
        return self.kind.warning_template if isinstance(self.kind, RowJob) else None

    @property
    def row_states(self) -> list[str]:
        return [state.value for state in RowState]


def facts_of(job: Job) -> JobFacts:
    """Return the facts of a job as it is in the database now."""
    db.session.refresh(job)
    return JobFacts(job)


def _measured_seconds_per_row(job: Job) -> float | None:
    same = Job.undoes_id.is_(None) if job.undoes_id is None else Job.undoes_id.is_not(None)
    last = db.session.scalar(
        select(Job)
        .where(Job.kind == job.kind, same, Job.state == JobState.FINISHED, Job.done_count >= MEASURED_ROWS)
        .order_by(Job.created_at.desc())
        .limit(1)
    )
    if last is None or last.started_at is None or last.finished_at is None:
        return None
    return (last.finished_at - last.started_at) / timedelta(seconds=1) / last.done_count
