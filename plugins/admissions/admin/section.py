"""The section's own page: all containers with their figures, and what can be started for the whole portal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, url_for
from sqlalchemy import func, select

from plugins.admissions.admin.creating import plan_creation
from plugins.admissions.admin.words import STATE_TONES
from plugins.admissions.models import Applicant, ApplicantState, Container
from plugins.admissions.permissions import APPLICANTS_VIEW, STUDENTS_CREATE_ALL
from portal.sdk import db
from portal.sdk.web import PortalView, expose, narrowed_select, requires


@dataclass(frozen=True, kw_only=True)
class ContainerLine:
    """A container with the number of applicants in each state."""

    container: Container
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def parts(self) -> list[tuple[str, int]]:
        """Tone and number of each state, for the bar."""
        return [(STATE_TONES[state], self.counts.get(state, 0)) for state in ApplicantState]


class SectionView(PortalView):
    """Overview of admissions."""

    @expose("/")
    def index(self) -> Any:
        """Show the containers with their figures."""
        lines = container_lines()
        states = {state.value: sum(line.counts.get(state, 0) for line in lines) for state in ApplicantState}
        return self.render("admissions/section.html", lines=lines, states=states, tones=STATE_TONES)

    @expose("/create-students", methods=("POST",))
    @requires(STUDENTS_CREATE_ALL)
    def create_students(self) -> Any:
        """Plan the creation of all admitted applicants' students and lead to the warning page."""
        anybody = db.session.scalar(
            select(Applicant.id).where(Applicant.state == ApplicantState.ADMITTED).limit(1)
        )
        if anybody is None:
            flash("Nobody is admitted, so there is nobody to create.", "warning")
            return redirect(url_for(".index"))
        return plan_creation({"scope": "portal"})


def container_lines() -> Sequence[ContainerLine]:
    """Return the containers that the actor may see with counts by state, newest first. Two statements."""
    visible = narrowed_select(Container, APPLICANTS_VIEW).order_by(Container.year.desc(), Container.code)
    lines = {item.id: ContainerLine(container=item, counts={}) for item in db.session.scalars(visible)}
    counted = select(Applicant.container_id, Applicant.state, func.count())
    for container_id, state, count in db.session.execute(
        counted.group_by(Applicant.container_id, Applicant.state)
    ):
        if container_id in lines:
            lines[container_id].counts[state] = count
    return list(lines.values())
