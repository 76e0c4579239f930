"""Schedules: what starts by the clock, when it ran last, a switch for each, and running one now."""

from typing import Any

from flask import flash, redirect, request, url_for

from portal.access.policy import may
from portal.jobs.schedules import list_schedules, run_now, switch
from portal.jobs.schedules.declared import schedule_named
from portal.kernel.actor import current_actor
from portal.kernel.transaction import transaction
from portal.panel.permissions import JOBS_VIEW, JOBS_VIEW_ALL
from portal.sdk.web import PortalView, expose, job_url, sent_form_token
from portal.web.formatting import portal_zone


class SchedulesView(PortalView):
    """Every declared schedule; what plugins declare cannot be changed here, only switched."""

    @expose("/")
    def index(self) -> Any:
        """Show all schedules."""
        zone = portal_zone()
        return self.render("panel/schedules.html", schedules=list_schedules(zone), zone=zone.key)

    @expose("/switch", methods=("POST",))
    def switch(self) -> Any:
        """Switch a schedule on or off."""
        name, enabled = request.form.get("name", ""), request.form.get("enabled") == "1"
        with transaction():
            switch(name, enabled=enabled)
        title = schedule_named(name).declared.title
        flash(
            f"“{title}” is on." if enabled else f"“{title}” is off: no slot starts it until it is on again.",
            "success",
        )
        return redirect(url_for(".index"))

    @expose("/run", methods=("POST",))
    def run(self) -> Any:
        """Start a schedule's job now; a second click leads to the same job."""
        job_id = run_now(request.form.get("name", ""), current_actor(), sent_form_token())
        flash("It was started.", "success")
        # The job is the schedule's, not one's own.
        is_shown = may(current_actor(), JOBS_VIEW) and may(current_actor(), JOBS_VIEW_ALL)
        return redirect(job_url(job_id) if is_shown else url_for(".index"))
