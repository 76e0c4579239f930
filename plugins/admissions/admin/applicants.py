"""The list and forms of applicants, and what can be done with a selection of them."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from flask import flash
from sqlalchemy import inspect, select
from wtforms import DateField, SelectField
from wtforms.validators import Optional

from plugins.admissions.admin.applicant_page import ApplicantPages
from plugins.admissions.admin.creating import plan_creation
from plugins.admissions.admin.filters import certificates, container_filter
from plugins.admissions.admin.words import STATE_TONES, code_cell, record_link
from plugins.admissions.api.applicants import add_applicant
from plugins.admissions.api.workflow import MOST_AT_ONCE, TransitionOutcome, transition_many
from plugins.admissions.errors import ALREADY_CREATED, CERTIFICATE_WRONG_CATEGORY
from plugins.admissions.forms import LABELS, SEXES, SPECIALS, CertificateField, keeps_rule, without
from plugins.admissions.models import Applicant, ApplicantState, Certificate, Container
from plugins.admissions.models.vocabulary import SEX_TITLES
from plugins.admissions.permissions import (
    APPLICANTS_EDIT,
    APPLICANTS_EXPORT,
    APPLICANTS_IMPORT,
    APPLICANTS_TRANSITION,
    STUDENTS_CREATE,
)
from portal.sdk import Conflict, InvalidInput, db, transaction
from portal.sdk.web import (
    BooleanEqualFilter,
    ChoiceFilter,
    DateBetweenFilter,
    PortalModelView,
    RelatedFilter,
    portal_action,
)

_PERSON = ("firstname", "middlename", "lastname", "sex", "date_of_birth", "email", "phone", "reg_number")
_CHOICES = ("course1", "course2")
_COURSES = (*_CHOICES, "course_admitted")
_LATER = ("special_application", "student_id", "application_date", "created_at")
_NEW = ("container", *_PERSON, "course1", "course2", "special_application", "notice")
_CHANGED = (*_PERSON, *_COURSES, "special_application", "notice", "locked", "suspended")


def _name_cell(view: Any, context: Any, record: Applicant, name: str) -> Any:
    return record_link("admissions_applicant", record.id, record.display_fullname)


class ApplicantView(ApplicantPages, PortalModelView):
    """Applicants."""

    introduction = "Applications of all containers. Open one to see its state, history, photo and slip."
    permission_create = permission_edit = APPLICANTS_EDIT
    permission_export = APPLICANTS_EXPORT
    details_template = "admissions/applicant.html"
    list_links = (("admissions_import.index", "Import from a sheet", APPLICANTS_IMPORT),)
    column_list = ("display_fullname", "applicant_id", "state", "course_admitted", "reg_number", "student_id")
    column_export_list = ("applicant_id", "container.code", *_PERSON, *_COURSES, "state", *_LATER)
    column_labels: ClassVar[dict[str, str]] = {
        **LABELS,
        "container.code": "Container",
        "application_date": "Submitted",
        "created_at": "Created",
        "display_fullname": "Name",
        "applicant_id": "Application",
        "course_admitted": "Admitted to",
        "reg_number": "Registration number",
        "student_id": "Student",
        "fullname": "name",
        "application_number": "number",
    }
    column_searchable_list = ("fullname", "applicant_id", "application_number", "reg_number", "email")
    column_sortable_list = (("display_fullname", "lastname"), "applicant_id", "state", "course_admitted")
    column_default_sort = ("id", True)
    column_badges = ("state",)
    badge_tones: ClassVar[dict[str, str]] = dict(STATE_TONES)
    column_filters_walked = ("sex",)
    column_filters: ClassVar[list[Any]] = [
        ChoiceFilter(Applicant.state, "State", list(ApplicantState)),
        container_filter(Applicant.container_id),
        RelatedFilter(Applicant.course_admitted, "Admitted to", certificates, str),
        RelatedFilter(Applicant.course1, "First choice", certificates, str),
        ChoiceFilter(Applicant.sex, "Sex", SEX_TITLES),
        DateBetweenFilter(Applicant.date_of_birth, "Date of birth"),
        BooleanEqualFilter(Applicant.locked, "Form locked"),
    ]
    form_columns = ("container", *_CHANGED)
    form_ajax_refs: ClassVar[dict[str, Any]] = {
        "container": {"fields": ("code", "title"), "placeholder": "Choose one"}
    }
    form_overrides: ClassVar[dict[str, Any]] = {
        "sex": SelectField,
        "date_of_birth": DateField,
        "special_application": SelectField,
        **dict.fromkeys(_COURSES, CertificateField),
    }
    form_args: ClassVar[dict[str, Any]] = {
        **{name: {"validators": [keeps_rule(name)]} for name in ("firstname", "middlename", "lastname")},
        "sex": {"choices": SEXES},
        "email": {"validators": [keeps_rule("email")]},
        "phone": {"validators": [keeps_rule("phone")]},
        "date_of_birth": {"validators": [Optional()]},
        "reg_number": {"validators": [keeps_rule("reg_number")]},
        "special_application": {"choices": SPECIALS, "coerce": lambda value: value or None},
        "notice": {"description": "The applicant sees it."},
        "locked": {"description": "The applicant cannot change anything."},
        "suspended": {"description": "The applicant cannot sign in."},
    }

    column_formatters: ClassVar[dict[str, Any]] = {
        "applicant_id": code_cell,
        "course_admitted": code_cell,
        "student_id": code_cell,
        "display_fullname": _name_cell,
    }

    def get_create_form(self) -> Any:
        """Return the form of a new application: what a person knows at that time."""
        return without(super().get_create_form(), set(_CHANGED) - set(_NEW))

    def get_edit_form(self) -> Any:
        """Return the form of an existing application, which stays in its container."""
        return without(super().get_edit_form(), {"container"})

    def create_model(self, form: Any) -> Any:
        """Return the new applicant, or False when it was refused."""
        values = {name: form[name].data for name in _NEW}

        def write(session: Any) -> Applicant:
            container = values.pop("container")
            _check_choices(container, values)
            return add_applicant(container, values)

        return self._write(form, write) or False

    def on_model_change(self, form: Any, model: Any, is_created: bool) -> None:
        """Refuse to change what became a student.

        Raises:
            Conflict: ``already-created``.
            InvalidInput: ``certificate-wrong-category``.
        """
        if model.state == ApplicantState.CREATED:
            raise Conflict(ALREADY_CREATED, f"{model.applicant_id} is a student already and stays as it is.")
        changed = {name for name in _CHOICES if inspect(model).attrs[name].history.has_changes()}
        _check_choices(model.container, {name: getattr(model, name) for name in changed})

    @portal_action("create_students", "Create students", STUDENTS_CREATE)
    def create_students(self, ids: list[str]) -> Any:
        """Plan the creation of the selected applicants' students and lead to the warning page."""
        return plan_creation({"scope": "applicants", "applicants": ids})

    @portal_action("admit", "Admit", APPLICANTS_TRANSITION, "Admit the selected applicants?")
    def admit(self, ids: list[str]) -> None:
        """Admit the selected applicants; those that cannot be are named with the reason."""
        outcomes: list[TransitionOutcome] = []
        uids = [UUID(value) for value in ids]
        with transaction():
            for start in range(0, len(uids), MOST_AT_ONCE):
                outcomes += transition_many(uids[start : start + MOST_AT_ONCE], "admit")
        _tell(outcomes)


def _check_choices(container: Container, values: Mapping[str, Any]) -> None:
    """Refuse a choice that the container does not offer; what was chosen before and is gone stays."""
    for name in _CHOICES:
        code = values.get(name)
        category = select(Certificate.application_category).where(Certificate.code == code)
        if code and db.session.scalar(category) != container.application_category:
            message = f"{container.code} offers only certificates of its category; {code} is none."
            raise InvalidInput(CERTIFICATE_WRONG_CATEGORY, message, {"field": name})


def _tell(outcomes: list[TransitionOutcome]) -> None:
    refusals = [outcome.refusal for outcome in outcomes if outcome.refusal is not None]
    done = len(outcomes) - len(refusals)
    if done:
        flash(f"{done} {'applicant is' if done == 1 else 'applicants are'} admitted.", "success")
    samples = {refusal.code: refusal.message for refusal in refusals}
    for code, count in Counter(refusal.code for refusal in refusals).most_common():
        more = f" And {count - 1} more for this reason." if count > 1 else ""
        flash(f"Not admitted: {samples[code]}{more}", "warning")
