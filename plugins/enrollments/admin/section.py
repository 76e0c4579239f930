"""The section's own page with all programs, and the page of one program."""

from typing import Any
from uuid import UUID

from flask import redirect, request

from plugins.enrollments.admin.charts import changes_chart, realization_chart
from plugins.enrollments.admin.words import TONES
from plugins.enrollments.api.figures import course_figures, program_figures, status_changes
from plugins.enrollments.jobs import (
    ExportProgram,
    LinkLearners,
    SyncProgram,
    WriteCourseEnrollments,
    WriteProgramEnrollments,
)
from plugins.enrollments.permissions import ENROLLMENTS_EXPORT
from portal.sdk import NotFound, current_actor, transaction
from portal.sdk.jobs import draft, submit
from portal.sdk.web import PortalView, expose, job_url, requires, sent_form_token, upload_url

#: Title, kind and permission of the sheets that a program takes.
_UPLOADS = (
    ("Enroll students", WriteProgramEnrollments.name, "enrollments.enrollments.upload"),
    ("Enroll in a course run", WriteCourseEnrollments.name, "enrollments.enrollments.upload"),
    ("Link accounts", LinkLearners.name, "enrollments.enrollments.link"),
    ("Make equal to a sheet", SyncProgram.name, "enrollments.enrollments.sync"),
)


class SectionView(PortalView):
    """Overview of enrollments."""

    @expose("/")
    def index(self) -> Any:
        """Show all programs with their figures."""
        return self.render("enrollments/section.html", programs=program_figures(), tones=TONES)

    @expose("/program/<uuid:program>")
    def program(self, program: UUID) -> Any:
        """Show one program: counts, states over time, waiting against realized, course runs, sheets."""
        found = program_figures(program)
        if not found:
            raise NotFound("program-missing", "There is no such program, and nobody is in it.")
        weeks = status_changes(program)
        return self.render(
            "enrollments/program.html",
            figures=found[0],
            tones=TONES,
            realization=realization_chart(found[0]) if found[0].total else None,
            changes=changes_chart(weeks),
            courses=course_figures(program),
            uploads=[
                (title, upload_url(kind, {"program": str(program)}), permission)
                for title, kind, permission in _UPLOADS
            ],
        )

    @expose("/program/<uuid:program>/take-away", methods=("POST",))
    @requires(ENROLLMENTS_EXPORT)
    def take_away(self, program: UUID) -> Any:
        """Start the export of the program, and lead to its job."""
        params = {
            "program": str(program),
            "with_courses": request.form.get("with_courses") == "1",
            "format": "xlsx" if request.form.get("format") == "xlsx" else "csv",
        }
        made = draft(ExportProgram.name, params, current_actor(), idempotency_key=sent_form_token())
        with transaction():
            job_id = submit(made, apply=True).id
        return redirect(job_url(job_id))
