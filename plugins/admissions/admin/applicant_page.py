"""The page of one applicant: state, transitions, history, photo, slip, creating the student."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Response, flash, make_response, redirect, request, url_for
from sqlalchemy import select

from plugins.admissions.admin.creating import create_one
from plugins.admissions.admin.words import STATE_TONES, certificate_text
from plugins.admissions.api.applicants import attach_passport, prepare_passport
from plugins.admissions.api.slip_facts import SlipWanted, slip_sources
from plugins.admissions.api.students import check_many
from plugins.admissions.api.transitions import TRANSITIONS, Transition
from plugins.admissions.api.workflow import available_transitions, transition
from plugins.admissions.errors import Refusal
from plugins.admissions.jobs.creating import SLIP
from plugins.admissions.models import Applicant, ApplicantFile, ApplicantState, Certificate, Student
from plugins.admissions.models.vocabulary import SEX_TITLES, SPECIAL_TITLES
from plugins.admissions.permissions import APPLICANTS_EDIT, APPLICANTS_TRANSITION, STUDENTS_CREATE
from portal.sdk import ImageLimits, InvalidInput, NotFound, PortalError, db, transaction
from portal.sdk.documents import preview_html
from portal.sdk.web import expose, requires, send_blob, uploaded_file

#: The preview runs nothing, loads nothing and can be shown in the portal's own pages only.
_PREVIEW_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox; frame-ancestors 'self'"
#: Transitions that look like a step back or an end; shown less prominently and asked about first.
_STEPS_BACK = frozenset({"refuse1", "refuse2", "reset1", "reset2", "reset3", "reset4", "reset5", "reset6"})


@dataclass(frozen=True, kw_only=True)
class ApplicantFacts:
    """What the page of an applicant shows beside the record itself."""

    applicant: Applicant
    courses: Sequence[tuple[str, Any]]
    steps: Sequence[Transition]
    steps_back: Sequence[Transition]
    obstacle: Refusal | None
    warning: str
    student: Student | None

    @property
    def state_tone(self) -> str:
        return STATE_TONES[self.applicant.state]

    @property
    def sex(self) -> str:
        return SEX_TITLES.get(self.applicant.sex, self.applicant.sex)

    @property
    def special(self) -> str | None:
        return SPECIAL_TITLES.get(self.applicant.special_application or "")

    @property
    def is_admitted(self) -> bool:
        return self.applicant.state == ApplicantState.ADMITTED

    @property
    def is_created(self) -> bool:
        return self.applicant.state == ApplicantState.CREATED


def facts_of(applicant: Applicant) -> ApplicantFacts:
    """Collect what the page shows. Reads only."""
    steps = available_transitions(applicant)
    check = check_many([applicant.id])[0] if applicant.state == ApplicantState.ADMITTED else None
    student = db.session.scalar(select(Student).where(Student.applicant_uid == applicant.id))
    return ApplicantFacts(
        applicant=applicant,
        courses=_courses(applicant),
        steps=[step for step in steps if step.id not in _STEPS_BACK],
        steps_back=[step for step in steps if step.id in _STEPS_BACK],
        obstacle=check.refusal if check is not None else None,
        warning=check.warning if check is not None else "",
        student=student,
    )


def _courses(applicant: Applicant) -> list[tuple[str, Any]]:
    codes = {
        "Admitted to": applicant.course_admitted,
        "First choice": applicant.course1,
        "Second choice": applicant.course2,
    }
    wanted = [code for code in codes.values() if code]
    found = {
        item.code: item
        for item in db.session.scalars(select(Certificate).where(Certificate.code.in_(wanted)))
    }
    return [(title, certificate_text(code, found.get(code or ""))) for title, code in codes.items()]


class ApplicantPages:
    """The routes below one applicant; mixed into the list's view."""

    details_template: str

    @expose("/details/")
    def details_view(self) -> Any:
        """Show the applicant."""
        applicant = self._applicant(request.args.get("id"))
        return self.render(self.details_template, model=applicant, facts=facts_of(applicant))  # type: ignore[attr-defined]

    @expose("/transition", methods=("POST",))
    @requires(APPLICANTS_TRANSITION)
    def transition(self) -> Any:
        """Make one step of the workflow."""
        applicant = self._applicant(request.form.get("id"))
        step = TRANSITIONS.get(request.form.get("transition", ""))
        try:
            with transaction():
                transition(applicant.id, request.form.get("transition", ""))
        except PortalError as problem:
            flash(problem.message, "error")
        else:
            flash(f"{step.text if step is not None else 'Done'}.", "success")
        return redirect(_page_of(applicant.id))

    @expose("/create-student", methods=("POST",))
    @requires(STUDENTS_CREATE)
    def create_student(self) -> Any:
        """Create this applicant's student record."""
        return create_one(self._applicant(request.form.get("id")))

    @expose("/photo", methods=("POST",))
    @requires(APPLICANTS_EDIT)
    def photo(self) -> Any:
        """Replace the passport picture."""
        applicant = self._applicant(request.form.get("id"))
        try:
            picture = prepare_passport(_sent_picture())
            with transaction():
                attach_passport(applicant.id, picture)
        except PortalError as problem:
            flash(problem.message, "error")
        else:
            flash("The picture was replaced.", "success")
        return redirect(_page_of(applicant.id))

    @expose("/files/<uuid:file_id>")
    def file(self, file_id: UUID) -> Response:
        """Answer with a file of an applicant's folder, shown in place unless ``download`` is asked for."""
        found = db.session.get(ApplicantFile, file_id)
        if found is None:
            raise NotFound("file-missing", "There is no such file.")
        self._applicant(found.applicant_uid)
        inline = "download" not in request.args
        return send_blob(found.sha256, found.stored.media_type, found.name, inline=inline)

    @expose("/<uuid:applicant_uid>/slip")
    def slip(self, applicant_uid: UUID) -> Response:
        """Answer with the slip as a page for a sandboxed frame; nothing is stored."""
        applicant = self._applicant(applicant_uid)
        response = make_response(self._preview(applicant))
        response.headers["Content-Security-Policy"] = _PREVIEW_POLICY
        return response

    def _preview(self, applicant: Applicant) -> str:
        """Return the slip as a page, or a page that says why there is none: a frame shows nothing else."""
        source = slip_sources([SlipWanted(applicant_uid=applicant.id)])[applicant.id]
        message = source.refusal.message if source.refusal is not None else ""
        if source.facts is not None:
            try:
                return preview_html(SLIP, source.facts)
            except PortalError as problem:
                message = problem.message
        page: str = self.render("admissions/no_slip.html", message=message)  # type: ignore[attr-defined]
        return page

    def _applicant(self, key: Any) -> Applicant:
        found: Applicant = self.get_one(key)  # type: ignore[attr-defined]
        return found


def _page_of(applicant_uid: UUID) -> str:
    return url_for("admissions_applicant.details_view", id=applicant_uid)


def _sent_picture() -> bytes:
    file = uploaded_file("photo", label="A picture")
    if file is None:
        raise InvalidInput("file-missing", "A picture must be chosen.")
    # One byte more than allowed is enough to refuse it.
    return file.stream.read(ImageLimits().max_bytes + 1)
