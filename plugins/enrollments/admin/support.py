"""Support: link student keys to accounts from pasted lines, looked at before anything is written."""

import uuid
from typing import Any

from flask import flash, redirect, request

from plugins.enrollments.jobs import LinkLearners
from plugins.enrollments.jobs.wording import program_choices
from portal.sdk import InvalidInput, PortalError, current_actor, transaction
from portal.sdk.jobs import draft_rows, submit
from portal.sdk.web import PortalView, expose, job_url, sent_form_token, upload_url

#: Lines in one go; more come as a sheet.
MOST_LINES = 10_000


class SupportView(PortalView):
    """Linking by hand."""

    @expose("/", methods=("GET", "POST"))
    def index(self) -> Any:
        """Show the form; a sent one becomes a job whose plan is shown before it is applied."""
        text = request.form.get("lines", "")
        program = request.form.get("program") or request.args.get("program", "")
        relink = request.form.get("relink") == "1"
        if request.method == "POST":
            try:
                return redirect(job_url(_planned(program, text, relink=relink)))
            except PortalError as problem:
                flash(problem.message, "error")
        return self.render(
            "enrollments/support.html",
            programs=program_choices(),
            program=program,
            lines=text,
            relink=relink,
            upload=upload_url(LinkLearners.name),
        )


def _planned(program: str, text: str, *, relink: bool) -> uuid.UUID:
    """Make the job that links these lines, planned and not applied, and return its id.

    Raises:
        PortalError: the lines, or the program, cannot be understood; says which line and why.
    """
    params = {"program": program, "relink": relink}
    made = draft_rows(
        LinkLearners.name, params, current_actor(), pairs_of(text), idempotency_key=sent_form_token()
    )
    with transaction():
        return submit(made, apply=False).id


def pairs_of(text: str) -> list[dict[str, str]]:
    """Return the pairs of lines ``student key,sign-in name``; commas, semicolons and tabs part them.

    Raises:
        InvalidInput: a line without both, or too many lines.
    """
    pairs = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        separator = next((mark for mark in "\t;," if mark in line), ",")
        # From the right: keys may hold commas, names do not.
        key, _, name = (part.strip() for part in line.rpartition(separator))
        if not key or not name:
            message = f"Line {number}, {line.strip()[:80]!r}: write student key, comma, sign-in name."
            raise InvalidInput("line-not-understood", message, {"field": "lines", "line": number})
        pairs.append({"external_user_key": key, "username": name})
    if not pairs:
        raise InvalidInput("nothing-to-link", "Paste at least one line.", {"field": "lines"})
    if len(pairs) > MOST_LINES:
        message = f"These are {len(pairs)} lines; more than {MOST_LINES} come as a sheet."
        raise InvalidInput("too-many-lines", message, {"field": "lines"})
    return pairs
