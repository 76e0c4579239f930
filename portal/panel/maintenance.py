"""Closing the portal for a while, and opening it again."""

from typing import Any

from flask import flash, redirect, request, url_for
from sqlalchemy import select

from portal.kernel.actor import current_actor
from portal.kernel.db import db
from portal.kernel.errors import InvalidInput
from portal.kernel.transaction import transaction
from portal.maintenance import service
from portal.maintenance.models import MaintenanceWindow
from portal.sdk.web import PortalView, expose

SHOWN_WINDOWS = 30
#: Offered lengths: minutes → words; 0: until somebody opens it.
LENGTHS = {
    0: "Until I open it again",
    15: "15 minutes",
    30: "30 minutes",
    60: "1 hour",
    120: "2 hours",
    480: "8 hours",
}


class MaintenanceView(PortalView):
    """The window that is open now, the form that opens one, and the earlier ones."""

    @expose("/")
    def index(self) -> Any:
        """Show the current window and the history."""
        newest = select(MaintenanceWindow).order_by(MaintenanceWindow.started_at.desc()).limit(SHOWN_WINDOWS)
        history = db.session.scalars(newest).all()
        return self.render(
            "panel/maintenance.html", window=service.current(), history=history, lengths=LENGTHS
        )

    @expose("/start", methods=("POST",))
    def start(self) -> Any:
        """Close the portal."""
        minutes = request.form.get("minutes", 0, type=int)
        if minutes not in LENGTHS:
            raise InvalidInput("length-unknown", "Choose one of the offered lengths.", {"field": "minutes"})
        with transaction():
            service.start(
                request.form.get("reason", ""),
                current_actor(),
                lease_seconds=minutes * 60 if minutes else None,
            )
        flash("The portal is closed. Everybody without the right to pass sees a notice.", "warning")
        return redirect(url_for(".index"))

    @expose("/end", methods=("POST",))
    def end(self) -> Any:
        """Open the portal again, whoever closed it."""
        with transaction():
            window = service.current()
            if window is not None:
                service.end(window.id, current_actor())
        flash("The portal is open.", "success")
        return redirect(url_for(".index"))
