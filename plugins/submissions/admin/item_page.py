"""The page of one student item: attempts, scores with who gave them and why, and what a person may do about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, load_only, selectinload

from plugins.submissions.api.actions import override_score, reset_item, restore_item
from plugins.submissions.models import Score, ScoreSummary, StudentItem, Submission, SubmissionStatus
from plugins.submissions.permissions import SCORES_RESET, SCORES_SET, SCORES_VIEW, STATE_CLEAR
from portal.sdk import PortalError, current_actor, db, may, run_in_transaction
from portal.sdk.web import expose, requires

#: Of each list on the page, the newest.
MOST_ATTEMPTS, MOST_SCORES = 50, 100


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A submission without its answer; ``characters``: how long that is as JSON."""

    submission: Submission
    characters: int

    @property
    def is_active(self) -> bool:
        return self.submission.status == SubmissionStatus.ACTIVE


@dataclass(frozen=True, kw_only=True)
class ItemFacts:
    """What the page of a student item shows beside the record itself."""

    item: StudentItem
    attempts: Sequence[Attempt]
    scores: Sequence[Score]
    summary: ScoreSummary | None

    @property
    def has_active(self) -> bool:
        return any(attempt.is_active for attempt in self.attempts)

    @property
    def has_cleared(self) -> bool:
        return any(not attempt.is_active for attempt in self.attempts)


def facts_of(item: StudentItem) -> ItemFacts:
    """Collect what the page shows: six statements at most. Reads only."""
    sees_scores = may(current_actor(), SCORES_VIEW)
    return ItemFacts(
        item=item,
        attempts=_attempts(item),
        scores=_scores(item) if sees_scores else (),
        summary=_summary(item) if sees_scores else None,
    )


def _attempts(item: StudentItem) -> list[Attempt]:
    columns = load_only(
        Submission.id,
        Submission.uuid,
        Submission.attempt_number,
        Submission.submitted_at,
        Submission.status,
        Submission.team_submission_id,
    )
    statement = (
        select(Submission, func.length(Submission.raw_answer))
        .options(columns)
        .where(Submission.student_item_id == item.id)
        .order_by(Submission.submitted_at.desc(), Submission.id.desc())
        .limit(MOST_ATTEMPTS)
    )
    return [Attempt(submission=row[0], characters=row[1]) for row in db.session.execute(statement)]


def _scores(item: StudentItem) -> Sequence[Score]:
    statement = (
        select(Score)
        .options(selectinload(Score.annotations))
        .options(joinedload(Score.submission).load_only(Submission.id, Submission.attempt_number))
        .where(Score.student_item_id == item.id)
        .order_by(Score.id.desc())
        .limit(MOST_SCORES)
    )
    return db.session.scalars(statement).all()


def _summary(item: StudentItem) -> ScoreSummary | None:
    statement = select(ScoreSummary).where(ScoreSummary.student_item_id == item.id)
    loaded = (joinedload(ScoreSummary.latest), joinedload(ScoreSummary.highest))
    return db.session.scalar(statement.options(*loaded))


class ItemPages:
    """The routes below one student item; mixed into the list's view."""

    details_template: str

    @expose("/details/")
    def details_view(self) -> Any:
        """Show the student item."""
        item = self._item(request.args.get("id"))
        return self.render(self.details_template, model=item, facts=facts_of(item))  # type: ignore[attr-defined]

    @expose("/override", methods=("POST",))
    @requires(SCORES_SET)
    def override(self) -> Any:
        """Set the score by hand, with the reason."""
        earned, possible = request.form.get("earned", ""), request.form.get("possible", "")
        return self._do(
            lambda item: override_score(item.id, earned, possible, request.form.get("reason", "")),
            f"The score is {earned}/{possible} now.",
        )

    @expose("/reset", methods=("POST",))
    @requires(SCORES_RESET)
    def reset(self) -> Any:
        """Reset the score, with the reason."""
        return self._do(
            lambda item: reset_item(item.id, clear=False, reason=request.form.get("reason", "")),
            "The score is reset.",
        )

    @expose("/clear", methods=("POST",))
    @requires(STATE_CLEAR)
    def clear(self) -> Any:
        """Reset the score and clear what was handed in, with the reason."""
        return self._do(
            lambda item: reset_item(item.id, clear=True, reason=request.form.get("reason", "")),
            "What was handed in is cleared and the score is reset. It can be restored here.",
        )

    @expose("/restore", methods=("POST",))
    @requires(STATE_CLEAR)
    def restore(self) -> Any:
        """Bring back what was cleared."""
        return self._do(
            lambda item: restore_item(item.id),
            "What was cleared is back. Its scores stay reset: set one where it should count.",
        )

    def _do(self, what: Callable[[StudentItem], Any], done: str) -> Any:
        item = self._item(request.form.get("id"))
        page = url_for("submissions_student_item.details_view", id=item.id)
        try:
            run_in_transaction(lambda: what(item))
        except PortalError as problem:
            flash(problem.message, "error")
        else:
            flash(done, "success")
        return redirect(page)

    def _item(self, key: Any) -> StudentItem:
        found: StudentItem = self.get_one(key)  # type: ignore[attr-defined]
        return found
