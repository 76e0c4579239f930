"""The queue of external graders: its entries, the page of one, and putting back what sticks or has failed."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from uuid import UUID

from flask import Response, flash, redirect, request, url_for
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import defer, joinedload

from plugins.submissions.admin.filters import queue_filter
from plugins.submissions.admin.words import GRADER_TONES, SHOWN_CHARACTERS, ShownAnswer
from plugins.submissions.api.queue import MOST_AT_ONCE, PutBack, retry, unstick
from plugins.submissions.models import GraderEntry, GraderFile, GraderState, Submission
from plugins.submissions.permissions import ANSWERS_VIEW, GRADERS_MANAGE
from portal.sdk import NotFound, db, run_in_transaction, utc_now
from portal.sdk.web import (
    ChoiceFilter,
    DateTimeBetweenFilter,
    PortalModelView,
    expose,
    portal_action,
    requires,
    send_blob,
)


def _student_cell(view: Any, context: Any, record: GraderEntry, name: str) -> Any:
    item = record.submission.student_item
    return Markup('<span>{} <span class="muted">{}</span></span>').format(item.student_id, item.item_id)


class GraderEntryView(PortalModelView):
    """Entries of graders' queues."""

    introduction = (
        "Submissions that programs elsewhere grade: waiting, handed out until their time ends, or done."
    )
    details_template = "submissions/entry.html"
    column_list = ("student", "queue_name", "status", "num_failures", "status_time", "created_at")
    column_labels: ClassVar[dict[str, str]] = {
        "queue_name": "Queue",
        "status": "State",
        "num_failures": "Failures",
        "status_time": "Since",
        "created_at": "Handed in",
    }
    column_sortable_list = ("created_at",)
    column_default_sort = ("id", True)
    column_badges = ("status",)
    badge_tones: ClassVar[dict[str, str]] = dict(GRADER_TONES)
    column_filters: ClassVar[list[Any]] = [
        ChoiceFilter(GraderEntry.status, "State", list(GraderState)),
        queue_filter(),
        DateTimeBetweenFilter(GraderEntry.created_at, "Handed in"),
    ]
    column_formatters: ClassVar[dict[str, Any]] = {"student": _student_cell}

    def get_query(self) -> Any:
        """Return the query with students and without answers and replies, which are long."""
        submission = joinedload(GraderEntry.submission).load_only(Submission.id, Submission.uuid)
        return (
            super()
            .get_query()
            .options(defer(GraderEntry.grader_reply), submission.joinedload(Submission.student_item))
        )

    @portal_action("unstick", "Offer anew", GRADERS_MANAGE, "Offer the selected entries to graders anew?")
    def unstick(self, ids: list[str]) -> None:
        """Offer entries anew that were handed out and not answered."""
        _put_back([int(key) for key in ids], unstick, "offered anew", GraderState.PULLED)

    @portal_action("retry", "Try failed ones again", GRADERS_MANAGE, "Let the selected entries wait again?")
    def retry(self, ids: list[str]) -> None:
        """Let failed entries wait again."""
        _put_back([int(key) for key in ids], retry, "waiting again", GraderState.FAILED)

    @expose("/details/")
    def details_view(self) -> Any:
        """Show the entry."""
        entry: GraderEntry = self.get_one(request.args.get("id"))
        reply = entry.grader_reply or ""
        facts = ShownAnswer(
            text=reply[:SHOWN_CHARACTERS], length=len(reply), is_cut=len(reply) > SHOWN_CHARACTERS
        )
        is_late = entry.lease_until is not None and entry.lease_until < utc_now()
        return self.render(
            self.details_template, model=entry, reply=facts, is_late=is_late, tones=GRADER_TONES
        )

    @expose("/put-back", methods=("POST",))
    @requires(GRADERS_MANAGE)
    def put_back(self) -> Any:
        """Offer this entry anew, or let it wait again."""
        entry: GraderEntry = self.get_one(request.form.get("id"))
        if request.form.get("how") == "retry":
            _put_back([entry.id], retry, "waiting again", GraderState.FAILED)
        else:
            _put_back([entry.id], unstick, "offered anew", GraderState.PULLED)
        return redirect(url_for(".details_view", id=entry.id))

    @expose("/files/<uuid:file_uuid>")
    @requires(ANSWERS_VIEW)
    def file(self, file_uuid: UUID) -> Response:
        """Answer with a file that went to the grader, as a download."""
        found = db.session.scalar(select(GraderFile).where(GraderFile.uuid == file_uuid))
        if found is None or found.entry_id is None:
            raise NotFound("file-missing", "There is no such file.")
        self.get_one(found.entry_id)
        return send_blob(found.sha256, "application/octet-stream", found.original_filename)


def _put_back(
    entries: Sequence[int], how: Callable[[Sequence[int]], PutBack], done_words: str, wanted: GraderState
) -> None:
    """Do it, 500 entries in a transaction, and say what became of them."""
    done, left = 0, 0
    for start in range(0, len(entries), MOST_AT_ONCE):
        part = entries[start : start + MOST_AT_ONCE]
        result = run_in_transaction(lambda part=part: how(part))  # type: ignore[misc]
        done, left = done + len(result.done), left + len(result.left)
    if done:
        flash(f"{done} {'entry is' if done == 1 else 'entries are'} {done_words}.", "success")
    if left:
        flash(f"{left} left as they are: only entries that are {wanted} can be {done_words}.", "warning")
