"""Lists of enrollments, and the page of one program enrollment with what may be done about it."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from flask import flash, g, redirect, request, url_for
from markupsafe import Markup
from sqlalchemy.orm import joinedload

from plugins.enrollments.admin.learner_page import facts_of
from plugins.enrollments.admin.words import (
    STATUSES,
    TONES,
    StatusFilter,
    code_cell,
    course_choices,
    status_cell,
    titles,
    user_cell,
)
from plugins.enrollments.api.linking import unlink_program_enrollment
from plugins.enrollments.api.writing import change_program_enrollment_status
from plugins.enrollments.errors import ILLEGAL_OPERATION
from plugins.enrollments.jobs.wording import program_choices
from plugins.enrollments.models import CourseEnrollment, ProgramCourseEnrollment, ProgramEnrollment
from plugins.enrollments.models.vocabulary import COURSE_STATUSES
from plugins.enrollments.permissions import (
    ENROLLMENTS_EDIT,
    ENROLLMENTS_EXPORT,
    ENROLLMENTS_LINK,
    ENROLLMENTS_UPLOAD,
)
from portal.sdk import InvalidInput, PortalError, run_in_transaction
from portal.sdk.web import (
    BooleanEqualFilter,
    DateTimeBetweenFilter,
    PortalModelView,
    RelatedFilter,
    expose,
    requires,
)

_LABELS = {
    "external_user_key": "Student key",
    "program_uuid": "Program",
    "curriculum_uuid": "Curriculum",
    "user": "Account",
    "modified_at": "Changed",
    "changed_by": "By",
    "course_key": "Course run",
}


def program_cell(view: Any, context: Any, record: Any, name: str) -> Any:
    """Return the program's title with a link to its page; all titles of a page are read at once."""
    if "enrollments_titles" not in g:
        rows = context.get("data") if context is not None else None
        g.enrollments_titles = titles({row.program_uuid for row in rows or [record]})
    known: dict[UUID, str] = g.enrollments_titles
    title = known.get(record.program_uuid)
    if title is None:
        return Markup("<code>{}</code>").format(record.program_uuid)
    address = url_for("enrollments_section.program", program=record.program_uuid)
    return Markup('<a href="{}">{}</a>').format(address, title)


class ProgramEnrollmentView(PortalModelView):
    """Learners in programs."""

    introduction = (
        "Who is in which program, with or without an account here. Open one for course runs and history."
    )
    permission_export = ENROLLMENTS_EXPORT
    details_template = "enrollments/learner.html"
    list_links = (("enrollments_support.index", "Link accounts", ENROLLMENTS_LINK),)
    column_list = ("external_user_key", "user", "program_uuid", "status", "modified_at", "changed_by")
    column_export_list = (
        "external_user_key",
        "user",
        "program_uuid",
        "curriculum_uuid",
        "status",
        "modified_at",
    )
    column_labels: ClassVar[dict[str, str]] = {**_LABELS, "user.sign_in_key": "account"}
    column_searchable_list = ("external_user_key", "user.sign_in_key")
    column_sortable_list = ("modified_at",)
    column_default_sort = ("modified_at", True)
    column_filters_walked = ("status",)
    column_filters: ClassVar[list[Any]] = [
        RelatedFilter(ProgramEnrollment.program_uuid, "Program", program_choices, UUID),
        StatusFilter(ProgramEnrollment.status),
        DateTimeBetweenFilter(ProgramEnrollment.modified_at, "Changed"),
    ]
    column_formatters: ClassVar[dict[str, Any]] = {
        "user": user_cell,
        "program_uuid": program_cell,
        "status": status_cell,
    }
    column_formatters_export: ClassVar[dict[str, Any]] = {
        "user": lambda view, context, record, name: record.user.sign_in_name if record.user else "",
        "program_uuid": lambda view, context, record, name: str(record.program_uuid),
        "curriculum_uuid": lambda view, context, record, name: str(record.curriculum_uuid),
    }

    def get_query(self) -> Any:
        """Return the query with accounts, in a fixed number of statements."""
        return super().get_query().options(joinedload(ProgramEnrollment.user))

    @expose("/details/")
    def details_view(self) -> Any:
        """Show the enrollment with its course runs and its history."""
        enrollment: ProgramEnrollment = self.get_one(request.args.get("id"))
        return self.render(
            self.details_template,
            model=enrollment,
            facts=facts_of(enrollment),
            statuses=STATUSES,
            tones=TONES,
        )

    @expose("/status", methods=("POST",))
    @requires(ENROLLMENTS_EDIT)
    def set_status(self) -> Any:
        """Set the status, by the rules that hold for programs that call."""
        status = request.form.get("status", "")

        def change(enrollment: ProgramEnrollment) -> None:
            found = change_program_enrollment_status(enrollment, status)
            if found == ILLEGAL_OPERATION:
                message = f"A setting forbids the change from {enrollment.status} to {status}."
                raise InvalidInput(found, message, {"field": "status"})
            if found != status:
                message = f"{status[:40]!r} is no status. There are {', '.join(STATUSES)}."
                raise InvalidInput(found, message, {"field": "status"})

        return self._do(change, f"The status is {status[:40]} now.")

    @expose("/unlink", methods=("POST",))
    @requires(ENROLLMENTS_LINK)
    def unlink(self) -> Any:
        """Take the enrollment from its account; it waits again."""
        return self._do(unlink_program_enrollment, "The student key waits for an account again.")

    def _do(self, what: Callable[[ProgramEnrollment], Any], done: str) -> Any:
        enrollment: ProgramEnrollment = self.get_one(request.form.get("id"))
        number = enrollment.id
        try:
            run_in_transaction(lambda: what(self.get_one(number)))
        except PortalError as problem:
            flash(problem.message, "error")
        else:
            flash(done, "success")
        return redirect(url_for(".details_view", id=number))


class CourseRowView(PortalModelView):
    """Learners of programs in course runs."""

    introduction = "Which course runs learners take through their programs."
    permission_export = ENROLLMENTS_EXPORT
    list_links = (("enrollments_section.index", "Programs", ENROLLMENTS_UPLOAD),)
    column_list = ("learner", "course_key", "status", "account", "modified_at", "changed_by")
    column_details_list = (*column_list, "created_at", "changed_through")
    column_labels: ClassVar[dict[str, str]] = {**_LABELS, "learner": "Student key"}
    column_sortable_list = ("modified_at",)
    column_default_sort = ("modified_at", True)
    column_filters_walked = ("status",)
    column_filters: ClassVar[list[Any]] = [
        RelatedFilter(ProgramCourseEnrollment.course_key, "Course run", course_choices, str),
        StatusFilter(ProgramCourseEnrollment.status, COURSE_STATUSES),
        DateTimeBetweenFilter(ProgramCourseEnrollment.modified_at, "Changed"),
    ]
    column_formatters: ClassVar[dict[str, Any]] = {
        "learner": lambda view, context, record, name: _learner_link(record.program_enrollment),
        "account": lambda view, context, record, name: user_cell(
            view, context, record.program_enrollment, name
        ),
        "course_key": code_cell,
        "status": status_cell,
    }
    column_formatters_export: ClassVar[dict[str, Any]] = {
        "learner": lambda view, context, record, name: record.program_enrollment.external_user_key or "",
        "account": lambda view, context, record, name: (
            record.program_enrollment.user.sign_in_name if record.program_enrollment.user else ""
        ),
    }

    def get_query(self) -> Any:
        """Return the query with learners and accounts, in a fixed number of statements."""
        learner = joinedload(ProgramCourseEnrollment.program_enrollment)
        return super().get_query().options(learner.joinedload(ProgramEnrollment.user))


class CourseEnrollmentView(PortalModelView):
    """Accounts in course runs."""

    introduction = "Which accounts are in which course runs, and in which mode. Programs share these."
    permission_export = ENROLLMENTS_EXPORT
    column_list = ("user", "course_key", "mode", "is_active", "modified_at", "changed_by")
    column_details_list = (*column_list, "created_at", "changed_through")
    column_labels: ClassVar[dict[str, str]] = {
        **_LABELS,
        "is_active": "Active",
        "user.sign_in_key": "account",
    }
    column_searchable_list = ("user.sign_in_key",)
    column_sortable_list = ()
    column_default_sort = ("id", True)
    column_filters_walked = ("is_active",)
    column_filters: ClassVar[list[Any]] = [
        RelatedFilter(CourseEnrollment.course_key, "Course run", course_choices, str),
        BooleanEqualFilter(CourseEnrollment.is_active, "Active"),
    ]
    column_formatters: ClassVar[dict[str, Any]] = {"user": user_cell, "course_key": code_cell}
    column_formatters_export: ClassVar[dict[str, Any]] = {
        "user": lambda view, context, record, name: record.user.sign_in_name if record.user else "",
    }

    def get_query(self) -> Any:
        """Return the query with accounts."""
        return super().get_query().options(joinedload(CourseEnrollment.user))


def _learner_link(enrollment: ProgramEnrollment) -> Any:
    address = url_for("enrollments_program_enrollment.details_view", id=enrollment.id)
    label = enrollment.external_user_key or str(enrollment.user or enrollment.id)
    return Markup('<a class="row-link" href="{}">{}</a>').format(address, label)
