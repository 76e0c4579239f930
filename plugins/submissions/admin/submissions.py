"""The list of submissions, and the page of one: its answer as harmless text, its scores, its place in a queue."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from flask import Response, request
from sqlalchemy import func, select
from sqlalchemy.orm import defer, joinedload, selectinload

from plugins.submissions.admin.filters import TypeFilter
from plugins.submissions.admin.words import (
    ShownAnswer,
    item_cell,
    of_item,
    shown_answer,
    status_cell,
)
from plugins.submissions.models import GraderEntry, Score, Submission
from plugins.submissions.permissions import ANSWERS_VIEW, EXPORT, GRADERS_VIEW, SCORES_VIEW
from portal.sdk import current_actor, db, may
from portal.sdk.web import DateTimeBetweenFilter, Found, PortalModelView, expose, name_download, requires

MOST_SCORES = 50


@dataclass(frozen=True, kw_only=True)
class SubmissionFacts:
    """What the page of a submission shows; ``answer`` None: the actor may not read answers."""

    submission: Submission
    answer: ShownAnswer | None
    scores: tuple[Score, ...]
    entry: GraderEntry | None


class SubmissionView(PortalModelView):
    """Submissions."""

    introduction = "What was handed in, newest first. Cleared submissions stay listed."
    permission_export = EXPORT
    details_template = "submissions/submission.html"
    column_list = ("student", "item", "item_type", "attempt_number", "submitted_at", "status")
    column_export_list = (
        "uuid",
        "student",
        "course_id",
        "item",
        "item_type",
        "attempt_number",
        "submitted_at",
        "status",
    )
    column_labels: ClassVar[dict[str, str]] = {
        "student_item.student_id": "student or uuid",
        "course_id": "Course",
        "item_type": "Type",
        "attempt_number": "Attempt",
        "submitted_at": "Submitted",
    }
    column_searchable_list = ("student_item.student_id",)
    column_sortable_list = ("submitted_at",)
    column_default_sort = ("submitted_at", True)
    column_filters: ClassVar[list[Any]] = [
        TypeFilter(),
        DateTimeBetweenFilter(Submission.submitted_at, "Submitted"),
    ]
    column_formatters: ClassVar[dict[str, Any]] = {
        # Not a link to the student item: the first cell of a line leads to the submission itself.
        "student": of_item("student_id"),
        "item": item_cell,
        "status": status_cell,
    }
    column_formatters_export: ClassVar[dict[str, Any]] = {
        "item": of_item("item_id"),
        "uuid": lambda view, context, record, name: str(record.uuid),
    }

    def get_query(self) -> Any:
        """Return the query with students and without answers, which are long."""
        return super().get_query().options(defer(Submission.raw_answer), joinedload(Submission.student_item))

    def find(self, query: Any, wanted: str) -> Found:
        """Return what a search matches: a submission by its uuid, else those of students."""
        try:
            found = Submission.uuid == UUID(wanted.strip())
        except ValueError:
            return super().find(query, wanted)
        number = query.filter(found).with_entities(func.count(Submission.id)).scalar()
        return Found(condition=found, count=number, is_cut=False, whole=found)

    @expose("/details/")
    def details_view(self) -> Any:
        """Show the submission."""
        submission: Submission = self.get_one(request.args.get("id"))
        return self.render(self.details_template, model=submission, facts=facts_of(submission))

    @expose("/<int:submission_id>/answer.json")
    @requires(ANSWERS_VIEW)
    def answer(self, submission_id: int) -> Response:
        """Answer with the whole answer as a file, never shown in place."""
        submission: Submission = self.get_one(submission_id)
        return answer_file(submission.raw_answer, f"answer-{submission.uuid}.json")


def answer_file(raw: str, name: str) -> Response:
    """Return an answer as a download that no browser runs or guesses at."""
    response = Response(raw, mimetype="application/json")
    name_download(response, name, inline=False)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def facts_of(submission: Submission) -> SubmissionFacts:
    """Collect what the page shows: four statements at most. Reads only."""
    actor = current_actor()
    sees_answer, sees_scores, sees_queue = (
        may(actor, name) for name in (ANSWERS_VIEW, SCORES_VIEW, GRADERS_VIEW)
    )
    scores = (
        select(Score)
        .options(selectinload(Score.annotations))
        .where(Score.submission_id == submission.id)
        .order_by(Score.id.desc())
        .limit(MOST_SCORES)
    )
    entry = select(GraderEntry).where(GraderEntry.submission_id == submission.id)
    return SubmissionFacts(
        submission=submission,
        answer=shown_answer(submission.raw_answer) if sees_answer else None,
        scores=tuple(db.session.scalars(scores)) if sees_scores else (),
        entry=db.session.scalar(entry) if sees_queue else None,
    )
