"""The list, form and page of students."""

from typing import Any, ClassVar
from uuid import UUID

from flask import redirect, request
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response
from wtforms import DateField, SelectField

from plugins.admissions.admin.creating import print_letters
from plugins.admissions.admin.filters import StudyCourseFilter, certificates, sessions
from plugins.admissions.admin.student_page import facts_of, zip_entries
from plugins.admissions.admin.words import code_cell, record_link
from plugins.admissions.forms import LABELS, SEXES, keeps_rule
from plugins.admissions.models import Certificate, Student, StudentFile, StudentState, StudyCourse
from plugins.admissions.models.vocabulary import SEX_TITLES
from plugins.admissions.permissions import FOLDERS_EXPORT, LETTERS_PRINT, STUDENTS_EDIT, STUDENTS_EXPORT
from portal.sdk import NotFound, db
from portal.sdk.web import (
    ChoiceFilter,
    DateTimeBetweenFilter,
    PortalModelView,
    expose,
    portal_action,
    requires,
    send_blob,
    shown,
    stream_zip,
)

_PERSON = (
    "firstname",
    "middlename",
    "lastname",
    "sex",
    "date_of_birth",
    "email",
    "phone",
    "reg_number",
    "matric_number",
    "nationality",
)
_FORM = (
    "firstname",
    "middlename",
    "lastname",
    "sex",
    "date_of_birth",
    "email",
    "phone",
    "parents_email",
    "matric_number",
    "nationality",
    "perm_address",
    "employer",
    "officer_comment",
    "flash_notice",
    "suspended",
    "suspended_comment",
)


def _name_cell(view: Any, context: Any, record: Student, name: str) -> Any:
    return record_link("admissions_student", record.id, record.display_fullname)


def _course_cell(view: Any, context: Any, record: Student, name: str) -> Any:
    course = record.study_course
    return shown(None) if course is None else f"{course.certificate.code}, {course.entry_session_title}"


class StudentView(PortalModelView):
    """Students."""

    introduction = "Student records. Each was made from an admitted application and keeps its slip."
    permission_edit = STUDENTS_EDIT
    permission_export = STUDENTS_EXPORT
    details_template = "admissions/student.html"
    column_list = ("display_fullname", "student_id", "state", "study_courses", "reg_number", "created_at")
    column_export_list = ("student_id", *_PERSON, "state", "study_courses", "created_at")
    column_labels: ClassVar[dict[str, str]] = {
        **LABELS,
        "display_fullname": "Name",
        "student_id": "Number",
        "study_courses": "Study course",
        "reg_number": "Registration number",
        "created_at": "Created",
        "fullname": "name",
    }
    column_searchable_list = ("fullname", "student_id", "reg_number", "matric_number", "email")
    column_sortable_list = (("display_fullname", "lastname"), "student_id", "state", "created_at")
    column_default_sort = ("created_at", True)
    column_badges = ("state",)
    column_filters_walked = ("sex",)
    column_filters: ClassVar[list[Any]] = [
        StudyCourseFilter(Certificate.code, "Certificate", certificates, str),
        StudyCourseFilter(StudyCourse.entry_session, "Entry session", sessions, int),
        ChoiceFilter(Student.state, "State", list(StudentState)),
        ChoiceFilter(Student.sex, "Sex", SEX_TITLES),
        DateTimeBetweenFilter(Student.created_at, "Created"),
    ]
    form_columns = _FORM
    form_overrides: ClassVar[dict[str, Any]] = {"sex": SelectField, "date_of_birth": DateField}
    form_args: ClassVar[dict[str, Any]] = {
        **{
            name: {"validators": [keeps_rule(name)]}
            for name in ("firstname", "middlename", "lastname", "phone", "email")
        },
        "sex": {"choices": SEXES},
        "parents_email": {"validators": [keeps_rule("email")]},
        "flash_notice": {"description": "The student sees it after signing in."},
    }

    column_formatters: ClassVar[dict[str, Any]] = {
        "display_fullname": _name_cell,
        "student_id": code_cell,
        "study_courses": _course_cell,
    }

    def get_query(self) -> Any:
        """Return the students with their study courses, in a fixed number of statements."""
        courses = selectinload(Student.study_courses).joinedload(StudyCourse.certificate)
        return super().get_query().options(courses)

    @expose("/details/")
    def details_view(self) -> Any:
        """Show the student with study course, folder, activation and history."""
        student: Student = self.get_one(request.args.get("id"))
        return self.render(self.details_template, model=student, facts=facts_of(student))

    @expose("/files/<uuid:file_id>")
    def file(self, file_id: UUID) -> Response:
        """Answer with a file of a student's folder, shown in place unless ``download`` is asked for."""
        found = db.session.get(StudentFile, file_id)
        if found is None:
            raise NotFound("file-missing", "There is no such file.")
        student: Student = self.get_one(found.student_uid)
        name = f"{student.student_id}_{found.name}"
        return send_blob(found.sha256, found.stored.media_type, name, inline="download" not in request.args)

    @expose("/slips/<student_id>")
    def scanned_slip(self, student_id: str) -> Response:
        """Lead whoever scanned the code on a slip, and may see students, to the record that it belongs to."""
        student_uid = db.session.scalar(select(Student.id).where(Student.student_id == student_id))
        if student_uid is None:
            raise NotFound(
                "student-missing", f"No student has the number {student_id}: the slip is not ours."
            )
        return redirect(self.get_url(".details_view", id=student_uid))

    @expose("/<uuid:student_uid>/folder.zip")
    @requires(FOLDERS_EXPORT)
    def folder(self, student_uid: UUID) -> Response:
        """Answer with the student's folder as a ZIP."""
        student: Student = self.get_one(student_uid)
        return stream_zip(zip_entries(student), f"{student.student_id}.zip")

    @expose("/letter", methods=("POST",))
    @requires(LETTERS_PRINT)
    def letter(self) -> Any:
        """Print this student's activation letter."""
        return print_letters([self.get_one(request.form.get("id")).id])

    @portal_action("print_letters", "Print activation letters", LETTERS_PRINT)
    def print_letters(self, ids: list[str]) -> Any:
        """Print the activation letters of the selected students."""
        return print_letters([UUID(value) for value in ids])
