"""The list of student items."""

from typing import Any, ClassVar

from flask import request

from plugins.submissions.admin.filters import ItemFilter
from plugins.submissions.admin.item_page import ItemPages
from plugins.submissions.admin.words import code_cell, item_link
from plugins.submissions.models import StudentItem
from plugins.submissions.permissions import EXPORT, SCORES_UPLOAD
from portal.sdk import PageOrder, order_of
from portal.sdk.web import PortalModelView


def _student_cell(view: Any, context: Any, record: StudentItem, name: str) -> Any:
    return item_link(record.id, record.student_id)


class StudentItemView(ItemPages, PortalModelView):
    """Student items."""

    introduction = "One line for each student and item. Open one to see attempts, scores and history."
    permission_export = EXPORT
    details_template = "submissions/item.html"
    list_links = (("submissions_upload.index", "Upload scores", SCORES_UPLOAD),)
    column_list = ("student_id", "course_id", "item_id", "item_type")
    column_labels: ClassVar[dict[str, str]] = {
        "student_id": "Student",
        "course_id": "Course",
        "item_id": "Item",
        "item_type": "Type",
    }
    column_searchable_list = ("student_id",)
    column_sortable_list = ()
    column_default_sort = ("id", True)
    column_filters: ClassVar[list[Any]] = [ItemFilter(StudentItem)]
    column_formatters: ClassVar[dict[str, Any]] = {"student_id": _student_cell, "item_id": code_cell}

    def page_order(self, sort_column: Any, descending: bool) -> PageOrder:
        """Return the order of the list: newest first; of one item by student, as its index has them."""
        if any(name.startswith("flt") for name in request.args):
            return order_of(StudentItem, StudentItem.student_id)
        return super().page_order(sort_column, descending)
