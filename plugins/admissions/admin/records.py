"""Read-only lists of what belongs to applicants and students: study courses, files, histories."""

from typing import Any, ClassVar

from flask import url_for
from markupsafe import Markup

from plugins.admissions.admin.words import record_link
from plugins.admissions.api.transitions import STUDENT_TRANSITIONS, TRANSITIONS
from plugins.admissions.models import (
    ApplicantFile,
    ApplicantHistory,
    FileKind,
    StudentFile,
    StudentHistory,
    StudyCourse,
)
from plugins.admissions.permissions import APPLICANTS_EXPORT, STUDENTS_EXPORT
from portal.sdk.web import (
    BooleanEqualFilter,
    ChoiceFilter,
    DateTimeBetweenFilter,
    FilterEqual,
    PortalModelView,
    size,
)

_HISTORY_LABELS = {"at": "When", "text": "What", "actor_name": "By", "transition": "Transition"}


def _applicant_cell(view: Any, context: Any, record: Any, name: str) -> Any:
    return record_link("admissions_applicant", record.applicant.id, str(record.applicant))


def _student_cell(view: Any, context: Any, record: Any, name: str) -> Any:
    return record_link("admissions_student", record.student.id, str(record.student))


def _size_cell(view: Any, context: Any, record: Any, name: str) -> str:
    return size(record.stored.size_bytes)


def _bytes_cell(view: Any, context: Any, record: Any, name: str) -> int:
    size_bytes: int = record.stored.size_bytes
    return size_bytes


def _file_cell(endpoint: str) -> Any:
    def cell(view: Any, context: Any, record: Any, name: str) -> Any:
        return Markup('<a href="{}">{}</a>').format(
            url_for(f"{endpoint}.file", file_id=record.id), record.name
        )

    return cell


class StudyCourseView(PortalModelView):
    """Study courses of students."""

    introduction = "What students study: one line for each study course; earlier ones stay after transfers."
    permission_export = STUDENTS_EXPORT
    can_view_details = False
    column_list = (
        "student",
        "certificate",
        "entry_mode",
        "entry_session",
        "current_session",
        "current_level",
        "is_current",
    )
    column_labels: ClassVar[dict[str, str]] = {
        "is_current": "Current",
        "student.student_id": "student number",
        "student.fullname": "name",
        "certificate.code": "certificate",
    }
    column_searchable_list = ("student.student_id", "student.fullname", "certificate.code")
    column_sortable_list = ("entry_session",)
    column_filters_walked = ("current_level", "is_current")
    column_default_sort = ("id", True)
    column_filters: ClassVar[list[Any]] = [
        FilterEqual(StudyCourse.entry_session, "Entry session"),
        FilterEqual(StudyCourse.current_level, "Level"),
        BooleanEqualFilter(StudyCourse.is_current, "Current"),
    ]

    column_formatters: ClassVar[dict[str, Any]] = {
        "student": _student_cell,
        "entry_session": lambda view, context, record, name: record.entry_session_title,
    }


class ApplicantFileView(PortalModelView):
    """Files in applicants' folders."""

    introduction = "Files in the folders of applicants."
    permission_export = APPLICANTS_EXPORT
    can_view_details = False
    column_list = ("applicant", "kind", "name", "stored", "added_at")
    column_labels: ClassVar[dict[str, str]] = {
        "stored": "Size",
        "added_at": "Added",
        "applicant.applicant_id": "application",
        "applicant.fullname": "name",
    }
    column_searchable_list = ("applicant.applicant_id", "applicant.fullname")
    column_filters_walked = ("kind",)
    column_sortable_list = ("added_at",)
    column_default_sort = ("id", True)
    column_badges = ("kind",)
    column_filters: ClassVar[list[Any]] = [
        ChoiceFilter(ApplicantFile.kind, "Kind", list(FileKind)),
        DateTimeBetweenFilter(ApplicantFile.added_at, "Added"),
    ]

    column_formatters: ClassVar[dict[str, Any]] = {
        "applicant": _applicant_cell,
        "name": _file_cell("admissions_applicant"),
        "stored": _size_cell,
    }
    column_formatters_export: ClassVar[dict[str, Any]] = {"stored": _bytes_cell}


class StudentFileView(PortalModelView):
    """Files in students' folders."""

    introduction = "Files in the folders of students: slips, passport pictures, further files."
    permission_export = STUDENTS_EXPORT
    can_view_details = False
    column_list = ("student", "kind", "name", "stored", "added_at")
    column_labels: ClassVar[dict[str, str]] = {
        "stored": "Size",
        "added_at": "Added",
        "student.student_id": "student number",
        "student.fullname": "student",
    }
    column_searchable_list = ("student.student_id", "student.fullname")
    column_filters_walked = ("kind",)
    column_sortable_list = ("added_at",)
    column_default_sort = ("id", True)
    column_badges = ("kind",)
    column_filters: ClassVar[list[Any]] = [
        ChoiceFilter(StudentFile.kind, "Kind", list(FileKind)),
        DateTimeBetweenFilter(StudentFile.added_at, "Added"),
    ]

    column_formatters: ClassVar[dict[str, Any]] = {
        "student": _student_cell,
        "name": _file_cell("admissions_student"),
        "stored": _size_cell,
    }
    column_formatters_export: ClassVar[dict[str, Any]] = {"stored": _bytes_cell}


class ApplicantHistoryView(PortalModelView):
    """What happened to applications."""

    introduction = "What happened to applications, newest first."
    permission_export = APPLICANTS_EXPORT
    can_view_details = False
    column_list = ("at", "applicant", "text", "actor_name")
    column_labels: ClassVar[dict[str, str]] = {
        **_HISTORY_LABELS,
        "applicant.applicant_id": "application",
        "applicant.fullname": "name",
    }
    column_searchable_list = ("applicant.applicant_id", "applicant.fullname")
    column_filters_walked = ("transition",)
    column_sortable_list = ("at",)
    column_default_sort = ("id", True)
    column_filters: ClassVar[list[Any]] = [
        ChoiceFilter(ApplicantHistory.transition, "Transition", TRANSITIONS),
        DateTimeBetweenFilter(ApplicantHistory.at, "When"),
        FilterEqual(ApplicantHistory.actor_name, "By"),
    ]

    column_formatters: ClassVar[dict[str, Any]] = {"applicant": _applicant_cell}


class StudentHistoryView(PortalModelView):
    """What happened to student records."""

    introduction = "What happened to student records, newest first."
    permission_export = STUDENTS_EXPORT
    can_view_details = False
    column_list = ("at", "student", "text", "actor_name")
    column_labels: ClassVar[dict[str, str]] = {
        **_HISTORY_LABELS,
        "student.student_id": "student number",
        "student.fullname": "name",
    }
    column_searchable_list = ("student.student_id", "student.fullname")
    column_filters_walked = ("transition",)
    column_sortable_list = ("at",)
    column_default_sort = ("id", True)
    column_filters: ClassVar[list[Any]] = [
        ChoiceFilter(StudentHistory.transition, "Transition", STUDENT_TRANSITIONS),
        DateTimeBetweenFilter(StudentHistory.at, "When"),
        FilterEqual(StudentHistory.actor_name, "By"),
    ]

    column_formatters: ClassVar[dict[str, Any]] = {"student": _student_cell}
