"""Pages of faculties, departments and certificates."""

from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import select
from wtforms import SelectField

from plugins.admissions.admin.words import code_cell
from plugins.admissions.forms import CATEGORIES, LABELS, STUDY_MODES
from plugins.admissions.models import Certificate, Department
from plugins.admissions.models.vocabulary import CATEGORY_TITLES, STUDY_MODE_TITLES
from plugins.admissions.permissions import ACADEMICS_EDIT, ACADEMICS_VIEW
from portal.sdk import db
from portal.sdk.web import ChoiceFilter, PortalModelView, RelatedFilter


class FacultyView(PortalModelView):
    """Faculties, which hold departments."""

    introduction = "The parts of the university. Departments belong to a faculty."
    permission_create = permission_edit = permission_delete = ACADEMICS_EDIT
    permission_export = ACADEMICS_VIEW
    column_list = ("code", "title")
    column_details_list = ("code", "title", "departments")
    column_searchable_list = ("code", "title")
    column_default_sort = "title"
    form_columns = ("code", "title")


class DepartmentView(PortalModelView):
    """Departments, which offer certificates."""

    introduction = "Departments of the faculties. Certificates belong to a department."
    permission_create = permission_edit = permission_delete = ACADEMICS_EDIT
    permission_export = ACADEMICS_VIEW
    column_list = ("code", "title", "faculty")
    column_details_list = ("code", "title", "faculty", "certificates")
    column_searchable_list = ("code", "title", "faculty.title")
    column_sortable_list = ("code", "title")
    column_default_sort = "title"
    form_columns = ("code", "title", "faculty")
    form_ajax_refs: ClassVar[dict[str, Any]] = {
        "faculty": {"fields": ("code", "title"), "placeholder": "Choose one"}
    }


def _departments() -> list[tuple[str, str]]:
    found = db.session.execute(
        select(Department.id, Department.code, Department.title).order_by(Department.title)
    )
    return [(str(key), f"{code} – {title}") for key, code, title in found]


class CertificateView(PortalModelView):
    """Certificates: the study programmes that people apply for and are admitted to."""

    introduction = (
        "The study programmes that applicants are admitted to. One that is removed stays shown where it was chosen; "
        "nobody admitted to it can become a student until another one is chosen."
    )
    permission_create = permission_edit = permission_delete = ACADEMICS_EDIT
    permission_export = ACADEMICS_VIEW
    column_list = ("code", "title", "department", "study_mode", "start_level", "application_category")
    column_details_list = column_list
    column_labels: ClassVar[dict[str, str]] = {**LABELS, "application_category": "Category"}
    column_searchable_list = ("code", "title", "department.title")
    column_sortable_list = ("code", "title")
    column_filters_walked = ("study_mode",)
    column_default_sort = "code"
    column_filters: ClassVar[list[Any]] = [
        ChoiceFilter(Certificate.application_category, "Category", CATEGORY_TITLES),
        ChoiceFilter(Certificate.study_mode, "Study mode", STUDY_MODE_TITLES),
        RelatedFilter(Certificate.department_id, "Department", _departments, UUID),
    ]
    form_columns = ("code", "title", "department", "study_mode", "start_level", "application_category")
    form_ajax_refs: ClassVar[dict[str, Any]] = {
        "department": {"fields": ("code", "title"), "placeholder": "Choose one"}
    }
    form_overrides: ClassVar[dict[str, Any]] = {
        "study_mode": SelectField,
        "application_category": SelectField,
    }
    form_args: ClassVar[dict[str, Any]] = {
        "study_mode": {"choices": STUDY_MODES},
        "start_level": {"description": "100 is the first year of undergraduates."},
        "application_category": {
            "label": "Category",
            "choices": CATEGORIES,
            "description": "Containers of this category may offer it.",
        },
    }

    column_formatters: ClassVar[dict[str, Any]] = {
        "code": code_cell,
        "study_mode": lambda view, context, record, name: STUDY_MODE_TITLES.get(
            record.study_mode, record.study_mode
        ),
        "application_category": lambda view, context, record, name: CATEGORY_TITLES.get(
            record.application_category, record.application_category
        ),
    }
