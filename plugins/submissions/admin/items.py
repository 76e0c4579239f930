"""The list of student items."""

from typing import Any, ClassVar

from flask import g
from sqlalchemy import select

from plugins.submissions.admin.filters import ItemFilter
from plugins.submissions.admin.item_page import ItemPages
from plugins.submissions.admin.words import code_cell, item_link, points_text
from plugins.submissions.models import Score, ScoreSummary, StudentItem
from plugins.submissions.permissions import EXPORT, SCORES_UPLOAD, SCORES_VIEW
from portal.sdk import PageOrder, current_actor, db, may, order_of
from portal.sdk.web import PortalModelView


def _student_cell(view: Any, context: Any, record: StudentItem, name: str) -> Any:
    return item_link(record.id, record.student_id)


def _score_cell(view: Any, context: Any, record: StudentItem, name: str) -> Any:
    return points_text(g.submissions_scores.get(record.id))


class StudentItemView(ItemPages, PortalModelView):
    """Student items."""

    introduction = "One line for each student and item. Open one to see attempts, scores and history."
    permission_export = EXPORT
    details_template = "submissions/item.html"
    list_links = (("submissions_upload.index", "Upload scores", SCORES_UPLOAD),)
    column_list = ("student_id", "course_id", "item_id", "item_type", "score")
    column_export_list = ("student_id", "course_id", "item_id", "item_type")
    column_labels: ClassVar[dict[str, str]] = {
        "student_id": "Student",
        "course_id": "Course",
        "item_id": "Item",
        "item_type": "Type",
        "score": "Latest score",
    }
    column_searchable_list = ("student_id",)
    column_sortable_list = ()
    column_default_sort = ("id", True)
    column_filters: ClassVar[list[Any]] = [ItemFilter(StudentItem)]
    column_formatters: ClassVar[dict[str, Any]] = {
        "student_id": _student_cell,
        "item_id": code_cell,
        "score": _score_cell,
    }

    def get_list(self, *arguments: Any, **keywords: Any) -> tuple[int | None, list[StudentItem]]:
        """Return number and records of a page, and keep their latest scores for its cells."""
        number, items = super().get_list(*arguments, **keywords)
        g.submissions_scores = _latest_scores(items) if may(current_actor(), SCORES_VIEW) else {}
        return number, items

    def page_order(self, sort_column: Any, descending: bool) -> PageOrder:
        """Return the order of the list: newest first; of one item by student, as its index has them."""
        if self._get_list_extra_args().filters:
            return order_of(StudentItem, StudentItem.student_id)
        return super().page_order(sort_column, descending)


def _latest_scores(items: list[StudentItem]) -> dict[int, Score]:
    """Return student item → its latest score; one statement."""
    statement = select(ScoreSummary.student_item_id, Score).join(Score, Score.id == ScoreSummary.latest_id)
    found = db.session.execute(statement.where(ScoreSummary.student_item_id.in_([item.id for item in items])))
    return {row[0]: row[1] for row in found}
