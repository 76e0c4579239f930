"""Pages of containers: list, form, and the page from which a container's students are created."""

from typing import Any, ClassVar

from flask import flash, redirect, request, url_for
from sqlalchemy import inspect
from wtforms import SelectField
from wtforms.validators import Optional

from plugins.admissions.admin.charts import states_chart
from plugins.admissions.admin.creating import plan_creation
from plugins.admissions.admin.words import code_cell
from plugins.admissions.api.applicants import counts_by_state
from plugins.admissions.api.containers import add_container, check_container
from plugins.admissions.forms import (
    CATEGORIES,
    LABELS,
    MODES,
    PREFIXES,
    InstantField,
    made_optional,
    not_negative,
    without,
)
from plugins.admissions.models import ApplicantState, Container
from plugins.admissions.models.vocabulary import CATEGORY_TITLES, PREFIX_TITLES
from plugins.admissions.permissions import CONTAINERS_EDIT, CONTAINERS_VIEW, STUDENTS_CREATE_ALL
from portal.sdk import Conflict
from portal.sdk.web import ChoiceFilter, PortalModelView, expose, requires

_FIXED = {"prefix", "container_number"}
_FORM = (
    "prefix",
    "year",
    "container_number",
    "title",
    "application_category",
    "mode",
    "startdate",
    "enddate",
    "strict_deadline",
    "application_fee",
    "with_picture",
    "send_email",
    "hidden",
    "description",
    "application_slip_notice",
)


class ContainerView(PortalModelView):
    """Containers: groups of applications of one type and entry session."""

    introduction = "A container holds the applications of one type and entry session."
    permission_create = permission_edit = permission_delete = CONTAINERS_EDIT
    permission_export = CONTAINERS_VIEW
    details_template = "admissions/container.html"
    column_list = ("code", "title", "application_category", "year", "startdate", "enddate", "application_fee")
    column_labels: ClassVar[dict[str, str]] = {
        **LABELS,
        "application_category": "Category",
        "year": "Entry session",
        "startdate": "Opens",
        "enddate": "Closes",
        "application_fee": "Fee",
    }
    column_searchable_list = ("code", "title")
    column_sortable_list = ("code", "title", "year", "startdate", "enddate")
    column_default_sort = ("enddate", True)
    column_filters_walked = ("prefix", "application_category")
    column_filters: ClassVar[list[Any]] = [
        ChoiceFilter(Container.prefix, "Type", PREFIX_TITLES),
        ChoiceFilter(Container.application_category, "Category", CATEGORY_TITLES),
    ]
    form_columns = _FORM
    form_overrides: ClassVar[dict[str, Any]] = {
        "prefix": SelectField,
        "application_category": SelectField,
        "mode": SelectField,
        "startdate": InstantField,
        "enddate": InstantField,
    }
    form_args: ClassVar[dict[str, Any]] = {
        "prefix": {
            "label": "Type",
            "choices": PREFIXES,
            "description": "Begins every application id; fixed for ever.",
        },
        "year": {
            "label": "Year of entrance",
            "description": "First year of the entry session, such as 2026 for 2026/2027. Without it no student can be created.",
        },
        "container_number": {
            "label": "Number",
            "description": "1 to 99, instead of the year in the code: app3 instead of app2026.",
        },
        "title": {"description": "Made of type and session when left empty."},
        "application_category": {"label": "Category", "choices": CATEGORIES},
        "mode": {"choices": MODES},
        "startdate": {"label": "Opens", "validators": [Optional()]},
        "enddate": {"label": "Closes", "validators": [Optional()]},
        "strict_deadline": {"description": "After closing, applicants cannot change or submit anything."},
        "application_fee": {"label": "Fee", "validators": [not_negative]},
        "with_picture": {"label": "Passport picture", "description": "Asked for and printed on the slip."},
        "send_email": {"label": "Confirm submission by e-mail"},
        "hidden": {"description": "Not listed for visitors."},
        "application_slip_notice": {"label": "Notice on the slip"},
    }
    form_widget_args: ClassVar[dict[str, Any]] = {
        "description": {"rows": 4},
        "application_slip_notice": {"rows": 4},
    }

    column_formatters: ClassVar[dict[str, Any]] = {
        "code": code_cell,
        "year": lambda view, context, record, name: record.session_title,
        "application_category": lambda view, context, record, name: CATEGORY_TITLES.get(
            record.application_category, record.application_category
        ),
    }

    def get_create_form(self) -> Any:
        """Return the form of a new container; the title may be left to the portal."""
        return made_optional(super().get_create_form(), "title")

    def get_edit_form(self) -> Any:
        """Return the form without what never changes."""
        return without(super().get_edit_form(), _FIXED)

    def create_model(self, form: Any) -> Any:
        """Return the new container, or False when it was refused; its code follows from type, year and number."""
        values = {name: form[name].data for name in _FORM}
        return self._write(form, lambda session: add_container(values)) or False

    def on_model_change(self, form: Any, model: Any, is_created: bool) -> None:
        """Hold a container to its rules.

        Raises:
            InvalidInput, Conflict: naming the field.
        """
        check_container({name: getattr(model, name) for name in _FORM})
        before = inspect(model).attrs.year.history.deleted
        if before and before[0] is not None and model.container_number is None:
            raise Conflict(
                "year-is-fixed", f"The year is part of the code {model.code} and stays.", {"field": "year"}
            )

    @expose("/details/")
    def details_view(self) -> Any:
        """Show the container with its figures and what can be started from it."""
        container: Container = self.get_one(request.args.get("id"))
        counts = counts_by_state(container.id)
        return self.render(
            self.details_template,
            model=container,
            counts=counts,
            state_chart=states_chart(counts),
            total=sum(counts.values()),
            admitted=counts[ApplicantState.ADMITTED],
            category=CATEGORY_TITLES.get(container.application_category, container.application_category),
        )

    @expose("/create-students", methods=("POST",))
    @requires(STUDENTS_CREATE_ALL)
    def create_students(self) -> Any:
        """Plan the creation of the container's students and lead to the warning page."""
        container: Container = self.get_one(request.form.get("id"))
        if not counts_by_state(container.id)[ApplicantState.ADMITTED]:
            flash("Nobody in this container is admitted, so there is nobody to create.", "warning")
            return redirect(url_for(".details_view", id=container.id))
        return plan_creation({"scope": "container", "container": container.code})
