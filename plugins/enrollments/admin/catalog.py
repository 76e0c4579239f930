"""Pages of the catalog: organizations, identity providers, programs, curricula, course runs."""

import re
from typing import Any, ClassVar

from wtforms import StringField, TextAreaField
from wtforms.validators import Optional

from plugins.enrollments.admin.words import code_cell
from plugins.enrollments.api.inputs import current_settings, required_course_key
from plugins.enrollments.models import CourseMode, CurriculumCourse, ProgramAuthor
from plugins.enrollments.permissions import CATALOG_EDIT, CATALOG_VIEW
from portal.sdk import InvalidInput
from portal.sdk.web import PortalModelView

LONGEST = {"organization": 100, "mode": 40}


class CatalogView(PortalModelView):
    """What all pages of the catalog share."""

    permission_create = permission_edit = permission_delete = CATALOG_EDIT
    permission_export = CATALOG_VIEW


class OrganizationView(CatalogView):
    """Partners whose programs are run here."""

    introduction = (
        "Partners whose programs are run here. Their identity providers say whose account a student key is."
    )
    column_list = ("short_name", "name")
    column_details_list = ("short_name", "name", "identity_providers")
    column_labels: ClassVar[dict[str, str]] = {"short_name": "Key"}
    column_searchable_list = ("short_name", "name")
    column_sortable_list = ("short_name",)
    column_default_sort = "short_name"
    column_formatters: ClassVar[dict[str, Any]] = {"short_name": code_cell}
    form_columns = ("short_name", "name")
    form_args: ClassVar[dict[str, Any]] = {
        "short_name": {"label": "Key", "description": "As programs name it; letters, digits, hyphens."}
    }


class IdentityProviderView(CatalogView):
    """Sign-in systems of organizations."""

    introduction = "Sign-in systems of the organizations. An account that one of them brings is linked to its student key at once."
    column_list = ("slug", "name", "organization", "is_enabled")
    column_details_list = column_list
    column_labels: ClassVar[dict[str, str]] = {
        "slug": "Provider",
        "is_enabled": "Asked when keys are written",
    }
    column_searchable_list = ("slug",)
    column_sortable_list = ("slug",)
    column_default_sort = "slug"
    column_formatters: ClassVar[dict[str, Any]] = {"slug": code_cell}
    form_columns = ("slug", "name", "organization", "is_enabled")
    form_ajax_refs: ClassVar[dict[str, Any]] = {
        "organization": {"fields": ("short_name", "name"), "placeholder": "Choose one"}
    }
    form_args: ClassVar[dict[str, Any]] = {
        "slug": {"label": "Provider", "description": "As external identities name it."},
        "is_enabled": {"label": "Ask it when keys are written"},
    }


class ProgramView(CatalogView):
    """Degree programs."""

    introduction = "Degree programs. The first organization of a program says whose student keys it uses."
    column_list = ("title", "type", "organizations", "slug", "created_at")
    column_details_list = ("id", *column_list, "curricula")
    column_labels: ClassVar[dict[str, str]] = {"id": "UUID", "created_at": "Created"}
    column_searchable_list = ("title", "slug")
    column_sortable_list = ()
    column_default_sort = ("id", True)
    form_columns = ("title", "slug", "type", "organizations")
    form_extra_fields: ClassVar[dict[str, Any]] = {
        "organizations": StringField(
            "Organizations",
            [Optional()],
            description="Keys of the authoring organizations, the first one leading, with commas between.",
        )
    }
    column_formatters: ClassVar[dict[str, Any]] = {
        "organizations": lambda view, context, record, name: (
            ", ".join(author.organization_key for author in record.authors) or "–"
        )
    }

    def on_form_prefill(self, form: Any, id: Any) -> None:  # noqa: A002 - the name that the base uses
        """Show the organizations of the program."""
        form.organizations.data = ", ".join(author.organization_key for author in self.get_one(id).authors)

    def on_model_change(self, form: Any, model: Any, is_created: bool) -> None:
        """Take over the organizations.

        Raises:
            InvalidInput: a key is too long or named twice.
        """
        keys = [part.strip() for part in (form.organizations.data or "").split(",") if part.strip()]
        _refuse_wrong(keys, "organizations", LONGEST["organization"])
        known = {author.position: author for author in model.authors}
        for position, key in enumerate(keys):
            if position in known:
                known[position].organization_key = key
            else:
                model.authors.append(ProgramAuthor(position=position, organization_key=key))
        for position in set(known) - set(range(len(keys))):
            model.authors.remove(known[position])


class CurriculumView(CatalogView):
    """Versions of programs' plans."""

    introduction = "Versions of a program's plan. Students admitted to the certificate that a curriculum names are enrolled in it."
    column_list = ("name", "program", "certificate_code", "is_active")
    column_details_list = ("id", *column_list, "courses")
    column_labels: ClassVar[dict[str, str]] = {
        "id": "UUID",
        "certificate_code": "Certificate",
        "is_active": "In use",
    }
    column_searchable_list = ("name", "certificate_code")
    column_sortable_list = ()
    column_default_sort = ("id", True)
    form_columns = ("name", "program", "certificate_code", "is_active", "course_keys")
    form_ajax_refs: ClassVar[dict[str, Any]] = {
        "program": {"fields": ("title", "slug"), "placeholder": "Choose one"}
    }
    form_args: ClassVar[dict[str, Any]] = {
        "certificate_code": {
            "label": "Certificate",
            "description": "Code of the certificate whose students are enrolled here; may stay empty.",
            "filters": [lambda text: text or None],
        },
        "is_active": {"label": "In use"},
    }
    form_extra_fields: ClassVar[dict[str, Any]] = {
        "course_keys": TextAreaField("Course runs", [Optional()], description="Their keys, one a line.")
    }
    form_widget_args: ClassVar[dict[str, Any]] = {"course_keys": {"rows": 6}}

    def on_form_prefill(self, form: Any, id: Any) -> None:  # noqa: A002 - the name that the base uses
        """Show the course runs of the curriculum."""
        form.course_keys.data = "\n".join(course.course_key for course in self.get_one(id).courses)

    def on_model_change(self, form: Any, model: Any, is_created: bool) -> None:
        """Take over the course runs.

        Raises:
            InvalidInput: a key has not the form of one.
        """
        settings = current_settings()
        wanted = dict.fromkeys(
            required_course_key(line.strip(), settings)
            for line in (form.course_keys.data or "").splitlines()
            if line.strip()
        )
        for course in list(model.courses):
            if course.course_key not in wanted:
                model.courses.remove(course)
        there = {course.course_key for course in model.courses}
        model.courses.extend(CurriculumCourse(course_key=key) for key in wanted if key not in there)


class CourseRunView(CatalogView):
    """Courses as they are given once."""

    introduction = "Courses as they are given once. Enrollments name a run by its key."
    column_list = ("course_key", "title", "start_at", "end_at", "modes")
    column_details_list = (*column_list, "url", "is_self_paced")
    column_labels: ClassVar[dict[str, str]] = {
        "course_key": "Key",
        "start_at": "Starts",
        "end_at": "Ends",
        "is_self_paced": "Own pace",
    }
    column_searchable_list = ("course_key", "title")
    column_sortable_list = ("course_key",)
    column_default_sort = "course_key"
    form_columns = ("course_key", "title", "url", "is_self_paced", "mode_names")
    form_extra_fields: ClassVar[dict[str, Any]] = {
        "mode_names": StringField(
            "Modes", [Optional()], description="Such as audit, masters; none counts as audit alone."
        )
    }
    column_formatters: ClassVar[dict[str, Any]] = {
        "course_key": code_cell,
        "modes": lambda view, context, record, name: ", ".join(mode.mode for mode in record.modes) or "audit",
    }

    def on_form_prefill(self, form: Any, id: Any) -> None:  # noqa: A002 - the name that the base uses
        """Show the modes of the course run."""
        form.mode_names.data = ", ".join(mode.mode for mode in self.get_one(id).modes)

    def on_model_change(self, form: Any, model: Any, is_created: bool) -> None:
        """Take over the modes, and hold the key to its form.

        Raises:
            InvalidInput: the key has not the form of one, or a mode's name is none.
        """
        model.course_key = required_course_key((model.course_key or "").strip(), current_settings())
        wanted = [name.strip().lower() for name in (form.mode_names.data or "").split(",") if name.strip()]
        _refuse_wrong(wanted, "mode_names", LONGEST["mode"])
        for mode in list(model.modes):
            if mode.mode not in wanted:
                model.modes.remove(mode)
        there = {mode.mode for mode in model.modes}
        model.modes.extend(CourseMode(mode=name) for name in wanted if name not in there)


def _refuse_wrong(words: list[str], field: str, longest: int) -> None:
    """Refuse words that are too long, odd, or named twice.

    Raises:
        InvalidInput: naming the field and the word.
    """
    for word in words:
        if len(word) > longest or not re.fullmatch(r"[\w.+-]+", word):
            message = f"{word[:80]!r} is no name here: at most {longest} letters, digits, points and hyphens."
            raise InvalidInput("name-invalid", message, {"field": field})
    if len(set(words)) < len(words):
        raise InvalidInput("name-twice", "A name stands there twice.", {"field": field})
