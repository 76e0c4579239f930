"""The drift report: course rows that do not agree with what they belong to, and mending them."""

from typing import Any

from flask import flash, redirect, request, url_for
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from plugins.enrollments.admin.words import titles
from plugins.enrollments.api.integrity import CHUNK_ROWS, Drift, DriftKind, find_drift, repair_drift
from plugins.enrollments.models import ProgramEnrollment
from plugins.enrollments.permissions import DRIFT_REPAIR
from portal.sdk import db, run_in_transaction
from portal.sdk.web import PortalView, expose, requires

PAGE = 100
WORDS = {
    DriftKind.STALE_COPY: "Account, key or organization are not those of the program enrollment",
    DriftKind.NOT_ENROLLED: "There is an account, but it is not in the course run",
    DriftKind.WRONG_COURSE_ENROLLMENT: "The course enrollment is somebody else's, or of another run",
    DriftKind.ACTIVITY: "One says active and the other does not",
}


class DriftView(PortalView):
    """Where program and course enrollments disagree."""

    @expose("/")
    def index(self) -> Any:
        """Show what differs, a page at a time."""
        after = request.args.get("after", "0")
        found = find_drift(after=int(after) if after.isdigit() and len(after) < 19 else 0, most=PAGE + 1)
        shown = found[:PAGE]
        return self.render(
            "enrollments/drift.html",
            found=shown,
            next_after=shown[-1].row_id if len(found) > PAGE else None,
            keys=_keys(shown),
            programs=titles({item.program_uuid for item in shown}),
            words=WORDS,
        )

    @expose("/repair", methods=("POST",))
    @requires(DRIFT_REPAIR)
    def repair(self) -> Any:
        """Mend everything that is found, 500 rows in a transaction."""
        mended, refused, after = 0, 0, 0
        while found := find_drift(after=after):
            problems = _mended(found)
            mended, refused, after = mended + len(found) - problems, refused + problems, found[-1].row_id
            if len(found) < CHUNK_ROWS:
                break
        flash(f"{mended} mended." + (f" {refused} could not be mended." if refused else ""), "success")
        return redirect(url_for(".index"))


def _mended(found: list[Drift]) -> int:
    """Mend these rows, in a transaction of its own; return how many could not be mended."""
    try:
        return len(run_in_transaction(lambda: repair_drift(found)))
    except IntegrityError:
        # Right copies of one row stand against another one: mend the others.
        if len(found) == 1:
            return 1
        middle = len(found) // 2
        return _mended(found[:middle]) + _mended(found[middle:])


def _keys(found: list[Drift]) -> dict[int, str]:
    """Return enrollment to student key; one statement."""
    numbers = {item.enrollment_id for item in found}
    rows = db.session.execute(
        select(ProgramEnrollment.id, ProgramEnrollment.external_user_key).where(
            ProgramEnrollment.id.in_(numbers)
        )
    )
    return {number: key or f"#{number}" for number, key in rows}
