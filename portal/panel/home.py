"""The panel's home page: the guided start, and what is going on."""

from dataclasses import dataclass
from typing import Any

from flask import url_for

from portal.access.policy import may
from portal.access.routes import signed_in_only
from portal.hooks.declarations import FirstStep
from portal.hooks.registry import current_registry
from portal.jobs.models import Job
from portal.kernel.actor import current_actor
from portal.kernel.db import db
from portal.panel.cards import visible_cards
from portal.panel.job_facts import JobFacts
from portal.panel.permissions import JOBS_VIEW, USERS_EDIT
from portal.sdk.web import PortalView, expose, narrowed_select
from portal.web.landing import has_administrator

RECENT_JOBS = 6

FIRST_STEPS = (
    FirstStep(
        order=10,
        title="Create an administrator",
        description="The account that makes users and roles; made with the command portal users create-admin.",
        endpoint="users.index_view",
        label="Users",
        permission=USERS_EDIT,
        is_done=has_administrator,
    ),
)


@dataclass(frozen=True, kw_only=True)
class ShownStep:
    """A step as the page shows it."""

    step: FirstStep
    url: str
    is_done: bool
    is_next: bool


class HomeView(PortalView):
    """Where everybody lands after signing in."""

    facts_of_job = staticmethod(JobFacts)

    def is_accessible(self) -> bool:
        """Say yes to everybody who is signed in."""
        return current_actor().user_id is not None

    @expose("/")
    @signed_in_only
    def index(self) -> Any:
        """Show the guided start, the places of the cards, and the newest jobs."""
        actor = current_actor()
        jobs: list[Job] = []
        if may(actor, JOBS_VIEW):
            newest = narrowed_select(Job, JOBS_VIEW).order_by(Job.created_at.desc()).limit(RECENT_JOBS)
            jobs = list(db.session.scalars(newest))
        return self.render("panel/home.html", steps=shown_steps(), cards=visible_cards(), jobs=jobs)


def shown_steps() -> list[ShownStep]:
    """Return the steps that the current actor may see, in order, each with whether it is done."""
    actor = current_actor()
    steps = sorted(
        (step for _, step in current_registry().first_steps), key=lambda step: (step.order, step.title)
    )
    shown: list[ShownStep] = []
    for step in steps:
        if not may(actor, step.permission):
            continue
        done = step.is_done()
        is_next = not done and not any(item.is_next for item in shown)
        shown.append(ShownStep(step=step, url=url_for(step.endpoint), is_done=done, is_next=is_next))
    return shown
