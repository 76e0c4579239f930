"""The list of what teams handed in, and the page of one with its members."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import Response, request
from sqlalchemy import select
from sqlalchemy.orm import defer, joinedload

from plugins.submissions.admin.filters import ItemFilter
from plugins.submissions.admin.submissions import answer_file
from plugins.submissions.admin.words import ShownAnswer, shown_answer, status_cell
from plugins.submissions.models import Score, ScoreSummary, Submission, TeamSubmission
from plugins.submissions.permissions import ANSWERS_VIEW, EXPORT, SCORES_VIEW
from portal.sdk import User, current_actor, db, may
from portal.sdk.web import PortalModelView, expose, requires

MOST_MEMBERS = 200


@dataclass(frozen=True, kw_only=True)
class Member:
    """A member's submission, and the latest score of that student's item."""

    submission: Submission
    score: Score | None


@dataclass(frozen=True, kw_only=True)
class TeamFacts:
    """What the page of a team submission shows; ``answer`` None: the actor may not read answers."""

    answer: ShownAnswer | None
    members: Sequence[Member]
    by: str


class TeamSubmissionView(PortalModelView):
    """Team submissions."""

    introduction = "What teams handed in, newest first. Each member has a submission that refers to it."
    permission_export = EXPORT
    details_template = "submissions/team.html"
    column_list = ("team_id", "course_id", "item_id", "attempt_number", "submitted_at", "status")
    column_labels: ClassVar[dict[str, str]] = {
        "team_id": "Team",
        "course_id": "Course",
        "item_id": "Item",
        "attempt_number": "Attempt",
        "submitted_at": "Submitted",
    }
    column_searchable_list = ("team_id",)
    column_sortable_list = ()
    column_default_sort = ("id", True)
    column_filters: ClassVar[list[Any]] = [ItemFilter(TeamSubmission)]
    column_formatters: ClassVar[dict[str, Any]] = {"status": status_cell}

    def get_query(self) -> Any:
        """Return the query without answers, which are long."""
        return super().get_query().options(defer(TeamSubmission.raw_answer))

    @expose("/details/")
    def details_view(self) -> Any:
        """Show the team submission."""
        team: TeamSubmission = self.get_one(request.args.get("id"))
        return self.render(self.details_template, model=team, facts=facts_of(team))

    @expose("/<int:team_id>/answer.json")
    @requires(ANSWERS_VIEW)
    def answer(self, team_id: int) -> Response:
        """Answer with the whole answer as a file, never shown in place."""
        team: TeamSubmission = self.get_one(team_id)
        return answer_file(team.raw_answer, f"answer-{team.uuid}.json")


def facts_of(team: TeamSubmission) -> TeamFacts:
    """Collect what the page shows: two statements. Reads only."""
    actor = current_actor()
    statement = (
        select(Submission, Score)
        .options(defer(Submission.raw_answer), joinedload(Submission.student_item))
        .outerjoin(ScoreSummary, ScoreSummary.student_item_id == Submission.student_item_id)
        .outerjoin(Score, Score.id == ScoreSummary.latest_id)
        .where(Submission.team_submission_id == team.id)
        .order_by(Submission.id)
        .limit(MOST_MEMBERS)
    )
    sees_scores = may(actor, SCORES_VIEW)
    by = db.session.get(User, team.submitted_by) if team.submitted_by is not None else None
    return TeamFacts(
        answer=shown_answer(team.raw_answer) if may(actor, ANSWERS_VIEW) else None,
        members=[
            Member(submission=row[0], score=row[1] if sees_scores else None)
            for row in db.session.execute(statement)
        ],
        by=str(by) if by is not None else "",
    )
