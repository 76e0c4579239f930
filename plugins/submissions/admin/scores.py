"""The list of scores: the whole ledger, newest first, with who gave them and why."""

from typing import Any, ClassVar

from sqlalchemy.orm import joinedload, selectinload

from plugins.submissions.admin.words import item_cell, of_item, points_text, student_cell
from plugins.submissions.models import Score
from plugins.submissions.permissions import EXPORT, SCORES_UPLOAD
from portal.sdk.web import DateTimeBetweenFilter, PortalModelView, shown

_EXPORTED = (
    "created_at",
    "student",
    "course",
    "item",
    "points_earned",
    "points_possible",
    "reset",
    "by",
    "reason",
)


def _of_annotation(field: str) -> Any:
    def cell(view: Any, context: Any, record: Score, name: str) -> Any:
        told = [getattr(annotation, field) for annotation in record.annotations]
        return shown("; ".join(word for word in told if word))

    return cell


class ScoreView(PortalModelView):
    """Scores."""

    introduction = "Every score that was ever set, newest first: the ledger is never changed."
    permission_export = EXPORT
    can_view_details = False
    list_links = (("submissions_upload.index", "Upload scores", SCORES_UPLOAD),)
    column_list = ("created_at", "student", "item", "points", "by", "reason")
    column_export_list = _EXPORTED
    column_labels: ClassVar[dict[str, str]] = {
        "created_at": "When",
        "by": "Given by",
        "student_item.student_id": "student",
    }
    column_searchable_list = ("student_item.student_id",)
    column_sortable_list = ("created_at",)
    column_default_sort = ("created_at", True)
    column_filters: ClassVar[list[Any]] = [DateTimeBetweenFilter(Score.created_at, "When")]
    column_formatters: ClassVar[dict[str, Any]] = {
        "student": student_cell,
        "item": item_cell,
        "points": lambda view, context, record, name: points_text(record),
        "by": _of_annotation("creator"),
        "reason": _of_annotation("reason"),
    }

    column_formatters_export: ClassVar[dict[str, Any]] = {
        "student": of_item("student_id"),
        "course": of_item("course_id"),
        "item": of_item("item_id"),
    }

    def get_query(self) -> Any:
        """Return the query with students and annotations."""
        return super().get_query().options(joinedload(Score.student_item), selectinload(Score.annotations))
