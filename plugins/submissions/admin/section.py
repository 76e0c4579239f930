"""The section's own page: what comes in, the queues, all items; the page of one item; and what can be started there."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import redirect, request
from pydantic import BaseModel

from plugins.submissions.admin.charts import days_chart, distribution_chart, queues_chart
from plugins.submissions.admin.filters import pair_of, pair_text
from plugins.submissions.api.courses import COUNT_CAP, course_items, item_names
from plugins.submissions.api.figures import distribution, submissions_per_day, top_students
from plugins.submissions.api.queue import OPEN, queue_counts
from plugins.submissions.jobs import CheckLedger, ExportCourse
from plugins.submissions.models import GraderState
from plugins.submissions.permissions import EXPORT, GRADERS_VIEW, LEDGER_CHECK, SCORES_VIEW
from portal.sdk import NotFound, current_actor, may, transaction
from portal.sdk.jobs import draft, submit
from portal.sdk.web import PortalView, expose, institution, job_url, requires, sent_form_token

DAYS = 30
ITEMS_ON_PAGE = 50
LONGEST = 255


class SectionView(PortalView):
    """Overview of submissions."""

    @expose("/")
    def index(self) -> Any:
        """Show what came in, the queues and the items."""
        course = request.args.get("course", "").strip()[:LONGEST] or None
        names = item_names(_position(), ITEMS_ON_PAGE + 1, course)
        items = course_items(names[:ITEMS_ON_PAGE])
        days = submissions_per_day(DAYS, ZoneInfo(institution().time_zone))
        queues = queue_counts(*OPEN) if may(current_actor(), GRADERS_VIEW) else {}
        return self.render(
            "submissions/section.html",
            items=items,
            course=course,
            next_page=pair_text(*names[ITEMS_ON_PAGE - 1]) if len(names) > ITEMS_ON_PAGE else None,
            days=days,
            days_chart=days_chart(days, "Submissions", "submissions"),
            queues=queues,
            queues_chart=queues_chart(queues) if queues else None,
            waiting=_of_state(queues, GraderState.PENDING, GraderState.RETRY),
            failed=_of_state(queues, GraderState.FAILED),
            cap=COUNT_CAP,
            pair_text=pair_text,
        )

    @expose("/item")
    def item(self) -> Any:
        """Show one item: its students, the spread of their scores, the top of the list."""
        name = request.args.get("course", "")[:LONGEST], request.args.get("item", "")[:LONGEST]
        found = course_items([name])
        if not found or not found[0].students:
            raise NotFound("item-missing", "There is no such item, or you may not see it.")
        sees_scores = may(current_actor(), SCORES_VIEW)
        spread = distribution(*name) if sees_scores else None
        return self.render(
            "submissions/course_item.html",
            item=found[0],
            spread=spread,
            spread_chart=distribution_chart(spread) if spread is not None and spread.total else None,
            top=top_students(*name, found[0].item_type) if sees_scores else [],
            cap=COUNT_CAP,
            pair=pair_text(*name),
        )

    @expose("/export", methods=("POST",))
    @requires(EXPORT)
    def start_export(self) -> Any:
        """Start the export of a course, or of one of its items, and lead to its job."""
        scope, _, form = request.form.get("wanted", "").partition(":")
        item = request.form.get("item_id") if scope == "item" else None
        params = {"course_id": request.form.get("course_id", ""), "item_id": item, "format": form}
        return _started(ExportCourse.name, params)

    @expose("/check-ledger", methods=("POST",))
    @requires(LEDGER_CHECK)
    def check_ledger(self) -> Any:
        """Start the check of the ledger, and lead to its job."""
        return _started(CheckLedger.name, {"repair": request.form.get("repair") == "1"})


def _position() -> tuple[str, str]:
    try:
        return pair_of(request.args.get("after", ""))
    except ValueError:
        return "", ""


def _of_state(queues: dict[str, dict[GraderState, int]], *states: GraderState) -> int:
    return sum(counts.get(state, 0) for counts in queues.values() for state in states)


def _started(kind: str, params: dict[str, Any] | BaseModel) -> Any:
    request_made = draft(kind, params, current_actor(), idempotency_key=sent_form_token())
    with transaction():
        job_id = submit(request_made, apply=True).id
    return redirect(job_url(job_id))
